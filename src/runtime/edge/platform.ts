import type { Environment } from '../../engine/app.ts';

interface DenoNamespace {
  readonly env: { toObject(): Record<string, string> };
  serve(handler: (request: Request) => Response | Promise<Response>): unknown;
}

interface EdgeGlobals {
  readonly Deno?: DenoNamespace;
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
