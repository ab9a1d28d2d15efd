/** Deliveries of the providers: `/functions/v1/webhook/<app_key>`. Verifies each by its own signature. */
// By path, because the Supabase CLI does not find every file behind an import map. In a project: 'supasaasy/edge'.
import '../../../dist/connectors/intercom/index.js';
import '../../../dist/connectors/stripe/index.js';
import { serveEdge } from '../../../dist/src/runtime/edge/index.js';
import config from '../../../supasaasy.config.ts';

serveEdge(config, 'webhook');
