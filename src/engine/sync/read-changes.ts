import { ProviderError, RequestRefusedError } from '../../errors.ts';
import type { App } from '../app.ts';
import { groupEvents } from '../inbox/group.ts';
import type { Task } from '../store.ts';
import type { SyncContext } from './context.ts';

/** Reads the provider's own log of changes since a moment, page by page, through the same code as webhooks. */
export async function readChanges(
  context: SyncContext,
  app: App,
  task: Task,
  signal: AbortSignal,
  stop: () => boolean,
): Promise<'done' | 'stopped'> {
  const log = app.config.connector.changeLog;
  if (log === undefined)
    throw new RequestRefusedError(`${app.key}: ${app.config.connector.metadata.title} keeps no log of changes`);
  let cursor = task.cursor ?? undefined;
  for (;;) {
    if (stop()) return 'stopped';
    const answer = await context.request(
      app,
      log.request(task.input.types ?? [], { cursor, limit: 100, since: task.input.since }),
      task,
      signal,
    );
    let page: unknown;
    try {
      page = JSON.parse(answer.body);
    } catch (error) {
      throw new ProviderError('the answer is no readable JSON (cut off?)', { cause: error });
    }
    const read = log.read(page);
    if (read.cursor !== null && read.cursor === cursor)
      throw new ProviderError(`the cursor "${cursor}" repeats: going on would never end`);
    const account = app.config.connector.accountOf?.(app.config.settings);
    const ours = read.events.filter(({ event }) => event.account === undefined || event.account === account);
    const { counts } = await context.store.ingestChanges(task, answer.body, {
      groups: groupEvents(app, ours),
      cursor: read.cursor,
      version: answer.version,
      records: read.events.length,
      requests: 1,
      purge: app.config.on_delete === 'purge',
      lease_seconds: context.settings.leaseSeconds,
    });
    for (const [resource, count] of Object.entries(counts)) {
      context.onPage({
        appKey: app.key,
        runId: task.run_id,
        resource,
        records: count.created + count.updated + count.unchanged + count.archived + count.deleted,
        counts: count,
      });
    }
    if (read.cursor === null) return 'done';
    cursor = read.cursor;
  }
}
