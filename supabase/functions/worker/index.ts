/** Works one slice of what is due: `POST /functions/v1/worker`, rung by pg_cron. Admin key. */
import { serveEdge } from '../../../src/runtime/edge/serve-edge.ts';
import config from '../../../supasaasy.config.ts';

serveEdge(config, 'worker');
