/** Starts runs: `POST /functions/v1/sync`; tells about one: `GET /functions/v1/sync/runs/<id>`. Admin key. */
import { serveEdge } from '../../../src/runtime/edge/serve-edge.ts';
import config from '../../../supasaasy.config.ts';

serveEdge(config, 'sync');
