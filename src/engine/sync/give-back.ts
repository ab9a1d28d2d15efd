import {
  AuthenticationError,
  CursorLostError,
  DatabaseError,
  DescriptionError,
  describeError,
  LeaseLostError,
  MissingSecretError,
  PagingError,
  ProviderError,
  RateLimitError,
} from '../../errors.ts';
import type { App } from '../app.ts';
import { outlast } from '../outlast.ts';
import { isAway, isFullDisk, isUnproven } from '../sql-errors.ts';
import type { Task } from '../store.ts';
import type { SyncContext } from './context.ts';
import { sayPause, sayTrouble, sayUnfit } from './say-trouble.ts';

const LONGEST_BACKOFF_MS = 60_000;

/** What happens with a task that could not be finished: the table of recoveries. */
export async function giveBack(
  context: SyncContext,
  app: App,
  task: Task,
  error: unknown,
  signal: AbortSignal,
): Promise<void> {
  const { store, ports, settings } = context;
  if (error instanceof LeaseLostError) return;
  const message = describeError(error);
  const release = (how: 'retry' | 'wait' | 'fail', delayMs: number, requests = 1, max = settings.maxAttempts) =>
    outlast(ports, () => store.releaseTask(task, how, message, delayMs, requests, max, isUnproven(error)), { signal });
  if (signal.aborted) {
    await store.releaseTask(task, 'wait', null, 0, 0, settings.maxAttempts);
  } else if (error instanceof RateLimitError) {
    await release('wait', error.retryAfterMs ?? 1000);
  } else if (isAway(error)) {
    // No attempt of the task's. Where its lease ends meanwhile, another worker has it.
    await release('wait', 0);
  } else if (isFullDisk(error)) {
    sayTrouble(ports, app, message);
    await release('wait', error.retryAfterMs ?? backoff(context, task));
  } else if (error instanceof MissingSecretError) {
    // Only this process lacks it: others go on, and nothing of theirs is touched.
    await release('wait', 0, 0);
    sayUnfit(ports, app, message);
  } else if (error instanceof AuthenticationError) {
    const paused = await context.keys.refused(app, message);
    if (!paused) context.fitness.refuse(app, message);
    await release('wait', 0);
    if (paused) sayPause(ports, app, message);
    else sayUnfit(ports, app, message);
  } else if (
    error instanceof PagingError ||
    error instanceof CursorLostError ||
    // Once, the answer may have belonged to another request.
    error instanceof DescriptionError
  ) {
    await release('retry', backoff(context, task), 1, 4);
  } else if (
    error instanceof ProviderError ||
    (error instanceof DatabaseError && error.sqlState?.startsWith('42') !== true)
  ) {
    await release('retry', error.retryAfterMs ?? backoff(context, task));
    sayTrouble(ports, app, message);
  } else {
    // A mistake of ours is a failed task too, with its name; the others go on.
    await release('fail', 0);
    ports.log('error', `${app.key}: ${task.kind} ${task.resource} failed: ${message}`);
  }
  const { run_id } = task;
  if (run_id !== null) await outlast(ports, () => store.advanceRun(run_id), { signal });
}

export function settle({ underWay }: SyncContext, app: App): void {
  const left = (underWay.get(app.key) ?? 1) - 1;
  if (left > 0) underWay.set(app.key, left);
  else underWay.delete(app.key);
}

function backoff(context: SyncContext, task: Task): number {
  const { retryBaseMs } = context.settings;
  return Math.min(LONGEST_BACKOFF_MS, retryBaseMs * 2 ** task.attempts) * (0.5 + context.ports.random() / 2);
}
