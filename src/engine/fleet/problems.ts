import { formatDuration } from '../format-duration.ts';
import { missedOccurrences } from '../occurrences.ts';
import { describeConflict, remedyOf } from './declare.ts';
import type { Fleet, FleetProcess } from './fleet.ts';
import { describeRefused, isUnanswered } from './refused.ts';

/** Something that needs a person, and what to do about it. */
export interface FleetProblem {
  readonly code:
    | 'no_worker'
    | 'schedule_overdue'
    | 'inbox_late'
    | 'deliveries_refused'
    | 'job_missing'
    | 'deployments_differ';
  readonly app_key?: string;
  readonly message: string;
  readonly remedy: string;
}

/** A worker looks every second or two, pg_cron every ten seconds. */
const WAIT_MS = 120_000;
/** On Supabase a ring that was lost is made up for within five minutes. */
const OVERDUE_MS = 360_000;

const START = 'start one: supasaasy serve, or supasaasy worker (on Supabase: docs/deploy-supabase.md)';

/** What is wrong with how the database is worked: nothing that one process could see of itself. */
export function fleetProblems(fleet: Fleet): FleetProblem[] {
  return [
    ...waitingTasks(fleet),
    ...lateInboxes(fleet),
    ...overdueSchedules(fleet),
    ...refusedDeliveries(fleet),
    ...fleet.missing_jobs.map(
      (name): FleetProblem => ({
        code: 'job_missing',
        message: `pg_cron has no active job "${name}"`,
        remedy: 'as the owner of the schema: select supasaasy.install_jobs()',
      }),
    ),
    ...fleet.conflicts.map(
      (conflict): FleetProblem => ({
        code: 'deployments_differ',
        message: describeConflict(conflict),
        remedy: remedyOf(conflict),
      }),
    ),
  ];
}

function waitingTasks(fleet: Fleet): FleetProblem[] {
  return fleet.tasks
    .filter(({ app_key, since }) => age(fleet, since) > WAIT_MS && !hasWorker(fleet, app_key))
    .map(({ app_key, waiting, since }) => ({
      code: 'no_worker',
      app_key,
      message: `${app_key}: ${waiting} tasks have waited for ${formatDuration(age(fleet, since))}, and no process that can work for it is alive${whoElse(fleet, app_key)}`,
      remedy: START,
    }));
}

function lateInboxes(fleet: Fleet): FleetProblem[] {
  return fleet.inbox
    .filter(({ since }) => age(fleet, since) > WAIT_MS)
    .map(({ app_key, waiting, since }) => ({
      code: 'inbox_late',
      app_key,
      message: `${app_key}: ${waiting} webhook deliveries wait to be processed, the first for ${formatDuration(age(fleet, since))}${hasWorker(fleet, app_key) ? '' : whoElse(fleet, app_key)}`,
      remedy: hasWorker(fleet, app_key)
        ? 'see the log of the process that is alive; more workers may help: supasaasy worker'
        : START,
    }));
}

function overdueSchedules(fleet: Fleet): FleetProblem[] {
  const now = Date.parse(fleet.at);
  return fleet.schedules.flatMap((schedule): FleetProblem[] => {
    const { app_key, mode, cron, declared_at, last_due_at } = schedule;
    const after = Math.max(Date.parse(declared_at), last_due_at === null ? 0 : Date.parse(last_due_at));
    if (missedOccurrences(cron, after, now - OVERDUE_MS) === 0) return [];
    const missed = missedOccurrences(cron, after, now);
    return [
      {
        code: 'schedule_overdue',
        app_key,
        message: `${app_key}: the schedule "${cron}" (${mode}) was missed ${missed}${missed >= MOST_COUNTED ? ' or more' : ''} times since ${new Date(after).toISOString()}${hasWorker(fleet, app_key) ? '' : whoElse(fleet, app_key)}`,
        remedy: START,
      },
    ];
  });
}

/** Of an app that has accepted none since: one that is forged now and then is no trouble. */
function refusedDeliveries(fleet: Fleet): FleetProblem[] {
  return fleet.refused.filter(isUnanswered).map((one) => ({
    code: 'deliveries_refused',
    app_key: one.app_key,
    ...describeRefused(one),
  }));
}

/** As `missedOccurrences` counts. */
const MOST_COUNTED = 100;

const hasWorker = ({ processes }: Fleet, appKey: string) =>
  processes.some(({ alive, apps }) => alive && apps.includes(appKey));

/** What is known of those that could be the worker. */
function whoElse(fleet: Fleet, appKey: string): string {
  const alive = fleet.processes.filter((one) => one.alive && one.unfit[appKey] !== undefined);
  if (alive.length > 0) return ` (${alive.map((one) => `${nameOf(one)}: ${one.unfit[appKey]}`).join('; ')})`;
  const [last] = fleet.processes;
  return last === undefined
    ? ' (none has been seen for a day)'
    : last.alive
      ? ''
      : ` (the last one, ${nameOf(last)}, was seen ${formatDuration(age(fleet, last.beat_at))} ago)`;
}

export function nameOf({ kind, host, pid }: Pick<FleetProcess, 'kind' | 'host' | 'pid'>): string {
  return pid == null ? `${kind} ${host}` : `${kind} on ${host}, process ${pid}`;
}

const age = ({ at }: Fleet, moment: string) => Date.parse(at) - Date.parse(moment);
