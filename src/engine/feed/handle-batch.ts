import { describeError, LeaseLostError, NonRetriableError } from '../../errors.ts';
import type { SqlDatabase, Transaction } from '../database.ts';
import { formatDuration } from '../format-duration.ts';
import type { Ports } from '../ports.ts';
import { backoffMs } from './backoff.ts';
import type { Batch, Change } from './change.ts';
import type { ConsumerApi } from './consumer-api.ts';
import type { Consumer } from './define-consumer.ts';
import { createFeedStore } from './feed-store.ts';
import { createStatsCollector } from './handled-stats.ts';
import { PauseConsumerError } from './pause-consumer-error.ts';
import type { Receiver } from './source.ts';

export interface HandlingContext {
  readonly consumer: Consumer;
  readonly receiver: Receiver;
  readonly ports: Ports;
  /** For one change; within its transaction, where there is one. */
  readonly apiFor: (consumer: string, tx?: Transaction) => ConsumerApi;
  readonly database?: SqlDatabase | undefined;
  /** Monotonic milliseconds after which no handler is begun. */
  readonly deadline?: number | undefined;
}

const FLUSH_AFTER = 100;
const FLUSH_AFTER_MS = 1000;
const FLUSH_ATTEMPTS = 5;
const GRACE_MS = 5000;

/**
 * Hands one batch to the handler, change after change, and answers each: acknowledged, or given back with the reason.
 * Ends early when the signal aborts or the deadline is over (the rest is given back) or the lease is lost (the rest is somebody else's).
 */
export async function handleBatch(
  context: HandlingContext,
  batch: Batch,
  token: number,
  signal: AbortSignal,
): Promise<void> {
  const { consumer, receiver, ports } = context;
  const stats = createStatsCollector();
  // Entities with a failure in this batch: what follows waits with it.
  const held = new Set<string>();
  let done: Change[] = [];
  let flushedAt = ports.monotonic();
  let answered = 0;
  const ended = new AbortController();
  const stop = AbortSignal.any([signal, ended.signal]);
  const heart = beat(context, batch, token, ended);

  async function flush(): Promise<void> {
    const [settled, handled] = [done, stats.take()];
    done = [];
    flushedAt = ports.monotonic();
    if (settled.length === 0 && handled === undefined) return;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { lost } = await receiver.ack(token, settled, handled);
        if (lost > 0) throw new LeaseLostError(`${consumer.name}: ${lost} changes were taken over by another worker`);
        return;
      } catch (error) {
        if (error instanceof LeaseLostError || attempt >= FLUSH_ATTEMPTS) throw error;
        await ports.sleep(backoffMs(100, attempt, ports.random), signal);
      }
    }
  }

  try {
    for (const change of batch.changes) {
      if (stop.aborted || (context.deadline !== undefined && ports.monotonic() >= context.deadline)) break;
      if (held.has(change.foreign_id)) {
        answered += 1;
        continue;
      }
      const failure = await handleOne(context, token, change, stop, stats);
      if (failure === undefined) {
        if (!consumer.transaction) done.push(change);
        answered += 1;
      } else if (!stop.aborted) {
        // In order: what was done before is acknowledged before the failure is told.
        await flush();
        held.add(change.foreign_id);
        await giveBack(context, token, change, failure.error);
        answered += 1;
      }
      if (done.length >= FLUSH_AFTER || ports.monotonic() - flushedAt >= FLUSH_AFTER_MS) await flush();
    }
    await flush();
    if (answered < batch.changes.length && !ended.signal.aborted) await receiver.release(token);
  } catch (error) {
    if (!(error instanceof LeaseLostError)) throw error;
    ports.log('warn', `${consumer.name}: ${error.message}`);
  } finally {
    ended.abort();
    await heart;
  }
}

