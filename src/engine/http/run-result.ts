import type { Counts, Run } from '../store.ts';

/** A run as people and machines read it, over HTTP and on the command line. */
export interface RunResult {
  readonly run_id: string;
  readonly app_key: string;
  readonly mode: Run['mode'];
  readonly status: Run['state'];
  readonly trigger: string;
  readonly error: string | null;
  readonly created_at: string;
  readonly finished_at: string | null;
  readonly duration_ms: number;
  readonly open_tasks: number;
  readonly resources: Readonly<Record<string, Counts & { readonly pages: number; readonly requests: number }>>;
  readonly passes: Run['passes'];
}

export function toRunResult(run: Run): RunResult {
  return {
    run_id: run.id,
    app_key: run.app_key,
    mode: run.mode,
    status: run.state,
    trigger: run.trigger,
    error: run.error,
    created_at: run.created_at,
    finished_at: run.finished_at,
    duration_ms: Number(run.duration_ms),
    open_tasks: Number(run.open_tasks),
    resources: run.resources,
    passes: run.passes,
  };
}
