/** Works one slice of what is due: `POST /functions/v1/worker`, rung by pg_cron. Admin key. */
// Named here too: behind an import map, the Supabase CLI may not find them.
import '../../../connectors/intercom/index.ts';
import '../../../connectors/stripe/index.ts';
import { serveEdge } from '../../../src/runtime/edge/serve-edge.ts';
import config from '../../../supasaasy.config.ts';

serveEdge(config, 'worker');
