import { describeError } from '../errors.ts';
import type { Engine } from './engine.ts';
import { lastOccurrence, toDeclaredSchedules } from './occurrences.ts';
import type { SyncMode } from './store.ts';
import { sayUnfit } from './sync/say-trouble.ts';

export { lastOccurrence, nextOccurrenceInMs } from './occurrences.ts';

export interface ScheduledRun {
  readonly appKey: string;
  readonly mode: SyncMode;
  readonly runId: string;
  /** 1, or more when an earlier run of the same occurrence failed. */
  readonly attempt: number;
}

const declared = new WeakMap<Engine, Promise<unknown>>();

/**
 * Starts what the schedules want now. Any number of schedulers may call it, as often as they like: the database gives
 * each occurrence to one of them. Occurrences that were missed are made up for by one run; a run that failed is
 * started again after a minute, then two, up to fifteen, until the next occurrence takes its place. `onRefused` hears of
 * what could not start.
 */
export async function startDueRuns(
  engine: Engine,
  filter: { readonly app_key?: string; readonly mode?: SyncMode } = {},
  onRefused: (appKey: string, reason: string) => void = () => {},
): Promise<ScheduledRun[]> {
  const schedules = toDeclaredSchedules(engine.config);
  if (schedules.length === 0) return [];
  await declareOnce(engine);
  // The database's clock: the hosts' may differ, and pg_cron rings by this one.
  const nowMs = new Date(await engine.store.clock()).getTime();
  const started: ScheduledRun[] = [];
  for (const { app_key, mode, schedule, cron, enabled } of schedules) {
    if (!enabled || (filter.app_key ?? app_key) !== app_key || (filter.mode ?? mode) !== mode) continue;
    const due = lastOccurrence(cron, nowMs);
    if (due === null) continue;
    const app = engine.app(app_key);
    const unfit = engine.fitness.reasonAgainst(app);
    if (unfit !== undefined) {
      // The occurrence stays for a process that can work it.
      sayUnfit(engine.ports, app, unfit);
      onRefused(app_key, unfit);
      continue;
    }
    const attempt = await engine.store.claimOccurrence(app_key, schedule, due.toISOString());
    if (attempt === null) continue;
    try {
      const { runId } = await engine.startRun(app_key, mode, {}, 'schedule');
      await engine.store.settleOccurrence(app_key, schedule, due.toISOString(), runId, null);
      started.push({ appKey: app_key, mode, runId, attempt });
    } catch (error) {
      // One app's trouble stops no other app's schedule.
      const reason = describeError(error);
      engine.ports.log('error', `${app_key}: the scheduled ${mode} run could not start: ${reason}`);
      await engine.store.settleOccurrence(app_key, schedule, due.toISOString(), null, reason);
      onRefused(app_key, reason);
    }
  }
  return started;
}

async function declareOnce(engine: Engine): Promise<void> {
  if (engine.deployment === null) return;
  const known = declared.get(engine) ?? engine.declare();
  declared.set(engine, known);
  try {
    await known;
  } catch (error) {
    declared.delete(engine);
    throw error;
  }
}
