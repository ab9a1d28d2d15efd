import { Hono } from 'hono';
import type { Engine } from '../engine.ts';
import { isAdmin } from './admin.ts';
import { answerJson } from './answer-json.ts';
import { only } from './only.ts';
import type { HttpOptions } from './options.ts';

/**
 * `GET /health`: does the database answer. `GET /health/config`: is every secret there; which of them is missing is
 * told to the admin only, by name, never by value.
 */
export function healthRoutes(engine: Engine, options: HttpOptions): Hono {
  const routes = new Hono();

  routes.get('/health', async (c) => {
    await engine.store.clock();
    return answerJson(c, { status: 'ok', database: 'ok' });
  });
  routes.all('/health', only('GET', 'HEAD'));

  routes.get('/health/config', async (c) => {
    const apps = [...engine.apps.values()].map((app) => ({
      app_key: app.key,
      connector: app.config.connector.metadata.name,
      missing: app.missingSecrets(),
    }));
    const status = apps.every((app) => app.missing.length === 0) ? 'ok' : 'incomplete';
    const told = (await isAdmin(c.req.raw.headers, options.adminKeys())) ? { status, apps } : { status };
    return answerJson(c, told, status === 'ok' ? 200 : 503);
  });
  routes.all('/health/config', only('GET', 'HEAD'));
  return routes;
}
