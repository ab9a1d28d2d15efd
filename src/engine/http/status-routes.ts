import { Hono } from 'hono';
import type { Engine } from '../engine.ts';
import { readStatus } from '../status.ts';
import { requireAdmin } from './admin.ts';
import { answerJson } from './answer-json.ts';
import { only } from './only.ts';
import type { HttpOptions } from './options.ts';

/**
 * `GET /status`: apps, their last runs, watermarks, inbox, tasks and quarantine, the processes, and what is wrong.
 * `?full=true` counts rows too, and has the health of each resource.
 */
export function statusRoutes(engine: Engine, options: HttpOptions): Hono {
  const routes = new Hono();
  routes.get('/status', requireAdmin(options.adminKeys), async (c) =>
    answerJson(c, await readStatus(engine, c.req.query('full') === 'true')),
  );
  routes.all('/status', only('GET', 'HEAD'));
  return routes;
}
