import { NotFoundError, RequestRefusedError } from '../../errors.ts';
import type { App } from '../app.ts';
import { isBadData } from '../sql-errors.ts';
import type { Task } from '../store.ts';
import type { Answer } from './ask.ts';
import { pageContext, type SyncContext } from './context.ts';
import { orUnreadable } from './read-list.ts';

/** Asks for one object and applies the answer; an object that is gone becomes a tombstone (S4-29). */
export async function readOne(context: SyncContext, app: App, task: Task, signal: AbortSignal): Promise<void> {
  const resource = app.config.connector.resources[task.resource];
  if (resource?.retrieve === undefined || task.external_id === null) {
    throw new RequestRefusedError(`${app.key}: one "${task.resource}" cannot be asked for; run a full sync instead`);
  }
  const path = resource.retrieve.path.replace('{id}', encodeURIComponent(task.external_id));
  const startedAt = context.ports.monotonic();
  let answer: Answer | undefined;
  let gone: NotFoundError['moment'];
  try {
    answer = await context.request(app, { path, query: resource.retrieve.query ?? {} }, task, signal);
  } catch (error) {
    if (!(error instanceof NotFoundError) || error.moment === undefined) throw error;
    gone = error.moment;
  }
  const spec = { ...app.spec(resource.name), records: undefined, partial: false };
  const page = pageContext(context, app, answer ?? { startedAt, version: 0, versionUntil: 0, ...gone }, spec);
  const counts = await store(context, task, answer, page);
  context.onPage({
    appKey: app.key,
    runId: task.run_id,
    resource: task.resource,
    records: answer === undefined ? 0 : 1,
    counts,
  });
}

async function store(
  context: SyncContext,
  task: Task,
  answer: Answer | undefined,
  page: ReturnType<typeof pageContext>,
) {
  const body = answer?.body ?? null;
  const carefully = () => orUnreadable(context.store.ingestRetrieved(task, body, { ...page, careful: true }));
  if (answer?.excess !== undefined) return await carefully();
  try {
    return await context.store.ingestRetrieved(task, body, page);
  } catch (error) {
    if (!isBadData(error)) throw error;
    return await carefully();
  }
}