/** Undefined: done. */
async function handleOne(
  context: HandlingContext,
  token: number,
  change: Change,
  stop: AbortSignal,
  stats: ReturnType<typeof createStatsCollector>,
): Promise<{ readonly error: unknown } | undefined> {
  const { consumer, ports, database } = context;
  const begun = ports.monotonic();
  const over = new AbortController();
  const signal = AbortSignal.any([stop, over.signal]);
  const handle = async (tx: Transaction | undefined) => {
    if (consumer.filter !== undefined && !consumer.filter(change)) return;
    await consumer.handler(change, {
      consumer: consumer.name,
      attempt: change.attempt,
      idempotencyKey: change.headers['idempotency_key'] ?? change.id,
      signal,
      log: ports.log,
      resolve: ports.resolve,
      fetchAt: ports.fetchAt,
      api: context.apiFor(consumer.name, tx),
      get tx(): Transaction {
        if (tx === undefined) throw new NonRetriableError(`${consumer.name}: context.tx needs "transaction: true"`);
        return tx;
      },
    });
  };
  const work = async () => {
    if (!consumer.transaction || database === undefined) return await handle(undefined);
    // A handler that never returns keeps no transaction, and with it no connection: where there is one (PGlite), that is
    // all that everything else has.
    const options = { signal: over.signal, statementMs: consumer.timeout };
    await database.transaction(async (tx) => {
      await handle(tx);
      if (over.signal.aborted) throw tooLong(consumer);
      // The token decides at the last moment: a former owner's writes are undone.
      const result = await createFeedStore(tx).ack(consumer.name, token, [change.seq], undefined);
      if (result.acked !== 1) throw new LeaseLostError(`change ${change.id} was taken over while it was handled`);
    }, options);
  };
  const timer = new AbortController();
  try {
    const failed = ports.sleep(consumer.timeout, AbortSignal.any([timer.signal, stop])).then(async () => {
      // A handler that sees its signal may end in good order.
      if (stop.aborted) await ports.sleep(Math.min(GRACE_MS, consumer.timeout), timer.signal);
      if (!timer.signal.aborted) throw stop.aborted ? new Error('stopped') : tooLong(consumer);
    });
    failed.catch(() => {});
    await Promise.race([work(), failed]);
    stats.add(change.type, (ports.monotonic() - begun) / 1000, false);
    return undefined;
  } catch (error) {
    if (error instanceof LeaseLostError && consumer.transaction) throw error;
    over.abort();
    if (!stop.aborted) stats.add(change.type, (ports.monotonic() - begun) / 1000, true);
    return { error };
  } finally {
    timer.abort();
  }
}

const tooLong = (consumer: Consumer) => new Error(`the handler did not return within ${consumer.timeout} ms`);

async function giveBack(context: HandlingContext, token: number, change: Change, error: unknown): Promise<void> {
  const { consumer, receiver, ports } = context;
  const dead = error instanceof NonRetriableError;
  const wished = (error as { retryAfterMs?: unknown } | null)?.retryAfterMs;
  const delayMs =
    typeof wished === 'number'
      ? wished
      : (consumer.retryDelay?.(change.attempt) ?? backoffMs(consumer.errBackOff, change.attempt, ports.random));
  const reason = describeError(error);
  const result = await receiver.nack(token, change, { error: reason, delayMs, dead });
  ports.log(
    result.state === 'dead' ? 'error' : 'warn',
    `${consumer.name}: ${change.type} ${change.foreign_id} (${change.id}) ${result.state === 'dead' ? 'was given up' : 'failed and comes again'}: ${reason}`,
  );
  if (consumer.pauseAfterFailing !== undefined && (result.failing_ms ?? 0) > consumer.pauseAfterFailing) {
    await receiver.pause(`nothing but failures for ${formatDuration(result.failing_ms ?? 0)}, the last: ${reason}`);
    ports.log(
      'error',
      `${consumer.name} is paused: nothing but failures. Mend the cause, then: supasaasy consumers resume ${consumer.name}`,
    );
  } else if (error instanceof PauseConsumerError) {
    await receiver.pause(reason);
  }
}

/** Keeps the lease while the handler works, at a third of its length. */
async function beat(context: HandlingContext, batch: Batch, token: number, ended: AbortController): Promise<void> {
  const { consumer, receiver, ports } = context;
  const every = (batch.lease_ms ?? consumer.lease) / 3;
  for (;;) {
    await ports.sleep(every, ended.signal);
    if (ended.signal.aborted) return;
    try {
      await receiver.extend(token);
    } catch (error) {
      if (!(error instanceof LeaseLostError)) continue;
      ended.abort();
      return;
    }
  }
}
