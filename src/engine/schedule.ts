import { Cron } from 'croner';
import type { Config } from '../config.ts';
import { describeError } from '../errors.ts';
import type { Engine } from './engine.ts';
import type { DeclaredSchedule, SyncMode } from './store.ts';
import { sayUnfit } from './sync/say-trouble.ts';

/** Schedules are in UTC, as pg_cron's are, whatever the host's zone. */
const cronOf = (pattern: string) => new Cron(pattern, { timezone: 'UTC', paused: true });

/** The last moment, not after `nowMs`, at which the pattern fired. Null: it never did. */
export function lastOccurrence(pattern: string, nowMs: number): Date | null {
  // Croner looks strictly before its reference.
  const [last] = cronOf(pattern).previousRuns(1, new Date(nowMs + 1));
  return last ?? null;
}

/** How often the pattern fired after one moment and up to another; counted to 100. */
export function missedOccurrences(pattern: string, afterMs: number, untilMs: number): number {
  const cron = cronOf(pattern);
  let count = 0;
  for (let at = afterMs; count < 100; count += 1) {
    const next = cron.nextRun(new Date(at));
    if (next === null || next.getTime() > untilMs) break;
    at = next.getTime();
  }
  return count;
}

/** Milliseconds until the next schedule fires; null without schedules. */
export function nextOccurrenceInMs(config: Pick<Config, 'schedules'>, nowMs: number): number | null {
  const moments = config.schedules
    .filter((schedule) => schedule.enabled)
    .map((schedule) => cronOf(schedule.cron).nextRun(new Date(nowMs)))
    .filter((moment) => moment !== null)
    .map((moment) => moment.getTime() - nowMs);
  return moments.length === 0 ? null : Math.min(...moments);
}

/** A configured schedule as the database knows it; its name changes when it does. */
export function toDeclaredSchedules(config: Pick<Config, 'schedules'>): DeclaredSchedule[] {
  return config.schedules.map(({ app_key, mode, cron, enabled }) => ({
    app_key,
    schedule: `${mode} ${cron}`,
    mode,
    cron,
    enabled,
  }));
}

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
