import { CursorLostError, NotFoundError, RequestRefusedError } from '../../errors.ts';
import type { Resource } from '../../kit/resource.ts';
import type { App } from '../app.ts';
import type { AuditPage } from '../proof.ts';
import { isBadData } from '../sql-errors.ts';
import type { PlannedTask, RunOptions, Task } from '../store.ts';
import { type Answer, type Asked, UnlistableError } from './ask.ts';
import { pageContext, type SyncContext } from './context.ts';
import { listPage, sizeOf } from './list-page.ts';
import { planRun } from './plan.ts';
import { orUnreadable, positionOf } from './read-list.ts';

/** Below everything else: spare budget only. */
const PRIORITY = 3;
/** More differences than this are no matter for single questions: a full sync mends them in a hundredth of the requests. */
const CONFIRM_AT_MOST = 1_000;

/** An audit reads what a full run reads, and compares. */
export function planAudit(app: App, options: RunOptions): PlannedTask[] {
  return planRun(app, 'full', options, {}, 0).map((task) => ({
    ...task,
    kind: 'audit',
    priority: PRIORITY,
    input: {
      ...task.input,
      ...(options.repair === true ? { repair: true } : {}),
      ...(options.pace_ms === undefined ? {} : { pace_ms: options.pace_ms }),
    },
  }));
}

/** Compares one list with the mirror, page by page. Nothing is written to the mirror here. */
export async function auditList(
  context: SyncContext,
  app: App,
  task: Task,
  signal: AbortSignal,
  stop: () => boolean,
): Promise<'done' | 'stopped'> {
  const { resource, list } = listOf(app, task);
  let position = positionOf(task, resource);
  let { check } = task.input;
  for (;;) {
    if (stop()) return 'stopped';
    const size = sizeOf(list.pageSize, check);
    const request = app.config.connector.page(resource, { ...position, limit: size });
    let answer: Answer;
    try {
      answer = await context.request(app, request, task, signal);
    } catch (error) {
      if (error instanceof UnlistableError && list.fallback !== undefined) {
        await context.proof.skipAudit(
          task,
          `the list is refused as a whole; it is read per ${list.fallback.parent} by a full sync`,
        );
        return 'done';
      }
      if (!(error instanceof CursorLostError) || position.cursor === undefined) throw error;
      const ranged = list.ranged === true;
      if (!(await context.store.loseCursor(task, ranged))) throw error;
      check = undefined;
      position = {
        ...position,
        cursor: undefined,
        ...(ranged && task.cursor_created !== null ? { to: task.cursor_created + 1 } : {}),
      };
      continue;
    }
    const spec =
      task.input.created_from === undefined
        ? app.spec(task.resource)
        : { ...app.spec(task.resource), created_from: task.input.created_from };
    const page = await compare(context, task, answer, {
      ...auditContext(context, app, task, answer, spec),
      ...listPage(app, resource, list, position, size),
      ...(position.cursor === undefined ? { from_start: true } : {}),
    });
    const nothing = { created: 0, updated: 0, archived: 0, deleted: 0, unchanged: page.records - page.differing };
    context.onPage({
      appKey: app.key,
      runId: task.run_id,
      resource: task.resource,
      records: page.records,
      counts: nothing,
    });
    if (page.done) return 'done';
    check = page.check;
    position = { ...position, cursor: page.cursor ?? undefined };
    task = { ...task, cursor: page.cursor, cursor_created: page.cursor_created };
    const { pace_ms } = task.input;
    if (pace_ms !== undefined) {
      // Back into the queue until it is the next page's turn: an audit of days holds no worker.
      await context.store.releaseTask(task, 'wait', null, pace_ms, 0, context.settings.maxAttempts);
      return 'done';
    }
  }
}

/** Suspects the rows that no page named. */
export async function auditExtras(context: SyncContext, app: App, task: Task): Promise<'done'> {
  const { list } = listOf(app, task);
  const outcome = await context.proof.auditExtras(task, {
    spec: app.spec(task.resource),
    repair: task.input.repair === true,
    confirm: CONFIRM_AT_MOST,
    grace_ms: context.settings.auditGraceMs,
    purge: app.config.on_delete === 'purge',
    share: context.settings.massDeleteShare,
    floor: context.settings.massDeleteFloor,
    hides_archived: list.hidesArchived === true,
    ask_all: list.hides !== undefined,
  });
  if (outcome.refused) context.ports.log('warn', `${app.key}: ${outcome.reason}`);
  return 'done';
}

/** Asks for one suspect by its id: only what still differs then is reported, or mended. */
export async function confirmOne(context: SyncContext, app: App, task: Task, signal: AbortSignal): Promise<'done'> {
  const resource = app.config.connector.resources[task.resource];
  if (resource?.retrieve === undefined || task.external_id === null)
    throw new RequestRefusedError(`${app.key}: one "${task.resource}" cannot be asked for`);
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
  await context.proof.auditConfirm(
    task,
    answer?.body ?? null,
    auditContext(context, app, task, answer ?? { startedAt, version: 0, versionUntil: 0, ...gone }, spec),
  );
  return 'done';
}

function listOf(app: App, task: Task): { resource: Resource; list: NonNullable<Resource['list']> } {
  const resource = app.config.connector.resources[task.resource];
  if (resource?.list === undefined)
    throw new RequestRefusedError(`${app.key}: "${task.resource}" can no longer be listed`);
  return { resource, list: resource.list };
}

function auditContext(context: SyncContext, app: App, task: Task, answer: Asked, spec: AuditPage['spec']): AuditPage {
  return {
    ...pageContext(context, app, answer, spec),
    repair: task.input.repair === true,
    confirm: CONFIRM_AT_MOST,
    grace_ms: context.settings.auditGraceMs,
  };
}

async function compare(context: SyncContext, task: Task, { body, excess }: Answer, page: AuditPage) {
  const carefully = () => orUnreadable(context.proof.auditPage(task, body, { ...page, careful: true }));
  if (excess !== undefined) return await carefully();
  try {
    return await context.proof.auditPage(task, body, page);
  } catch (error) {
    if (!isBadData(error)) throw error;
    return await carefully();
  }
}
