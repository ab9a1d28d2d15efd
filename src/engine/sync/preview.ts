import { describeError, ProviderError, RateLimitError, SupasaasyError } from '../../errors.ts';
import { parseJson } from '../../kit/json.ts';
import type { ProviderRequest, Resource } from '../../kit/resource.ts';
import { assertSame } from '../account-guard.ts';
import type { Engine } from '../engine.ts';
import type { Counts, PageCheck, PlannedTask, PreviewedPage, RunOptions, SyncMode } from '../store.ts';
import { type Answer, ask } from './ask.ts';
import { createDatabaseClock } from './clock.ts';
import { pageContext } from './context.ts';
import { listPage, sizeOf } from './list-page.ts';
import { planRun } from './plan.ts';
import { readLogPage } from './read-log.ts';
import { variantOf } from './variant.ts';

export interface PreviewCounts {
  records: number;
  created: number;
  updated: number;
  unchanged: number;
  archived: number;
  deleted: number;
  errors: number;
  /** Objects that a list or an event only names: a real run reads each of them. */
  to_read: number;
}

export interface Preview {
  readonly dry_run: true;
  readonly app_key: string;
  readonly mode: SyncMode;
  readonly status: 'completed' | 'failed';
  readonly resources: Record<string, PreviewCounts>;
  readonly requests: number;
  readonly duration_ms: number;
  readonly notes: readonly string[];
  readonly errors: readonly string[];
}

const MOST_RETRIES = 4;

/**
 * What a run would do: reads the provider page after page, compares with the mirror, writes nothing (no run, no task,
 * no token of the rate budget). A nested list that the provider cuts counts as far as it is shown.
 */
