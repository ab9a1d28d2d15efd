import type { Config } from '../../config.ts';
import type { Environment } from '../../engine/app.ts';
import type { Database } from '../../engine/database.ts';
import { createEngine } from '../../engine/engine.ts';
import { createHttp } from '../../engine/http/create-http.ts';
import { DEFAULT_SLICE_MS } from '../../engine/http/options.ts';
import type { Log } from '../../engine/ports.ts';
import { workSlice } from '../../engine/slice.ts';
import { describeError } from '../../errors.ts';
import { createDoorbell } from '../doorbell.ts';
import { adminKeysOf } from '../supabase/admin-keys.ts';

export interface EdgeOptions {
  readonly config: Config;
  /** Name of the function: the first part of every path that it is asked for. */
  readonly name: string;
  /** What the function's name begins with where it is deployed: `supasaasy-` for `supasaasy-webhook`. */
  readonly prefix?: string;
  readonly env: Environment;
  readonly database: Database;
  readonly log: Log;
  readonly cpu?: (() => number) | undefined;
  readonly runInBackground: (work: Promise<void>) => void;
}

/** Of the two seconds that a request has: the rest is for what begins before a slice and ends after it. */
const DEFAULT_SLICE_CPU_MS = 1_400;

/**
 * The engine behind one Edge Function. What a delivery or a new run asks for is worked after the answer, for one
 * slice; what is left waits for the next ring of the worker.
 */
export function createEdge(options: EdgeOptions): { fetch(request: Request): Response | Promise<Response> } {
  const { config, env, database, log, name, cpu } = options;
  const engine = createEngine({
    config,
    database,
    env,
    deployment: null,
    process: { host: name },
    ports: { log, ...(cpu === undefined ? {} : { cpu }) },
  });
  const sliceMs = Number(env['SUPASAASY_SLICE_MS']) || DEFAULT_SLICE_MS;
  const sliceCpuMs = Number(env['SUPASAASY_SLICE_CPU_MS']) || DEFAULT_SLICE_CPU_MS;
  const ring = createDoorbell(async () => {
    try {
      await workSlice(engine, { budgetMs: sliceMs, cpuMs: sliceCpuMs });
    } catch (error) {
      log('error', `the slice after an answer ended early: ${describeError(error)}`);
    }
  }, options.runInBackground);
  return createHttp(engine, {
    adminKeys: () => adminKeysOf(env),
    ring,
    keep: options.runInBackground,
    sliceMs,
    sliceCpuMs,
    path: (request) => pathOf(new URL(request.url).pathname, name, options.prefix),
  });
}

/**
 * The route that a path means: `/webhook/<app_key>`, `/sync`, `/worker` and `/status` are routes by themselves; below
 * the other functions lie the rest (`/status/health` is `/health`, `/sync/runs/<id>` is `/runs/<id>`).
 */
export function pathOf(path: string, name: string, prefix = ''): string {
  const own = path.startsWith('/functions/v1/') ? path.slice('/functions/v1'.length) : path;
  const called = own.startsWith(`/${prefix}${name}`) ? `/${own.slice(1 + prefix.length)}` : own;
  const bare = called.length > 1 && called.endsWith('/') ? called.slice(0, -1) : called;
  return name !== 'webhook' && bare.startsWith(`/${name}/`) ? bare.slice(name.length + 1) : bare;
}
