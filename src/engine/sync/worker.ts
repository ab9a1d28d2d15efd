import { describeError, SupasaasyError } from '../../errors.ts';
import type { App } from '../app.ts';
import { outlast } from '../outlast.ts';
import type { Task, TaskFilter } from '../store.ts';
import { createTurnstile } from '../turnstile.ts';
import { auditExtras, auditList, confirmOne } from './audit.ts';
import type { SyncContext } from './context.ts';
import { giveBack, settle } from './give-back.ts';
import { readChanges } from './read-changes.ts';
import { readList } from './read-list.ts';
import { readOne } from './read-one.ts';
import { slotsFor } from './slots.ts';
import { createTally } from './tally.ts';

export interface WorkOptions {
  readonly filter?: TaskFilter;
  /** Tasks worked on at one time. Default: as many as the apps' providers answer at one time, 8 to 32. */
  readonly slots?: number;
  readonly signal?: AbortSignal;
  /** Monotonic milliseconds after which nothing more is begun: a host's budget ends. */
  readonly deadline?: number;
  /** True when the host's CPU time for this slice is used up: the same. */
  readonly spent?: () => boolean;
  /** True: returns when nothing can be done now, without waiting for tasks that are due later. */
  readonly once?: boolean;
}

const FAN_OUT_BATCH = 500;
const SWEEP_BATCH = 5_000;
const CONFIRM_AT_MOST = 25;
/** An object that no list shows, of a provider without a log of changes, is asked for again once a week. */
const REMEMBER_UNLISTED_MS = 7 * 86_400_000;
const IDLE_POLL_MS = 250;
/** The first look of a worker without work at what others are reading; each look in vain doubles the wait. */
const FIRST_IDLE_POLL_MS = 25;
/** Other tasks may have come meanwhile: what a page asks to read again. */
const CLAIM_EVERY_MS = 100;
const SPLIT_EVERY_MS = 25;

/**
 * Claims tasks and works them, several at a time, until there are none. Any number of workers on any number of hosts
 * may do this at once: a task has one owner at a time, and a former owner can write nothing.
 */
export async function work(
  context: SyncContext,
  apps: ReadonlyMap<string, App>,
  options: WorkOptions = {},
): Promise<{ tasks: number }> {
  const { ports, store } = context;
  const slots = options.slots ?? slotsFor(apps);
  const signal = options.signal ?? new AbortController().signal;
  const wanted = options.filter?.apps ?? [...apps.keys()];
  // Asked again each time: a key may be refused meanwhile.
  const fitting = (): TaskFilter => {
    const fit = context.fitness.fit();
    return {
      ...(ports.holder === undefined ? {} : { holder: ports.holder }),
      ...options.filter,
      apps: wanted.filter((key) => fit.has(key)),
    };
  };
  let filter = fitting();
  if (filter.apps?.length === 0) return { tasks: 0 };
  // What is urgent belongs to no run and has no range: such a worker looks for neither.
  const anyTask = filter.urgent !== true;
  const active = new Set<Promise<void>>();
  const tally = createTally();
  const touched = new Set<string>();
  if (options.filter?.run_id !== undefined) touched.add(options.filter.run_id);
  const stop = () =>
    signal.aborted ||
    (options.deadline !== undefined && ports.monotonic() >= options.deadline) ||
    options.spent?.() === true;
  /** What the loop asks may be asked again: tasks of a claim that got lost come back when their lease ends. */
  const steadily = <T>(question: () => Promise<T>) => outlast(ports, question, { signal, stop });
  let finished = 0;
  const gone = (running: Promise<void>) => {
    active.delete(running);
    claimAt = 0;
    ended();
  };
  // When it is worth asking again: for tasks at once after one ended or was split, else they are looked for now and
  // then; for a split after each page, unless the last look (there was nothing to split) is only a moment ago.
  let claimAt = 0;
  let splitAt = 0;
  let turned = true;
  let idleMs = FIRST_IDLE_POLL_MS;
  const { next: anEnd, turn: ended } = createTurnstile();

  while (!stop()) {
    // Taken before anything is awaited: an end that falls into the middle of this turn is not overlooked.
    const end = anEnd();
    await steadily(() => context.clock.calibrate());
    filter = fitting();
    let claimed: Task[] = [];
    if (active.size < slots && ports.monotonic() >= claimAt) {
      claimed = await steadily(() => store.claimTasks(slots - active.size, context.settings.leaseSeconds, filter));
      if (claimed.length < slots - active.size) claimAt = ports.monotonic() + CLAIM_EVERY_MS;
    }
    for (const task of claimed) {
      if (task.run_id !== null) touched.add(task.run_id);
      const app = apps.get(task.app_key);
      if (app === undefined) continue;
      tally.begin(task);
      context.underWay.set(app.key, (context.underWay.get(app.key) ?? 0) + 1);
      const running = runTask(context, app, task, signal, stop, () => tally.end(task))
        .finally(() => settle(context, app))
        .then(
          () => {
            finished += 1;
            gone(running);
          },
          (error: unknown) => {
            gone(running);
            ports.log(
              'error',
              `task ${task.id} (${task.kind} ${task.resource} of ${task.app_key}) was given up by this worker: ${describeError(error)}`,
            );
          },
        );
      active.add(running);
    }
    if (claimed.length > 0) idleMs = FIRST_IDLE_POLL_MS;
    if (active.size < slots && anyTask && turned && ports.monotonic() >= splitAt) {
      // Once a page: a range that was just cut tells nothing new until its next page is there. Who has no work at all
      // cuts the ranges that others are reading, so that any number of workers share one list.
      turned = false;
      if ((await steadily(() => store.splitTasks(filter, slots - active.size))) > 0) {
        claimAt = 0;
        continue;
      }
      splitAt = ports.monotonic() + SPLIT_EVERY_MS;
    }
    if (active.size > 0) {
      // Until a task ends, or a page shows how dense its range is.
      await Promise.race([end, context.pageTurned()]);
      turned = true;
      continue;
    }
    claimAt = 0;
    splitAt = 0;
    turned = true;
    // Nothing to claim: runs whose tasks have ended go on to their sweep, or end.
    let moved = false;
    if (anyTask) for (const run of await steadily(() => store.idleRuns(filter))) touched.add(run);
    for (const run of touched) {
      const { state, open } = await steadily(() => store.advanceRun(run));
      if (state !== 'running') touched.delete(run);
      else if ((open ?? 0) > 0)
        moved ||= ((await steadily(() => store.nextTaskIn({ ...filter, run_id: run }))) ?? 1) <= 0;
    }
    if (moved) continue;
    const wait = await steadily(() => store.nextTaskIn(filter));
    if (wait === null || options.once === true) break;
    await ports.sleep(Math.min(idleMs, Math.max(5, wait)), signal);
    idleMs = Math.min(IDLE_POLL_MS, idleMs * 2);
  }
  await Promise.all(active);
  for (const run of touched) await steadily(() => store.advanceRun(run));
  return { tasks: finished };
}

