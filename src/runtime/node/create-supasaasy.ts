import process from 'node:process';
import type { Config } from '../../config.ts';
import type { Environment } from '../../engine/app.ts';
import type { SqlDatabase } from '../../engine/database.ts';
import { createHttp } from '../../engine/http/create-http.ts';
import { queryRoutes } from '../../engine/http/query-routes.ts';
import { type RunResult, toRunResult } from '../../engine/http/run-result.ts';
import type { Log } from '../../engine/ports.ts';
import { type SliceResult, workSlice } from '../../engine/slice.ts';
import type { RunOptions, SyncMode } from '../../engine/store.ts';
import { describeError } from '../../errors.ts';
import { createDoorbell } from '../doorbell.ts';
import { createEngine, type Engine, migrate, partsOf } from './create-engine.ts';
import { fromPool, type PostgresPool } from './from-pool.ts';

export interface SupasaasyOptions {
  readonly config: Config;
  /** A pool of `pg` of yours, or what `createPostgres` and `createPglite` return. */
  readonly database: PostgresPool | SqlDatabase;
  /** Where the secrets are that the configuration names. Default: `process.env`. */
  readonly env?: Environment;
  readonly log?: Log;
  /** Keeps a host alive for work that outlives its answer: `waitUntil`, `after`. Where a process stays, none is needed. */
  readonly background?: (work: Promise<void>) => void;
  /** Keys that open the admin routes of `http`. Default: `SUPASAASY_ADMIN_KEY` of `env`. */
  readonly adminKeys?: () => readonly string[];
}

/** An engine inside a program of yours. */
export interface Supasaasy {
  /** Creates or upgrades the schema `supasaasy`, and declares the configuration's apps. Returns what was applied. */
  migrate(): Promise<readonly string[]>;
  /** Takes deliveries: the last part of the path is the app's key. Answers once the delivery is stored, then works it. */
  webhook(request: Request): Promise<Response>;
  /** Reads an app into the mirror, to the end of the run. */
  sync(
    app: string,
    options?: RunOptions & { readonly mode?: SyncMode; readonly signal?: AbortSignal },
  ): Promise<RunResult>;
  /** One slice of what is due: schedules, deliveries, tasks, consumers. For a clock of yours. */
  work(options?: { readonly budgetMs?: number; readonly signal?: AbortSignal }): Promise<SliceResult>;
  /** All routes: `/webhook/:app_key`, `/sync`, `/worker`, `/status`, `/health`, the feed. */
  http(request: Request): Promise<Response>;
  readonly feed: Engine['feed'];
  readonly engine: Engine;
  /** Waits for what is under way. A pool of yours stays open. */
  close(): Promise<void>;
}

const SLICE_MS = 20_000;

export function createSupasaasy(options: SupasaasyOptions): Supasaasy {
  const { config, env = process.env, background = () => {} } = options;
  const database = 'call' in options.database ? options.database : fromPool(options.database);
  const { log } = options;
  const engine = createEngine({ config, database, env, ...(log === undefined ? {} : { log }) });
  const { inner } = partsOf(engine);
  const ended = new AbortController();
  const underWay = new Set<Promise<void>>();
  const ring = createDoorbell(
    async () => {
      if (ended.signal.aborted) return;
      await workSlice(inner, { budgetMs: SLICE_MS, signal: ended.signal }).catch((error: unknown) =>
        inner.ports.log('error', `work after an answer ended early: ${describeError(error)}`),
      );
    },
    (work) => {
      underWay.add(work);
      background(work.finally(() => underWay.delete(work)));
    },
  );
  const adminKeys = options.adminKeys ?? (() => [env['SUPASAASY_ADMIN_KEY'] ?? ''].filter((key) => key !== ''));
  const all = createHttp(inner, { adminKeys, ring });
  all.route('/', queryRoutes(database, { adminKeys }));
  const webhook = createHttp(inner, {
    adminKeys: () => [],
    ring,
    path: (request) => `/webhook/${new URL(request.url).pathname.replace(/\/+$/, '').split('/').at(-1) ?? ''}`,
  });
  return {
    engine,
    feed: engine.feed,
    migrate: () => migrate(engine),
    webhook: async (request) => await webhook.fetch(request),
    http: async (request) => await all.fetch(request),
    async sync(app, { mode = 'incremental', ...rest } = {}) {
      return toRunResult(await engine.sync(app, mode, rest));
    },
    work: ({ budgetMs = SLICE_MS, signal = ended.signal } = {}) => workSlice(inner, { budgetMs, signal }),
    async close() {
      ended.abort();
      await Promise.all(underWay);
      await database.close();
    },
  };
}
