import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { LeaseLostError, NotFoundError, RequestRefusedError } from '../../errors.ts';
import type { Feed } from '../feed/feed.ts';
import { formatMetrics } from '../feed/metrics.ts';
import type { Ports } from '../ports.ts';
import { requireAdmin } from './admin.ts';
import { answerJson } from './answer-json.ts';
import { HttpError } from './http-error.ts';
import { only } from './only.ts';
import type { HttpOptions } from './options.ts';
import { readJson } from './read-body.ts';

const MAX_EVENT_BYTES = 5 * 1024 * 1024;
const POLL_MS = 250;

const token = z.int().min(1);
const recvSchema = z.strictObject({
  limit: z.int().min(1).max(1000).default(100),
  /** Waits so long for a first change. */
  wait_ms: z.number().min(0).max(60_000).default(0),
  lease_ms: z.number().min(50).max(3_600_000).optional(),
});
const ackSchema = z.strictObject({ token, seqs: z.array(z.int()).min(1).optional() });
const nackSchema = z.strictObject({
  token,
  seq: z.int(),
  error: z.string().max(10_000).optional(),
  delay_ms: z.number().min(0).optional(),
  dead: z.boolean().optional(),
});
const extendSchema = z.strictObject({ token, lease_ms: z.number().min(50).max(3_600_000).optional() });
const seekSchema = z.strictObject({ to: z.union([z.enum(['start', 'now']), z.iso.datetime({ offset: true })]) });
const pageSchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  /** The id of the oldest that is known. */
  before: z.coerce.number().int().nullable().default(null),
});
const pauseSchema = z.strictObject({ reason: z.string().max(1000).nullable().default(null) });
const redriveSchema = z.union([
  z.strictObject({ ids: z.array(z.int()).min(1) }),
  z.strictObject({ entity: z.string() }),
  z.strictObject({ all: z.literal(true) }),
]);
const durationMs = z.number().min(0);
/** What `declare_consumers` takes; what is left out has its default there. */
const declareSchema = z.strictObject({
  /** A topic in place of the mirror's changes: `inbox`, `table:public.orders`, or one that events are pushed into. */
  topic: z.string().optional(),
  filter: z
    .strictObject({
      apps: z.array(z.string()).optional(),
      collections: z.array(z.string()).optional(),
      types: z.array(z.string()).optional(),
    })
    .optional(),
  start: z.union([z.enum(['start', 'now']), z.iso.datetime({ offset: true })]).optional(),
  parallel: z.int().min(1).max(64).optional(),
  max_attempts: z.int().min(1).optional(),
  backoff_ms: durationMs.optional(),
  on_dead: z.enum(['skip', 'block']).optional(),
  redrive_after_ms: z.number().min(1000).optional(),
  consume_lag_ms: durationMs.optional(),
  lag_alert_ms: durationMs.optional(),
  lease_ms: z.number().min(50).max(3_600_000).optional(),
  thin: z.boolean().optional(),
});
const nameSchema = z.string().regex(/^[a-z0-9_-]{1,64}$/, 'a name must match ^[a-z0-9_-]{1,64}$');
const eventSchema = z.strictObject({
  id: z.string().min(1).max(500).optional(),
  key: z.string().max(500).optional(),
  type: z.string().min(1).max(200).optional(),
  headers: z.record(z.string(), z.string()).optional(),
  payload: z.unknown().optional(),
});
const eventsSchema = z.union([z.array(eventSchema).min(1).max(1000), eventSchema.transform((event) => [event])]);

interface FeedHost {
  readonly feed: Feed;
  readonly ports: Ports;
}

/**
 * The feed over HTTP, for admins: `/consumers/{name}/recv|ack|nack|extend|release` to read,
 * `/consumers/{name}/pause|resume|seek|dead-letters|redrive` to run it, `PUT` and `DELETE /consumers/{name}` for those of
 * other languages, `/topics/{name}`, `/metrics`.
 */
