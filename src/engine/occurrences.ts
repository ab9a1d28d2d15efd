import { Cron } from 'croner';
import type { Config } from '../config.ts';
import type { DeclaredSchedule } from './records.ts';

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
