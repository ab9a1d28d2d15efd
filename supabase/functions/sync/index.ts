/** Starts runs: `POST /functions/v1/sync`; tells about one: `GET /functions/v1/sync/runs/<id>`. Admin key. */
// Named here too: behind an import map, the Supabase CLI may not find them.
import '../../../connectors/intercom/index.ts';
import '../../../connectors/stripe/index.ts';
import { serveEdge } from '../../../src/runtime/edge/serve-edge.ts';
import config from '../../../supasaasy.config.ts';

serveEdge(config, 'sync');
