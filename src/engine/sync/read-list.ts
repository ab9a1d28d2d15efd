import { CursorLostError, NotFoundError, ProviderError, RequestRefusedError } from '../../errors.ts';
import type { Position, Resource } from '../../kit/resource.ts';
import type { App } from '../app.ts';
import { isBadData } from '../sql-errors.ts';
import type { PageContext, PageResult, Task } from '../store.ts';
import { type Answer, UnlistableError } from './ask.ts';
import { pageContext, type SyncContext } from './context.ts';
import { guessNext } from './guess-next.ts';
import { listPage, sizeOf } from './list-page.ts';
import { variantOf } from './variant.ts';

/**
 * Reads one list page after page until its end; each page's rows and the position after it commit together. Returns
 * early, with the task still leased, when `stop` says so.
 */
export async function readList(
  context: SyncContext,
  app: App,
  task: Task,
  signal: AbortSignal,
  stop: () => boolean,
): Promise<'done' | 'stopped'> {
  const resource = app.config.connector.resources[task.resource];
  const list = task.kind === 'children' ? resource?.perParent : resource?.list;
  if (resource === undefined || list === undefined)
    throw new RequestRefusedError(
      `${app.key}: "${task.resource}" can no longer be listed; run "supasaasy migrate" and start a new run`,
    );
  let position = positionOf(task, resource);
  let records = task.records;
  let { check } = task.input;
  const { limit } = task.input;
  let ahead: Ahead | undefined;
  const mayReadAhead = context.settings.readAhead && limit === undefined;
  const send = (at: Omit<Position, 'limit'>, size: number) =>
    context.request(app, app.config.connector.page(resource, { ...at, limit: size }), task, signal);
  for (;;) {
    if (stop()) return 'stopped';
    const size = sizeOf(
      limit === undefined ? list.pageSize : Math.max(1, Math.min(list.pageSize, limit - records)),
      check,
    );
    let page: PageResult;
    try {
      const answer = await (ahead !== undefined && ahead.cursor === position.cursor
        ? ahead.answer
        : send(position, size));
      ahead = undefined;
      const spec =
        task.input.created_from === undefined
          ? app.spec(task.resource)
          : { ...app.spec(task.resource), created_from: task.input.created_from };
      const writing = ingest(context, task, answer, {
        ...pageContext(context, app, answer, spec),
        ...listPage(app, resource, list, position, size),
        ...(position.cursor === undefined ? { from_start: true } : { cursor: position.cursor }),
        ...(limit !== undefined && records + size >= limit ? { stop: true } : {}),
      });
      // The next page travels while this one is written, and not before: what was given to the database is safe even
      // from our death. One that nobody takes up is dropped, with what it met.
      const cursor = mayReadAhead && !stop() ? guessNext(answer.bytes, resource.id, list.next) : undefined;
      if (cursor !== undefined) {
        ahead = { cursor, answer: send({ ...position, cursor }, size) };
        ahead.answer.catch(() => {});
      }
      page = await writing;
    } catch (error) {
      ahead = undefined;
      if (error instanceof CursorLostError && position.cursor !== undefined) {
        const ranged = 'ranged' in list && list.ranged === true;
        if (!(await context.store.loseCursor(task, ranged))) throw error;
        check = undefined;
        position = {
          ...position,
          cursor: undefined,
          ...(ranged && task.cursor_created !== null ? { to: task.cursor_created + 1 } : {}),
        };
        continue;
      }
      const parent = task.kind === 'children' ? parentOf(app, resource) : undefined;
      if (error instanceof NotFoundError && parent !== undefined) {
        await context.store.loseParent(task, app.spec(parent.name), app.spec(resource.name));
        return 'done';
      }
      if (error instanceof UnlistableError && task.kind === 'list' && resource.list?.fallback !== undefined) {
        await context.store.becomeFanout(task, resource.list.fallback.parent);
        return 'done';
      }
      throw error;
    }
    records += page.records;
    context.onPage({
      appKey: app.key,
      runId: task.run_id,
      resource: task.resource,
      records: page.records,
      counts: page,
    });
    if (page.done) return 'done';
    check = page.check;
    // Another worker may have taken the lower part of the range.
    position = { ...position, cursor: page.cursor ?? undefined, from: page.range_from ?? undefined };
    task = { ...task, cursor: page.cursor, cursor_created: page.cursor_created };
  }
}

/** A page that was asked for before it was known to be the next one. */
interface Ahead {
  readonly cursor: string;
  readonly answer: Promise<Answer>;
}

/** The resource whose objects have a list of these each. */
function parentOf(app: App, { name, list }: Resource): Resource | undefined {
  const all = app.config.connector.resources;
  return (
    Object.values(all).find((one) => one.children?.some((child) => child.resource === name)) ??
    all[list?.fallback?.parent ?? '']
  );
}

/** Where a task begins, or goes on. */
export function positionOf(task: Task, resource: Resource): Omit<Position, 'limit'> {
  return {
    // A scroll hands out each page once: whoever begins again, begins at its start.
    cursor: resource.list?.next.style === 'scroll' ? undefined : (task.cursor ?? undefined),
    from: task.range_from ?? undefined,
    to: task.range_to ?? undefined,
    since: task.input.since,
    variant: variantOf(resource, task.input),
    parent: task.external_id ?? undefined,
  };
}

/** The whole page at once; when its text is refused, record by record, so that one bad record costs only itself. */
async function ingest(context: SyncContext, task: Task, answer: Answer, page: PageContext): Promise<PageResult> {
  const { store } = context;
  const carefully = () => orUnreadable(store.ingestPage(task, answer.body, { ...page, careful: true }));
  if (answer.excess !== undefined) return await carefully();
  try {
    return await store.ingestPage(task, store.db.takesBytes === true ? answer.bytes : answer.body, page);
  } catch (error) {
    if (!isBadData(error)) throw error;
    return await carefully();
  }
}

/** Refused even record by record: the text is no JSON (cut off, or an HTML page). The provider is asked again. */
export async function orUnreadable<T>(ingested: Promise<T>): Promise<T> {
  try {
    return await ingested;
  } catch (error) {
    if (isBadData(error)) throw new ProviderError('the answer is no readable JSON (cut off?)', { cause: error });
    throw error;
  }
}
