import type { Engine } from './engine.ts';

const HOUR_MS = 3_600_000;
/** Entries of each log in one transaction. */
const AT_ONCE = 50_000;
/** Runs in one transaction; a run may have thousands of tasks. */
const RUNS_AT_ONCE = 100;

/**
 * Forgets what is older than the configuration keeps: deliveries that were worked, runs that ended, and the feed, but nothing that an
 * active consumer has not settled. On any number of hosts together, at most once an hour.
 */
export async function keepRetention(
  { config, feed, ports, store }: Engine,
  { signal, deadline }: { readonly signal?: AbortSignal; readonly deadline?: number },
): Promise<void> {
  if (!(await feed.store.retentionIsDue(HOUR_MS))) return;
  const over = () => signal?.aborted === true || (deadline !== undefined && ports.monotonic() >= deadline);
  while ((await store.trimInbox(config.webhook_logging.retention_days, AT_ONCE)) >= AT_ONCE) if (over()) return;
  while ((await store.trimRuns(config.runs.retention_days, RUNS_AT_ONCE)) >= RUNS_AT_ONCE) if (over()) return;
  for (;;) {
    const { changes, messages, held_by } = await feed.store.trim(config.feed.retention_days, false, AT_ONCE);
    if (!over() && Math.max(changes, messages) >= AT_ONCE) continue;
    for (const { consumer, since } of held_by)
      ports.log(
        'warn',
        `consumer ${consumer} holds the feed back: it has not read what is older than the retention, from ${since} on`,
      );
    return;
  }
}
