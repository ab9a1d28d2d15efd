/** Deliveries of the providers: `/functions/v1/webhook/<app_key>`. Verifies each by its own signature. */
import { serveEdge } from '../../../src/runtime/edge/serve-edge.ts';
import config from '../../../supasaasy.config.ts';

serveEdge(config, 'webhook');
