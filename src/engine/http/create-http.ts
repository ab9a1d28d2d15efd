import { Hono } from 'hono';
import type { Engine } from '../engine.ts';
import { consumerRoutes } from './consumers.ts';
import { healthRoutes } from './health-routes.ts';
import { answerError, HttpError } from './http-error.ts';
import { indexRoutes } from './index-routes.ts';
import type { HttpOptions } from './options.ts';
import { statusRoutes } from './status-routes.ts';
import { syncRoutes } from './sync-routes.ts';
import { webhookRoutes } from './webhook-routes.ts';
import { workerRoutes } from './worker-routes.ts';

/**
 * The engine over HTTP, for any host of web standards. Errors are `{error: {code, message}}`; no CORS: only servers
 * call it. Further routes are mounted with `.route('/', …)`; their errors are answered here too.
 */
export function createHttp(engine: Engine, options: HttpOptions): Hono {
  const app = options.path === undefined ? new Hono() : new Hono({ getPath: options.path });
  app.use(async (c, next) => {
    await next();
    c.res.headers.set('Cache-Control', 'no-store');
    c.res.headers.set('X-Content-Type-Options', 'nosniff');
  });
  app.onError((error, c) => answerError(c, error, engine.ports.log));
  app.notFound((c) => answerError(c, new HttpError(404, 'not_found', 'there is no such route'), engine.ports.log));
  for (const routes of [webhookRoutes, syncRoutes, workerRoutes, healthRoutes, statusRoutes, consumerRoutes]) {
    app.route('/', routes(engine, options));
  }
  indexRoutes(app);
  return app;
}
