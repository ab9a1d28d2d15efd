import type { Environment } from '../../engine/app.ts';

interface DenoNamespace {
  readonly env: { toObject(): Record<string, string> };
  serve(handler: (request: Request) => Response | Promise<Response>): unknown;
}

interface EdgeGlobals {
  readonly Deno?: DenoNamespace;
  readonly process?: { cpuUsage?(): { readonly user: number; readonly system: number } };
  readonly EdgeRuntime?: { waitUntil(promise: Promise<unknown>): void };
}

const globals = globalThis as EdgeGlobals;

/** Deno, where these functions run; on Supabase with `EdgeRuntime` beside it. */
export function requireDeno(): DenoNamespace {
  if (globals.Deno === undefined) throw new Error('this is an Edge Function: it runs under Deno');
  return globals.Deno;
}

export const readEnvironment = (): Environment => requireDeno().env.toObject();

/** Work that outlives the answer: Supabase keeps the worker for it, elsewhere it simply goes on. */
export function runInBackground(work: Promise<unknown>): void {
  globals.EdgeRuntime?.waitUntil(work);
}

/**
 * CPU milliseconds of the whole process. Where a host runs several functions in one process, others' work counts as
 * ours: a slice stops earlier than it must, never later. Undefined where the platform does not tell.
 */
export const cpuOfProcess: (() => number) | undefined =
  globals.process?.cpuUsage === undefined
    ? undefined
    : () => {
        const { user = 0, system = 0 } = globals.process?.cpuUsage?.() ?? {};
        return (user + system) / 1000;
      };
