import { Hono } from 'hono';
import type { Engine } from '../engine.ts';
import { requireAdmin } from './admin.ts';
import { answerJson } from './answer-json.ts';
import { only } from './only.ts';
import type { HttpOptions } from './options.ts';

/** `GET /status`: apps, their last runs, watermarks, inbox, tasks and quarantine, as the database has them. */
export function statusRoutes(engine: Engine, options: HttpOptions): Hono {
  const routes = new Hono();
  routes.get('/status', requireAdmin(options.adminKeys), async (c) => answerJson(c, await engine.store.getStatus()));
  routes.all('/status', only('GET', 'HEAD'));
  return routes;
}
