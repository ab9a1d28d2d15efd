/** How everything stands: `GET /functions/v1/status` (admin key), `/status/health`, `/status/health/config`. */
import { serveEdge } from '../../../src/runtime/edge/serve-edge.ts';
import config from '../../../supasaasy.config.ts';

serveEdge(config, 'status');
