import { describeError } from '../errors.ts';
import type { Engine } from './engine.ts';
import { beat } from './fleet/heartbeat.ts';
import type { Ports } from './ports.ts';
import { keepRetention } from './retention.ts';
import { startDueRuns } from './schedule.ts';

export interface SliceResult {
  /** Runs that a schedule began in this slice. */
  readonly started: readonly string[];
  readonly deliveries: number;
  readonly tasks: number;
  /** Changes of the feed that consumers took. */
  readonly changes: number;
  /** Work is left that could go on at once. */
  readonly more: boolean;
}

export interface SliceBudget {
  readonly budgetMs: number;
  /** CPU time, where the platform can tell it. */
  readonly cpuMs?: number;
  readonly signal?: AbortSignal;
}

/** When to stop, in the terms of whoever works. Counted from now. */
export function limitsOf(ports: Ports, { budgetMs, cpuMs, signal }: SliceBudget) {
  const { cpu } = ports;
  const cpuBefore = cpu?.() ?? 0;
  return {
    deadline: ports.monotonic() + budgetMs,
    ...(cpu === undefined || cpuMs === undefined ? {} : { spent: () => cpu() - cpuBefore >= cpuMs }),
    ...(signal === undefined ? {} : { signal }),
  };
}

/**
 * One slice of everything that is due (schedules, inbox, tasks, consumers, retention), on a host that gives only so much
 * time. Stops between pages; what is left is taken up by the next slice, here or elsewhere.
 */
export async function workSlice(engine: Engine, budget: SliceBudget): Promise<SliceResult> {
  const { ports, store } = engine;
  const limits = limitsOf(ports, budget);
  await beat(engine, 'edge').catch((error: unknown) => ports.log('warn', `no heartbeat: ${describeError(error)}`));
  const started = (await startDueRuns(engine)).map((run) => run.runId);
  // Deliveries first: they are few, and what they ask to read again is the first of the tasks.
  let deliveries = await engine.drain(limits);
  const { tasks } = await engine.work({ ...limits, once: true });
  deliveries += await engine.drain(limits);
  const changes = await engine.feed.runOnce(limits);
  await keepRetention(engine, limits);
  const wait = await store.nextTaskIn({ apps: [...engine.fitness.fit().keys()] });
  return { started, deliveries, tasks, changes, more: wait !== null && wait <= 0 };
}
