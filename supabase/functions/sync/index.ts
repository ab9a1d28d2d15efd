/** Starts runs: `POST /functions/v1/sync`; tells about one: `GET /functions/v1/sync/runs/<id>`. Admin key. */
// By path, because the Supabase CLI does not find every file behind an import map. In a project: 'supasaasy/edge'.
import '../../../dist/connectors/intercom/index.js';
import '../../../dist/connectors/stripe/index.js';
import { serveEdge } from '../../../dist/src/runtime/edge/index.js';
import config from '../../../supasaasy.config.ts';

serveEdge(config, 'sync');
