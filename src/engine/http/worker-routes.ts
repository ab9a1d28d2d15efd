import { Hono } from 'hono';
import { z } from 'zod';
import type { Engine } from '../engine.ts';
import { workSlice } from '../slice.ts';
import { requireAdmin } from './admin.ts';
import { answerJson } from './answer-json.ts';
import { HttpError } from './http-error.ts';
import { only } from './only.ts';
import { cpuOf, DEFAULT_SLICE_MS, type HttpOptions } from './options.ts';
import { readJson } from './read-body.ts';

const workerSchema = z.strictObject({ budget_ms: z.int().min(100).max(300_000).optional() });

/** `POST /worker`: one slice of everything that is due. Called by a clock outside; any number may run at once. */
export function workerRoutes(engine: Engine, options: HttpOptions): Hono {
  const routes = new Hono();
  routes.post('/worker', requireAdmin(options.adminKeys), async (c) => {
    const parsed = workerSchema.safeParse(await readJson(c.req.raw));
    if (!parsed.success) throw new HttpError(400, 'body_invalid', 'budget_ms must be 100 to 300000');
    const budgetMs = parsed.data.budget_ms ?? options.sliceMs ?? DEFAULT_SLICE_MS;
    return answerJson(c, await workSlice(engine, { budgetMs, signal: c.req.raw.signal, ...cpuOf(options) }));
  });
  routes.all('/worker', only('POST'));
  return routes;
}