export function consumerRoutes({ feed, ports }: FeedHost, options: Pick<HttpOptions, 'adminKeys'>): Hono {
  const routes = new Hono();
  const { store } = feed;
  const admin = requireAdmin(options.adminKeys);
  const post = <T>(path: string, schema: z.ZodType<T>, act: (c: Context, body: T) => Promise<unknown>) => {
    routes.post(path, admin, async (c) => {
      const body = parse(schema, await readJson(c.req.raw, MAX_EVENT_BYTES));
      return answerJson(c, await told(act(c, body)));
    });
    routes.all(path, only('POST'));
  };
  const nameOf = (c: Context) => c.req.param('name') ?? '';

  post('/consumers/:name/recv', recvSchema, async (c, body) => {
    const until = ports.monotonic() + body.wait_ms;
    const { signal } = c.req.raw;
    for (;;) {
      // Nobody would hear the answer: nothing is taken for nobody.
      if (signal.aborted) throw new HttpError(408, 'request_ended', 'the request ended while it waited');
      const batch = await store.recv(nameOf(c), body.limit, body.lease_ms ?? null);
      if (batch.token !== null && signal.aborted) await store.release(nameOf(c), batch.token);
      const left = until - ports.monotonic();
      if (batch.token !== null || batch.paused === true || left <= 0) return batch;
      await ports.sleep(Math.min(left, Math.max(10, batch.wait_ms ?? POLL_MS), POLL_MS), signal);
    }
  });
  post(
    '/consumers/:name/ack',
    ackSchema,
    async (c, body) => await store.ack(nameOf(c), body.token, body.seqs ?? null, undefined),
  );
  post('/consumers/:name/nack', nackSchema, async (c, body) =>
    store.nack(nameOf(c), body.token, body.seq, body.error ?? 'refused', body.delay_ms ?? null, body.dead ?? false),
  );
  post('/consumers/:name/extend', extendSchema, async (c, body) => ({
    extended: await store.extend(nameOf(c), body.token, body.lease_ms ?? null),
  }));
  post('/consumers/:name/release', z.strictObject({ token }), async (c, body) => ({
    released: await store.release(nameOf(c), body.token),
  }));
  post('/consumers/:name/seek', seekSchema, async (c, body) => store.seek(nameOf(c), body.to));
  post('/consumers/:name/pause', pauseSchema, async (c, { reason }) => ({
    paused: await store.pause(nameOf(c), reason),
  }));
  post('/consumers/:name/resume', z.strictObject({}), async (c) => ({ resumed: await store.resume(nameOf(c)) }));
  post('/consumers/:name/redrive', redriveSchema, async (c, which) => ({
    redriven: await store.redrive(
      nameOf(c),
      'ids' in which ? which.ids : null,
      'entity' in which ? which.entity : null,
    ),
  }));
  routes.get('/consumers/:name/dead-letters', admin, async (c) => {
    const { limit, before } = parse(pageSchema, c.req.query());
    return answerJson(c, await told(store.deadLetters(nameOf(c), limit, before)));
  });
  routes.get('/consumers', admin, async (c) => answerJson(c, await store.status(null)));
  const refuseConfigured = (name: string) => {
    if (feed.consumers.some((one) => one.name === name))
      throw new HttpError(409, 'configured', `the consumer "${name}" is made by the configuration: change it there`);
  };
  routes.put('/consumers/:name', admin, async (c) => {
    const body = parse(declareSchema, await readJson(c.req.raw, MAX_EVENT_BYTES));
    const name = parse(nameSchema, nameOf(c));
    refuseConfigured(name);
    const kind = body.topic === undefined ? 'changes' : 'messages';
    const { created } = await told(store.declare([{ name, kind, ...body }], false));
    return answerJson(c, { created: created.includes(name) });
  });
  routes.delete('/consumers/:name', admin, async (c) => {
    refuseConfigured(nameOf(c));
    if (!(await told(store.drop(nameOf(c))))) throw new HttpError(404, 'not_found', 'it is gone already');
    return answerJson(c, { dropped: true });
  });
  routes.get('/consumers/:name', admin, async (c) => answerJson(c, (await told(store.status(nameOf(c))))[0]));
  post('/topics/:name', eventsSchema, async (c, events) => store.publish(nameOf(c), events));
  routes.get('/metrics', admin, async (c) =>
    c.text(formatMetrics(await store.status(null)), 200, {
      'Content-Type': 'text/plain; version=0.0.4; charset=utf-8',
    }),
  );
  return routes;
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new HttpError(
    400,
    'body_invalid',
    `${issue?.path.join('.') || 'the body'}: ${issue?.message ?? 'is not understood'}`,
  );
}

async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof LeaseLostError) throw new HttpError(409, 'lease_lost', error.message);
    if (error instanceof NotFoundError) throw new HttpError(404, 'not_found', error.message);
    if (error instanceof RequestRefusedError) throw new HttpError(410, 'beyond_retention', error.message);
    const state = (error as { sqlState?: string }).sqlState;
    if (state === '22023') throw new HttpError(400, 'body_invalid', (error as Error).message);
    throw error;
  }
}
