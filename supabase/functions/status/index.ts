/** How everything stands: `GET /functions/v1/status` (admin key), `/status/health`, `/status/health/config`. */
// By path, because the Supabase CLI does not find every file behind an import map. In a project: 'supasaasy/edge'.
import '../../../dist/connectors/intercom/index.js';
import '../../../dist/connectors/stripe/index.js';
import { serveEdge } from '../../../dist/src/runtime/edge/index.js';
import config from '../../../supasaasy.config.ts';

serveEdge(config, 'status');
