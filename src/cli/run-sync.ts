import type { Engine } from '../engine/engine.ts';
import { whileBeating } from '../engine/fleet/heartbeat.ts';
import { type RunResult, toRunResult } from '../engine/http/run-result.ts';
import { outlast } from '../engine/outlast.ts';
import { readApps } from '../engine/status.ts';
import type { RunOptions, SyncMode } from '../engine/store.ts';
import { EXIT } from './command.ts';

/** How a run ended here: it may also be interrupted, wait for a paused app, or be left to others because this process's key is refused. */
export interface SyncOutcome extends Omit<RunResult, 'status'> {
  readonly status: RunResult['status'] | 'interrupted' | 'paused' | 'refused';
  readonly resumed: boolean;
}

/** Plans a run (or joins the unfinished one of the same wish), works it to its end, and says how it ended. */
export async function runSync(
  engine: Engine,
  appKey: string,
  mode: SyncMode,
  options: RunOptions & { readonly trigger?: string; readonly signal?: AbortSignal },
): Promise<SyncOutcome> {
  const { trigger = 'cli', signal, ...wish } = options;
  const steadily = <T>(work: () => Promise<T>) => outlast(engine.ports, work, { signal });
  await steadily(() => engine.wake(appKey, signal));
  // Begun twice, it is the same run.
  const { runId, resumed } = await steadily(() => engine.startRun(appKey, mode, wish, trigger));
  await whileBeating(engine, 'sync', () =>
    engine.work({ filter: { run_id: runId }, ...(signal === undefined ? {} : { signal }) }),
  );
  const run = await steadily(() => engine.getRun(runId));
  if (run === null) throw new Error(`run ${runId} vanished while it was worked`);
  const result = toRunResult(run);
  if (result.status !== 'running') return { ...result, resumed };
  if (signal?.aborted === true) return { ...result, resumed, status: 'interrupted', error: null };
  const unfit = engine.fitness.reasonAgainst(engine.app(appKey));
  if (unfit !== undefined) return { ...result, resumed, status: 'refused', error: unfit };
  const app = (await steadily(() => readApps(engine.store))).apps.find((each) => each.app_key === appKey);
  // Neither at its end nor ours to work: somebody mends the key first, or another worker has its tasks.
  return app?.paused_at == null
    ? { ...result, resumed }
    : { ...result, resumed, status: 'paused', error: app.pause_reason };
}

export function exitCodeOf(outcome: Pick<SyncOutcome, 'status'>): number {
  if (outcome.status === 'completed') return EXIT.ok;
  return outcome.status === 'interrupted' ? EXIT.interrupted : EXIT.failed;
}