export async function previewRun(
  engine: Engine,
  appKey: string,
  mode: SyncMode,
  options: RunOptions,
  signal: AbortSignal,
): Promise<Preview> {
  const app = engine.app(appKey);
  app.account();
  const { ports, store } = engine;
  const startedAt = ports.monotonic();
  const clock = createDatabaseClock(store, ports);
  const plan = planRun(app, mode, options, await store.syncState(appKey), ports.now());
  const resources: Record<string, PreviewCounts> = {};
  const notes = new Set<string>();
  const errors: string[] = [];
  const seen = new Map<string, string[]>();
  let requests = 0;

  function countsOf(name: string): PreviewCounts {
    const counts = resources[name] ?? emptyCounts();
    resources[name] = counts;
    return counts;
  }

  async function request(wanted: ProviderRequest): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted();
      await clock.calibrate();
      requests += 1;
      try {
        return await ask(app, wanted, ports, signal);
      } catch (error) {
        const again = error instanceof RateLimitError || (error instanceof ProviderError && attempt <= MOST_RETRIES);
        if (!again || signal.aborted) throw error;
        await ports.sleep(error.retryAfterMs ?? 500 * 2 ** attempt, signal);
      }
    }
  }

  const { shown, known } = await engine.accounts.look(app, request);
  assertSame(app, shown, known);

  async function previewList(task: PlannedTask, resource: Resource): Promise<void> {
    const { list } = resource;
    if (list === undefined) return;
    const { limit } = task.input ?? {};
    const counts = countsOf(resource.name);
    const ids = seen.get(task.collection) ?? [];
    seen.set(task.collection, ids);
    const variant = variantOf(resource, task.input ?? {});
    let cursor: string | undefined;
    let check: PageCheck | undefined;
    let shown: unknown;
    for (let records = 0; ; ) {
      const size = sizeOf(limit === undefined ? list.pageSize : Math.min(list.pageSize, limit - records), check);
      const answer = await request(
        app.config.connector.page(resource, {
          cursor,
          limit: size,
          from: task.range_from,
          to: task.range_to,
          since: task.input?.since,
          variant,
        }),
      );
      const created = task.input?.created_from;
      const spec =
        created === undefined ? app.spec(resource.name) : { ...app.spec(resource.name), created_from: created };
      const page = await store.previewPage(app.key, answer.body, {
        ...pageContext({ ...engine.context, clock }, app, answer, spec),
        ...listPage(app, resource, list, {}, size),
        ...(cursor === undefined ? {} : { cursor }),
        ...(check === undefined ? {} : { check, shown }),
        read: check === 'shorter' ? records - size : records,
      });
      const last = check === 'shorter';
      check = page.check ?? undefined;
      shown = page.shown;
      if (last) break;
      addPage(counts, page, list.partial === true);
      for (const [child, nested] of Object.entries(page.children)) {
        const nestedCounts = countsOf(child);
        addCounts(nestedCounts, nested);
        nestedCounts.records += KEPT.reduce((sum, key) => sum + Number(nested[key]), 0);
      }
      for (const id of page.ids) ids.push(id);
      records += page.records;
      engine.context.onPage({ appKey, runId: null, resource: resource.name, records: page.records, counts: page });
      if (limit !== undefined && records >= limit) break;
      if (check === 'shorter') continue;
      if (page.next === null) break;
      cursor = page.next;
    }
  }

  async function previewChanges(task: PlannedTask): Promise<void> {
    const log = app.config.connector.changeLog;
    if (log === undefined) return;
    const latest = new Map<string, { resource: string; type: string }>();
    for (let cursor: string | undefined; ; ) {
      const answer = await request(
        log.request(task.input?.types ?? [], { cursor, limit: 100, since: task.input?.since }),
      );
      const read = await readLogPage(app, log, parseJson(answer.body), await engine.store.accountOf(appKey));
      for (const { state, reason } of read.kept) if (state === 'dead') notes.add(`An event is ${reason}`);
      for (const operation of read.events.flatMap(({ event }) => event.operations)) {
        if (!app.config.resources.includes(operation.resource)) continue;
        const key = `${operation.resource}/${operation.externalId}`;
        if (!latest.has(key)) latest.set(key, operation);
      }
      if (read.cursor === null || read.cursor === cursor) break;
      cursor = read.cursor;
    }
    for (const { resource, type } of latest.values()) {
      const counts = countsOf(resource);
      counts.records += 1;
      counts[type === 'delete' ? 'deleted' : type === 'create' ? 'created' : 'updated'] += 1;
    }
    if (latest.size > 0)
      notes.add('Counts from the log of changes name objects that it speaks of: some may be up to date already.');
  }

  const failed = new Set<string>();
  for (const task of plan) {
    try {
      const resource = app.config.connector.resources[task.resource];
      if (task.kind === 'changes') await previewChanges(task);
      else if (resource !== undefined) await previewList(task, resource);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SupasaasyError)) throw error;
      failed.add(task.collection);
      errors.push(`${task.resource}: ${describeError(error)}`);
      if (error.recovery === 'pause') break;
    }
  }
  for (const task of plan.filter((each) => each.pass && !failed.has(each.collection) && errors.length === 0)) {
    const counts = resources[task.resource];
    const ids = seen.get(task.collection);
    if (counts === undefined || ids === undefined) continue;
    if (task.sweepable === false) notes.add(`${task.resource}: nothing would be deleted (${task.note})`);
    else {
      const { resources: all } = app.config.connector;
      const resource = all[task.resource];
      const children = (resource?.children ?? [])
        .filter((child) => app.config.resources.includes(child.resource))
        .map((child) => [child.resource, all[child.resource]?.collection]);
      const { missing, children: nested } = await store.countMissing(
        app.key,
        task.collection,
        ids,
        resource?.list?.hidesArchived === true,
        task.window_from ?? null,
        Object.fromEntries(children),
      );
      counts.deleted = Number(missing);
      for (const [child, rows] of Object.entries(nested)) countsOf(child).deleted += Number(rows);
    }
  }
  return {
    dry_run: true,
    app_key: appKey,
    mode,
    status: errors.length === 0 ? 'completed' : 'failed',
    resources,
    requests,
    duration_ms: Math.round(ports.monotonic() - startedAt),
    notes: [...notes],
    errors,
  };
}

const emptyCounts = (): PreviewCounts => ({
  records: 0,
  created: 0,
  updated: 0,
  unchanged: 0,
  archived: 0,
  deleted: 0,
  errors: 0,
  to_read: 0,
});

/** What was compared and is there. */
const KEPT = ['created', 'updated', 'unchanged', 'archived'] as const;

function addCounts(counts: PreviewCounts, more: Counts): void {
  for (const key of [...KEPT, 'deleted'] as const) counts[key] += Number(more[key]);
  counts.errors += Number(more.errors ?? 0);
}

function addPage(counts: PreviewCounts, page: PreviewedPage, partial: boolean): void {
  addCounts(counts, page);
  counts.records += page.records;
  if (partial) counts.to_read += page.records - Number(page.unchanged) - Number(page.errors ?? 0);
}