/** One task to its end, or back to the queue with the reason. */
async function runTask(
  context: SyncContext,
  app: App,
  task: Task,
  signal: AbortSignal,
  stop: () => boolean,
  ended: () => boolean,
): Promise<void> {
  let last = false;
  try {
    const outcome = await perform(context, app, task, signal, stop).finally(() => {
      last = ended();
    });
    if (outcome === 'stopped') await context.store.releaseTask(task, 'wait', null, 0, 0, context.settings.maxAttempts);
    else if (last && task.run_id !== null) await context.store.advanceRun(task.run_id);
  } catch (error) {
    await giveBack(context, app, task, error, signal);
  }
}

async function perform(
  context: SyncContext,
  app: App,
  task: Task,
  signal: AbortSignal,
  stop: () => boolean,
): Promise<'done' | 'stopped'> {
  switch (task.kind) {
    case 'list':
    case 'children':
      return await readList(context, app, task, signal, stop);
    case 'changes':
      return await readChanges(context, app, task, signal, stop);
    case 'retrieve':
      await readOne(context, app, task, signal);
      return 'done';
    case 'fanout':
      return await fanOut(context, app, task, stop);
    case 'sweep':
      return await sweep(context, app, task, stop);
    case 'audit':
      return await auditList(context, app, task, signal, stop);
    case 'extras':
      return await auditExtras(context, app, task);
    case 'confirm':
      return await confirmOne(context, app, task, signal);
  }
}

async function fanOut(context: SyncContext, app: App, task: Task, stop: () => boolean): Promise<'done' | 'stopped'> {
  const parent =
    app.config.connector.resources[app.config.connector.resources[task.resource]?.list?.fallback?.parent ?? ''];
  if (parent === undefined) throw new SupasaasyError(`${app.key}: "${task.resource}" has no parent to be read by`);
  for (;;) {
    if (stop()) return 'stopped';
    if (
      (
        await context.store.fanOut(
          task,
          parent.collection,
          app.spec(task.resource),
          FAN_OUT_BATCH,
          context.settings.leaseSeconds,
        )
      ).done
    )
      return 'done';
  }
}

async function sweep(context: SyncContext, app: App, task: Task, stop: () => boolean): Promise<'done' | 'stopped'> {
  const run = task.run_id === null ? null : await context.store.getRun(task.run_id);
  const resource = app.config.connector.resources[task.resource];
  const log = app.config.connector.changeLog;
  const logged = resource?.incremental.by === 'events' && log !== undefined;
  for (;;) {
    if (stop()) return 'stopped';
    const swept = await context.store.sweep(task, {
      spec: app.spec(task.resource),
      share: context.settings.massDeleteShare,
      floor: context.settings.massDeleteFloor,
      allow: run?.options.allow_mass_delete === true,
      confirm: CONFIRM_AT_MOST,
      ask_all: resource?.list?.hides !== undefined,
      // A change of an unlisted object shows in the log only: without it, each is asked for.
      remember_ms: logged ? 0 : REMEMBER_UNLISTED_MS,
      remember_logged_ms: log?.retentionMs ?? REMEMBER_UNLISTED_MS,
      hides_archived: resource?.list?.hidesArchived === true,
      batch: SWEEP_BATCH,
      purge: app.config.on_delete === 'purge',
      lease_seconds: context.settings.leaseSeconds,
    });
    if (swept.refused === true) context.ports.log('warn', `${app.key}: ${swept.reason}`);
    if (swept.done) return 'done';
  }
}
