import { Hono } from 'hono';
import { z } from 'zod';
import { RequestRefusedError } from '../../errors.ts';
import type { SqlDatabase } from '../database.ts';
import { queryMirror } from '../query.ts';
import { requireAdmin } from './admin.ts';
import { HttpError } from './http-error.ts';
import { only } from './only.ts';
import type { HttpOptions } from './options.ts';
import { readJson } from './read-body.ts';

const querySchema = z.strictObject({
  sql: z.string().min(1),
  limit: z.int().min(1).max(100_000).default(1000),
  cells: z.boolean().default(false),
});

/** `POST /query`: one SQL statement, read-only, about the mirror. For admins; mounted where the database takes SQL. */
export function queryRoutes(database: SqlDatabase, options: Pick<HttpOptions, 'adminKeys'>): Hono {
  const routes = new Hono();
  routes.post('/query', requireAdmin(options.adminKeys), async (c) => {
    const parsed = querySchema.safeParse(await readJson(c.req.raw));
    if (!parsed.success) {
      const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the body'}: ${issue.message}`);
      throw new HttpError(400, 'body_invalid', problems.join('; '));
    }
    try {
      return c.body(await queryMirror(database, parsed.data), 200, { 'Content-Type': 'application/json' });
    } catch (error) {
      if (error instanceof RequestRefusedError) throw new HttpError(400, 'query_refused', error.message);
      throw error;
    }
  });
  routes.all('/query', only('POST'));
  return routes;
}
