import { Hono } from 'hono';
import { z } from 'zod';
import { APP_KEY } from '../../config.ts';
import type { Engine } from '../engine.ts';
import { startDueRuns } from '../schedule.ts';
import { limitsOf } from '../slice.ts';
import type { Run, RunOptions } from '../store.ts';
import { type Preview, previewRun } from '../sync/preview.ts';
import { requireAdmin } from './admin.ts';
import { answerJson } from './answer-json.ts';
import { HttpError } from './http-error.ts';
import { only } from './only.ts';
import { cpuOf, DEFAULT_SLICE_MS, type HttpOptions } from './options.ts';
import { readJson } from './read-body.ts';
import { toRunResult } from './run-result.ts';

const syncSchema = z.strictObject({
  app_key: z.string().regex(APP_KEY, `must match ${APP_KEY.source}`),
  mode: z.enum(['full', 'incremental']).default('incremental'),
  resources: z.array(z.string()).min(1).optional(),
  limit: z.int().min(1).optional(),
  allow_mass_delete: z.literal(true).optional(),
  /** True: the answer waits for the end of the run, as long as one slice lasts. */
  immediate: z.boolean().default(false),
  /** True: reads everything, writes nothing, and answers with what a run would do. */
  dry_run: z.boolean().default(false),
  /** True: a clock says that a schedule of this app and mode is due. Nothing happens when it was heard before. */
  scheduled: z.boolean().default(false),
});

/** `POST /sync` starts a run (202), or works it too (`immediate`), or only says what it would do (`dry_run`); `GET /runs/:id` tells how it goes. */
export function syncRoutes(engine: Engine, options: HttpOptions): Hono {
  const routes = new Hono();
  const admin = requireAdmin(options.adminKeys);

  routes.post('/sync', admin, async (c) => {
    const wish = parseSync(await readJson(c.req.raw));
    const { app_key, mode, immediate, scheduled } = wish;
    if (!engine.apps.has(app_key)) throw new HttpError(404, 'app_unknown', `there is no app "${app_key}"`);
    if (wish.dry_run) return answerJson(c, await preview(engine, wish, options, c.req.raw.signal));
    // Of this host: nothing shared is touched without it.
    engine.app(app_key).account();
    if (scheduled) {
      const started = await startDueRuns(engine, { app_key, mode });
      if (started.length > 0) options.ring?.('run');
      return answerJson(c, { started: started.map((run) => run.runId) }, 202);
    }
    await engine.wake(app_key, c.req.raw.signal);
    const { runId, resumed } = await engine.startRun(app_key, mode, toRunOptions(wish), 'http');
    if (!immediate) {
      options.ring?.('run');
      return answerJson(c, { run_id: runId, status: 'running', resumed }, 202);
    }
    const budgetMs = options.sliceMs ?? DEFAULT_SLICE_MS;
    const limits = limitsOf(engine.ports, { budgetMs, signal: c.req.raw.signal, ...cpuOf(options) });
    await engine.work({ filter: { run_id: runId }, ...limits });
    const run = await readRun(engine, runId);
    return answerJson(c, { ...toRunResult(run), resumed }, statusOf(run));
  });
  routes.all('/sync', only('POST'));

  routes.get('/runs/:id', admin, async (c) => answerJson(c, toRunResult(await readRun(engine, c.req.param('id')))));
  routes.all('/runs/:id', only('GET', 'HEAD'));
  return routes;
}

/** A dry run has no task that another slice could go on with: it fits into this one, or it is refused. */
async function preview(
  engine: Engine,
  wish: z.output<typeof syncSchema>,
  options: HttpOptions,
  gone: AbortSignal,
): Promise<Preview> {
  const { ports } = engine;
  const sliceMs = options.sliceMs ?? DEFAULT_SLICE_MS;
  const late = new AbortController();
  const ended = new AbortController();
  void ports.sleep(sliceMs, ended.signal).then(
    () => late.abort(),
    () => {},
  );
  try {
    engine.app(wish.app_key).account();
    const signal = AbortSignal.any([gone, late.signal]);
    return await previewRun(engine, wish.app_key, wish.mode, toRunOptions(wish), signal);
  } catch (error) {
    if (!late.signal.aborted) throw error;
    throw new HttpError(
      400,
      'dry_run_too_long',
      `the dry run takes longer than ${sliceMs / 1000} s: narrow it with "resources" or "limit", or use "supasaasy sync ${wish.app_key} --dry-run"`,
    );
  } finally {
    ended.abort();
  }
}

function parseSync(body: unknown): z.output<typeof syncSchema> {
  const parsed = syncSchema.safeParse(body);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the body'}: ${issue.message}`);
  throw new HttpError(400, 'body_invalid', problems.join('; '));
}

/** The wish is a key of its own in the database: `{limit: undefined}` and `{}` are one wish. */
function toRunOptions({ resources, limit, allow_mass_delete }: z.output<typeof syncSchema>): RunOptions {
  return {
    ...(resources === undefined ? {} : { resources }),
    ...(limit === undefined ? {} : { limit }),
    ...(allow_mass_delete === undefined ? {} : { allow_mass_delete }),
  };
}

async function readRun(engine: Engine, id: string): Promise<Run> {
  const run = z.uuid().safeParse(id).success ? await engine.getRun(id) : null;
  if (run === null) throw new HttpError(404, 'run_unknown', 'there is no such run');
  return run;
}

/** Only a completed run is a success; one that outlasts its slice goes on in the workers. */
function statusOf(run: Run): 200 | 202 | 500 {
  if (run.state === 'completed') return 200;
  return run.state === 'running' ? 202 : 500;
}
