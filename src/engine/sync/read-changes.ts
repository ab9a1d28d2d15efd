import { ProviderError, RequestRefusedError } from '../../errors.ts';
import { parseJson } from '../../kit/json.ts';
import type { App } from '../app.ts';
import { groupEvents, type PlacedEvent } from '../inbox/group.ts';
import { isBadData } from '../sql-errors.ts';
import type { ChangesPage, Task } from '../store.ts';
import type { Answer } from './ask.ts';
import type { SyncContext } from './context.ts';
import { readLogPage } from './read-log.ts';

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
  let recorded: string | null | undefined;
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
      page = parseJson(answer.body);
    } catch (error) {
      throw new ProviderError('the answer is no readable JSON (cut off?)', { cause: error });
    }
    // The first request has recorded it.
    recorded ??= await context.store.accountOf(app.key);
    const read = await readLogPage(app, log, page, recorded);
    if (read.cursor !== null && read.cursor === cursor)
      throw new ProviderError(`the cursor "${cursor}" repeats: going on would never end`);
    // Before the checkpoint moves past them (I10).
    if (read.kept.length > 0) await context.store.acceptDeliveries(read.kept);
    const { counts } = await ingest(context, app, task, answer, read.events, {
      cursor: read.cursor,
      version: answer.version,
      records: read.events.length + read.kept.length,
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

/** A page that SQL refuses holds an object that nobody can store: each object of the page is asked for by itself. */
async function ingest(
  context: SyncContext,
  app: App,
  task: Task,
  answer: Answer,
  events: readonly PlacedEvent[],
  page: Omit<ChangesPage, 'groups'>,
) {
  const oneByOne = async () => {
    const unseen = events.map(({ event, ...place }) => ({
      ...place,
      event: { ...event, operations: event.operations.map(({ object: _, ...operation }) => operation) },
    }));
    return await context.store.ingestChanges(task, '{}', { ...page, groups: groupEvents(app, unseen) });
  };
  if (answer.excess !== undefined) return await oneByOne();
  try {
    return await context.store.ingestChanges(task, answer.body, { ...page, groups: groupEvents(app, events) });
  } catch (error) {
    if (!isBadData(error)) throw error;
    return await oneByOne();
  }
}
