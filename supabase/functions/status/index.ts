/** How everything stands: `GET /functions/v1/status` (admin key), `/status/health`, `/status/health/config`. */
// Named here too: behind an import map, the Supabase CLI may not find them.
import '../../../connectors/intercom/index.ts';
import '../../../connectors/stripe/index.ts';
import { serveEdge } from '../../../src/runtime/edge/serve-edge.ts';
import config from '../../../supasaasy.config.ts';

serveEdge(config, 'status');
