import type { Engine } from './engine.ts';

const HOUR_MS = 3_600_000;
/** Entries of each log in one transaction. */
const AT_ONCE = 50_000;

/**
 * Forgets what is older than the configuration keeps: deliveries that were worked, and the feed, but nothing that an
 * active consumer has not settled. On any number of hosts together, at most once an hour.
 */
export async function keepRetention(
  { config, feed, ports, store }: Engine,
  { signal, deadline }: { readonly signal?: AbortSignal; readonly deadline?: number },
): Promise<void> {
  if (!(await feed.store.retentionIsDue(HOUR_MS))) return;
  await store.trimInbox(config.webhook_logging.retention_days);
  for (;;) {
    const { changes, messages, held_by } = await feed.store.trim(config.feed.retention_days, false, AT_ONCE);
    const over = signal?.aborted === true || (deadline !== undefined && ports.monotonic() >= deadline);
    if (!over && Math.max(changes, messages) >= AT_ONCE) continue;
    for (const { consumer, since } of held_by)
      ports.log(
        'warn',
        `consumer ${consumer} holds the feed back: it has not read what is older than the retention, from ${since} on`,
      );
    return;
  }
}
