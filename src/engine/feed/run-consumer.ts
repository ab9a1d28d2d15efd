import { describeError } from '../../errors.ts';
import { backoffMs } from './backoff.ts';
import { type HandlingContext, handleBatch } from './handle-batch.ts';
import type { Wake } from './wake.ts';

export interface RunConsumerOptions {
  readonly signal: AbortSignal;
  readonly wake: Wake;
  /** Returns when there is nothing to do now, instead of waiting for more. */
  readonly once?: boolean;
  readonly lagCheckMs?: number;
}

const LAG_CHECK_MS = 30_000;
const SHORTEST_POLL_MS = 20;

/**
 * One consumer in this process: takes batches while fewer than `parallel` are being handled, and waits for news
 * otherwise. Any number of processes may do this at once. Returns how many changes were taken.
 */
export async function runConsumer(context: HandlingContext, options: RunConsumerOptions): Promise<number> {
  const { consumer, receiver, ports } = context;
  const { signal, wake } = options;
  const active = new Set<Promise<void>>();
  const { deadline } = context;
  const stop = () => signal.aborted || (deadline !== undefined && ports.monotonic() >= deadline);
  const watch = new AbortController();
  const watching =
    options.once === true ? undefined : watchLag(context, AbortSignal.any([signal, watch.signal]), options.lagCheckMs);
  let taken = 0;
  let quiet = 0;
  let failures = 0;

  while (!stop()) {
    if (active.size >= consumer.parallel) {
      await Promise.race(active);
      continue;
    }
    try {
      const batch = await receiver.recv(consumer.batch, signal);
      failures = 0;
      if (batch.token !== null) {
        quiet = 0;
        taken += batch.changes.length;
        const handling: Promise<void> = handleBatch(context, batch, batch.token, signal)
          .catch((error: unknown) => {
            ports.log(
              'error',
              `${consumer.name}: a batch was left and comes again when its lease ends: ${describeError(error)}`,
            );
          })
          .then(() => {
            active.delete(handling);
            wake.ring();
          });
        active.add(handling);
        continue;
      }
      if (active.size > 0) {
        // Whoever is at work may free what comes next.
        await Promise.race([...active, wake.wait(pause(consumer.poll, quiet), signal)]);
      } else {
        if (options.once === true && (batch.paused === true || batch.wait_ms === null || batch.wait_ms > 1000)) break;
        const until = batch.paused === true ? consumer.poll : pause(consumer.poll, quiet);
        await wake.wait(Math.max(1, Math.min(until, batch.wait_ms ?? until)), signal);
      }
      quiet += 1;
    } catch (error) {
      failures += 1;
      if (signal.aborted) break;
      ports.log('error', `${consumer.name}: ${describeError(error)}`);
      if (options.once === true && failures >= 3) throw error;
      await wake.wait(backoffMs(500, failures, ports.random), signal);
    }
  }
  await Promise.all(active);
  watch.abort();
  await watching;
  return taken;
}

/** Looks again soon after something happened, then less and less often. */
function pause(poll: number, quiet: number): number {
  return Math.min(poll, SHORTEST_POLL_MS * 2 ** Math.min(quiet, 20));
}

async function watchLag(context: HandlingContext, signal: AbortSignal, everyMs = LAG_CHECK_MS): Promise<void> {
  const { consumer, receiver, ports } = context;
  let late = false;
  while (!signal.aborted) {
    await ports.sleep(everyMs, signal);
    if (signal.aborted) return;
    try {
      const lag = await receiver.lag();
      const isLate = lag.seconds * 1000 > consumer.lagAlert;
      if (isLate && !late) {
        ports.log(
          'error',
          `${consumer.name} is late: ${lag.changes}${lag.more ? ' or more' : ''} changes wait, the oldest for ${Math.round(lag.seconds)} s`,
        );
        consumer.onLagAlert?.(lag);
      }
      late = isLate;
    } catch (error) {
      ports.log('warn', `${consumer.name}: its lag could not be told: ${describeError(error)}`);
    }
  }
}
