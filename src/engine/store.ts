import { stringifyJson } from '../kit/json.ts';
import type { SqlSpec } from '../kit/resource.ts';
import type { Database } from './database.ts';
import type { BeatingProcess, Fleet } from './fleet/fleet.ts';
import type { RefusedCount } from './inbox/refusals.ts';
import type {
  AcceptedDelivery,
  ChangesPage,
  ClaimedDelivery,
  Counts,
  DeclaredSchedule,
  EventContext,
  OperationGroup,
  PageContext,
  PageResult,
  PlannedTask,
  PreviewedPage,
  ReplayFilter,
  Run,
  RunMode,
  RunOptions,
  RunState,
  SettledDelivery,
  SweepContext,
  SyncState,
  Task,
  TaskFilter,
} from './records.ts';
import { markUnstorable } from './unstorable.ts';

export type * from './records.ts';

/** The engine's SQL functions, typed. One method is one call, one round trip, one transaction; the SQL is in `migrations/`. */
export function createStore(db: Database) {
  return {
    db,
    startRun: (app: string, mode: RunMode, trigger: string, options: RunOptions, plan: readonly PlannedTask[]) =>
      db.call<{ run_id: string; resumed: boolean }>('start_run', { app, mode, trigger, options, plan }),
    claimTasks: (limit: number, leaseSeconds: number, filter: TaskFilter) =>
      db.call<Task[]>('claim_tasks', { limit, lease_seconds: leaseSeconds, filter }),
    splitTasks: (filter: TaskFilter, want: number) => db.call<number>('split_tasks', { filter, want }),
    nextTaskIn: (filter: TaskFilter) => db.call<number | null>('next_task_in', { filter }),
    extendLease: (task: Task, leaseSeconds: number) =>
      db.call<boolean>('extend_lease', { ...lease(task), lease_seconds: leaseSeconds }),
    releaseTask: (
      task: Task,
      how: 'retry' | 'wait' | 'fail',
      error: string | null,
      delayMs: number,
      requests: number,
      maxAttempts: number,
      unproven = false,
    ) =>
      db.call<string | null>('release_task', {
        ...lease(task),
        how,
        error,
        delay_ms: delayMs,
        requests,
        max_attempts: maxAttempts,
        unproven,
      }),
    loseCursor: (task: Task, hasRange: boolean) =>
      db.call<boolean>('lose_cursor', { ...lease(task), has_range: hasRange }),
    loseParent: (task: Task, parent: SqlSpec, spec: SqlSpec) =>
      db.call<boolean>('lose_parent', { ...lease(task), parent, spec }),
    idleRuns: (filter: TaskFilter) => db.call<string[]>('idle_runs', { filter }),
    becomeFanout: (task: Task, after: string) => db.call<boolean>('become_fanout', { ...lease(task), after }),
    fanOut: (task: Task, parentCollection: string, spec: SqlSpec, batch: number, leaseSeconds: number) =>
      db.call<{ parents: number; done: boolean }>('fan_out', {
        ...lease(task),
        parent_collection: parentCollection,
        spec,
        batch,
        lease_seconds: leaseSeconds,
      }),
    ingestPage: (task: Task, body: string | Uint8Array, page: PageContext) =>
      db.call<PageResult>('ingest_page', {
        ...lease(task),
        body: page.careful && typeof body === 'string' ? markUnstorable(body) : body,
        page,
      }),
    ingestRetrieved: (task: Task, body: string | null, page: PageContext) =>
      db.call<Counts>('ingest_retrieved', {
        ...lease(task),
        body: page.careful && body !== null ? markUnstorable(body) : body,
        page,
      }),
    ingestChanges: (task: Task, body: string, page: ChangesPage) =>
      db.call<{ counts: Record<string, Counts>; done: boolean }>('ingest_changes', { ...lease(task), body, page }),
    previewPage: (app: string, body: string, page: PageContext) =>
      db.call<PreviewedPage>('preview_page', { app, body: markUnstorable(body), page }),
    countMissing: (
      app: string,
      collection: string,
      ids: readonly string[],
      hidesArchived: boolean,
      windowFrom: number | null,
      children: Readonly<Record<string, string>>,
    ) =>
      db.call<{ missing: number; children: Record<string, number> }>('count_missing', {
        app,
        collection,
        ids: stringifyJson(ids),
        hides_archived: hidesArchived,
        window_from: windowFrom,
        children,
      }),
    sweep: (task: Task, page: SweepContext) =>
      db.call<{ done: boolean; refused?: boolean; reason?: string; deleted: number; missing: number }>('sweep', {
        ...lease(task),
        page,
      }),
    advanceRun: (run: string) => db.call<{ state: RunState; open?: number }>('advance_run', { run }),
    getRun: (run: string) => db.call<Run | null>('get_run', { run }),
    cancelRun: (run: string, reason: string) => db.call<boolean>('cancel_run', { run, reason }),
    syncState: (app: string) => db.call<Record<string, SyncState>>('get_sync_state', { app }),
    pauseApp: (app: string, reason: string) => db.call<null>('pause_app', { app, reason }),
    resumeApp: (app: string) => db.call<boolean>('resume_app', { app }),
    keySalt: (app: string) => db.call<string>('key_salt', { app }),
    keyWorked: (app: string, fingerprint: string) => db.call<null>('key_worked', { app, fingerprint }),
    refuseKey: (app: string, fingerprint: string, reason: string) =>
      db.call<boolean>('refuse_key', { app, fingerprint, reason }),
    rememberAccount: (app: string, account: string) => db.call<string>('remember_account', { app, account }),
    accountOf: (app: string) => db.call<string | null>('account_of', { app }),
    changeAccount: (app: string, account: string | null) => db.call<string | null>('change_account', { app, account }),
    clock: () => db.call<string | Date>('clock', {}),
    takeTokens: (app: string, rateClass: string, want: number, priority: number, ceiling: number, burst: number) =>
      db.call<{ granted: number; wait_ms: number; rate?: number }>('take_tokens', {
        app,
        class: rateClass,
        want,
        priority,
        ceiling,
        burst,
      }),
    rateOf: (app: string, rateClass: string) => db.call<number | null>('rate_of', { app, class: rateClass }),
    learnRate: (app: string, rateClass: string, limited: boolean, retryAfterMs: number | null) =>
      db.call<null>('learn_rate', { app, class: rateClass, limited, retry_after_ms: retryAfterMs }),
    acceptDeliveries: (deliveries: readonly AcceptedDelivery[]) =>
      db.call<{ accepted: number; repeated: number }>('accept_deliveries', { deliveries }),
    claimInbox: (limit: number, leaseSeconds: number, filter: TaskFilter) =>
      db.call<ClaimedDelivery[]>('claim_inbox', { limit, lease_seconds: leaseSeconds, filter }),
    ingestEvents: (
      app: string,
      token: number,
      groups: readonly OperationGroup[],
      settled: readonly SettledDelivery[],
      context: EventContext,
    ) => db.call<Record<string, Counts>>('ingest_events', { app, token, groups, settled, context }),
    releaseDeliveries: (
      token: number,
      ids: readonly number[],
      reason: string,
      delayMs: number,
      max: number,
      dead: boolean,
    ) =>
      db.call<{ released: number; dead: number }>('release_deliveries', {
        token,
        ids,
        reason,
        delay_ms: delayMs,
        max,
        dead,
      }),
    holdDeliveries: (token: number, ids: readonly number[], reason: string, delayMs: number) =>
      db.call<null>('hold_deliveries', { token, ids, reason, delay_ms: delayMs }),
    // 64-bit counts come as text through some drivers.
    replayDeliveries: async (filter: ReplayFilter) =>
      Number(await db.call<number | string>('replay_deliveries', { filter })),
    trimInbox: async (olderThanDays: number, limit: number) =>
      Number(await db.call<number | string>('trim_inbox', { older_than: `${olderThanDays} days`, limit })),
    trimRuns: (olderThanDays: number, limit: number) =>
      db.call<number>('trim_runs', { older_than: `${olderThanDays} days`, limit }),
    declareApps: (apps: readonly { app_key: string; name: string; connector: string }[]) =>
      db.call<null>('declare_apps', { apps }),
    declareSchedules: (schedules: readonly DeclaredSchedule[]) => db.call<null>('declare_schedules', { schedules }),
    claimOccurrence: (app: string, schedule: string, dueAt: string) =>
      db.call<number | null>('claim_occurrence', { app, schedule, due_at: dueAt }),
    settleOccurrence: (app: string, schedule: string, dueAt: string, run: string | null, error: string | null) =>
      db.call<null>('settle_occurrence', { app, schedule, due_at: dueAt, run, error }),
    getStatus: () => db.call<Record<string, unknown>>('get_status', {}),
    countRefused: (counts: readonly RefusedCount[]) => db.call<null>('count_refused', { counts }),
    countLiving: () => db.call<Record<string, number | string>>('count_living', {}),
    getFleet: () => db.call<Fleet>('get_fleet', {}),
    beat: (process: BeatingProcess) => db.call<null>('beat', { process }),
    endProcess: (key: string) => db.call<null>('end_process', { key }),
    setAuth: (enabled: boolean) => db.call<null>('set_auth', { enabled }),
  };
}

export type Store = ReturnType<typeof createStore>;

const lease = (task: Task) => ({ task: task.id, token: task.lease_token });
