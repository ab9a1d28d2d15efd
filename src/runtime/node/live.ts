import type { Engine } from '../../engine/engine.ts';
import type { ProcessKind } from '../../engine/fleet/fleet.ts';
import { keepBeating } from '../../engine/fleet/heartbeat.ts';
import type { Committed } from '../../engine/http/options.ts';
import { keepRetention } from '../../engine/retention.ts';
import { startDueRuns } from '../../engine/schedule.ts';
import { describeError } from '../../errors.ts';

export interface Live {
  /** There is something in the inbox, or a run was asked for: now, not at the next look. */
  readonly ring: (what: Committed) => void;
  readonly stop: () => void;
  /** Settles when everything has stopped and every lease is given back. */
  readonly ended: Promise<void>;
}

export interface LiveOptions {
  /** What the process is for, as `status` names it. */
  readonly kind?: ProcessKind;
  /** Nothing is started by a schedule before this has resolved. */
  readonly schedulesAfter?: Promise<unknown> | undefined;
}

/** Between two batches of deliveries that come without a pause. */
const GATHER_MS = 20;
const INBOX_EVERY_MS = 2_000;
const TASKS_EVERY_MS = 1_000;
const SCHEDULE_EVERY_MS = 5_000;
/** How often to ask whether an hour is over since anybody did it. */
const TRIM_EVERY_MS = 600_000;
/** A loop that fails (the database is away) says so once, and tries again after this long. */
const AFTER_FAILURE_MS = 5_000;
/** Beside the slots of long lists: what webhooks ask to read again waits for none of them. */
const URGENT_SLOTS = 4;

/**
 * The loops of a server: inbox, tasks, schedules, and retention. A loop that fails stops no other. Schedules wait for
 * `schedulesAfter`: what is due during a first sync is what that sync reads anyway.
 */
export function startLive(
  engine: Engine,
  outer: AbortSignal,
  { kind = 'serve', schedulesAfter = Promise.resolve() }: LiveOptions = {},
): Live {
  const controller = new AbortController();
  const signal = AbortSignal.any([outer, controller.signal]);
  const { ports } = engine;
  const inbox = createBell();
  const urgent = createBell();
  const tasks = createBell();
  signal.addEventListener('abort', () => {
    inbox.ring();
    urgent.ring();
    tasks.ring();
  });

  async function loop(name: string, bell: Bell, everyMs: number, turn: () => Promise<void>): Promise<void> {
    let failed = '';
    while (!signal.aborted) {
      let pause = everyMs;
      try {
        await turn();
        if (failed !== '') ports.log('info', `${name}: goes on`);
        failed = '';
      } catch (error) {
        const message = describeError(error);
        if (message !== failed)
          ports.log('error', `${name}: ${message}; tried again every ${AFTER_FAILURE_MS / 1000} s`);
        failed = message;
        pause = AFTER_FAILURE_MS;
      }
      if (!signal.aborted) await bell.wait(pause);
    }
  }

  const schedules = createBell(signal);
  let mayStart = false;
  void schedulesAfter.then(
    () => {
      mayStart = true;
      schedules.ring();
    },
    () => {},
  );

  const loops = [
    loop('inbox', inbox, INBOX_EVERY_MS, async () => {
      // Under load it never comes to an end: what a batch asks to read again does not wait for that.
      await engine.drain({ signal, gatherMs: GATHER_MS, onBatch: urgent.ring });
    }),
    loop('urgent', urgent, INBOX_EVERY_MS, async () => {
      await engine.work({ signal, slots: URGENT_SLOTS, filter: { urgent: true }, once: true });
    }),
    loop('worker', tasks, TASKS_EVERY_MS, async () => {
      await engine.work({ signal });
    }),
    loop('schedules', schedules, SCHEDULE_EVERY_MS, async () => {
      if (mayStart && (await startDueRuns(engine)).length > 0) tasks.ring();
    }),
    loop('retention', createBell(signal), TRIM_EVERY_MS, async () => {
      await keepRetention(engine, { signal });
    }),
    engine.feed.run({ signal }),
    keepBeating(engine, kind, signal),
  ];
  return {
    // What a delivery asks to read again is the urgent loop's, after its batch. Looking for tasks at each delivery was a
    // seventh of what the database did for it.
    ring: (what) => (what === 'delivery' ? inbox : tasks).ring(),
    stop: () => controller.abort(),
    ended: Promise.all(loops).then(() => engine.refusals.flush()),
  };
}

interface Bell {
  ring(): void;
  /** Resolves at the next ring (or at once, when it rang meanwhile), or after a time. */
  wait(ms: number): Promise<void>;
}

function createBell(signal?: AbortSignal): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  const ring = () => {
    rung = true;
    wake?.();
  };
  signal?.addEventListener('abort', ring);
  return {
    ring,
    async wait(ms) {
      if (!rung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wake = undefined;
      rung = false;
    },
  };
}
