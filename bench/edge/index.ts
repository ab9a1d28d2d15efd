/** The Edge Function `worker` with the bench's app instead of the project's: nothing else differs. */
import process from 'node:process';
import { serveEdge } from '../../src/runtime/edge/serve-edge.ts';
import { benchConfig } from '../harness/config.ts';

serveEdge(benchConfig({ sandboxUrl: process.env['STRIPE_BASE_URL'] ?? '', resources: ['customer'] }), 'worker');
