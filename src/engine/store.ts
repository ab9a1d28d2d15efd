import type { SqlSpec } from '../kit/resource.ts';
import type { Database } from './database.ts';

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
    ) =>
      db.call<string | null>('release_task', {
        ...lease(task),
        how,
        error,
        delay_ms: delayMs,
        requests,
        max_attempts: maxAttempts,
      }),
    loseCursor: (task: Task, hasRange: boolean) =>
      db.call<boolean>('lose_cursor', { ...lease(task), has_range: hasRange }),
    loseParent: (task: Task, parent: SqlSpec) => db.call<boolean>('lose_parent', { ...lease(task), parent }),
    idleRuns: (filter: TaskFilter) => db.call<string[]>('idle_runs', { filter }),
    becomeFanout: (task: Task, after: string) => db.call<boolean>('become_fanout', { ...lease(task), after }),
    fanOut: (task: Task, parentCollection: string, batch: number, leaseSeconds: number) =>
      db.call<{ parents: number; done: boolean }>('fan_out', {
        ...lease(task),
        parent_collection: parentCollection,
        batch,
        lease_seconds: leaseSeconds,
      }),
    ingestPage: (task: Task, body: string, page: PageContext) =>
      db.call<PageResult>('ingest_page', { ...lease(task), body, page }),
    ingestRetrieved: (task: Task, body: string | null, page: PageContext) =>
      db.call<Counts>('ingest_retrieved', { ...lease(task), body, page }),
    ingestChanges: (task: Task, body: string, page: ChangesPage) =>
      db.call<{ counts: Record<string, Counts>; done: boolean }>('ingest_changes', { ...lease(task), body, page }),
    previewPage: (app: string, body: string, page: PageContext) =>
      db.call<Counts & { records: number; last_id: string | null; more: boolean; next: string | null; ids: string[] }>(
        'preview_page',
        { app, body, page },
      ),
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
    // 64-bit counts come as text through some drivers.
    replayDeliveries: async (filter: ReplayFilter) =>
      Number(await db.call<number | string>('replay_deliveries', { filter })),
    trimInbox: async (olderThanDays: number) =>
      Number(await db.call<number | string>('trim_inbox', { older_than: `${olderThanDays} days` })),
    declareApps: (apps: readonly { app_key: string; name: string; connector: string }[]) =>
      db.call<null>('declare_apps', { apps }),
    declareSchedules: (schedules: readonly DeclaredSchedule[]) => db.call<null>('declare_schedules', { schedules }),
    claimOccurrence: (app: string, schedule: string, dueAt: string) =>
      db.call<number | null>('claim_occurrence', { app, schedule, due_at: dueAt }),
    settleOccurrence: (app: string, schedule: string, dueAt: string, run: string | null, error: string | null) =>
      db.call<null>('settle_occurrence', { app, schedule, due_at: dueAt, run, error }),
    getStatus: () => db.call<Record<string, unknown>>('get_status', {}),
    setAuth: (enabled: boolean) => db.call<null>('set_auth', { enabled }),
  };
}

export type Store = ReturnType<typeof createStore>;

const lease = (task: Task) => ({ task: task.id, token: task.lease_token });

export type SyncMode = 'full' | 'incremental';
/** An audit is a run that compares instead of storing. */
export type RunMode = SyncMode | 'audit';
export type RunState = 'running' | 'completed' | 'failed' | 'cancelled';

export interface RunOptions {
  readonly resources?: readonly string[];
  readonly limit?: number;
  readonly allow_mass_delete?: true;
  /** Of an audit: what differs is mended. */
  readonly repair?: true;
  /** Of an audit: milliseconds between its pages. */
  readonly pace_ms?: number;
}

export interface PlannedTask {
  readonly resource: string;
  readonly collection: string;
  readonly kind: 'list' | 'changes' | 'audit';
  readonly pass: boolean;
  /** Seconds. */
  readonly window_from?: number;
  readonly sweepable?: boolean;
  readonly note?: string;
  readonly input?: TaskInput;
  /** Seconds, `range_from` ≤ created < `range_to`. */
  readonly range_from?: number;
  readonly range_to?: number;
  readonly priority: number;
}

export interface TaskInput {
  readonly variant?: number;
  /** Milliseconds, provider's clock. */
  readonly since?: number;
  readonly types?: readonly string[];
  readonly collections?: readonly string[];
  /** Seconds: sync_from, for lists that cannot be filtered. */
  readonly created_from?: number;
  readonly limit?: number;
  readonly after?: string;
  readonly repair?: boolean;
  readonly pace_ms?: number;
  /** The list can be read in ranges of creation time: the task may be split while it runs. */
  readonly ranged?: boolean;
}

export interface TaskFilter {
  readonly run_id?: string;
  readonly app_key?: string;
  readonly apps?: readonly string[];
}

export interface Task {
  readonly id: number;
  readonly run_id: string | null;
  readonly pass_id: number | null;
  readonly app_key: string;
  readonly resource: string;
  readonly collection_key: string;
  readonly kind: 'list' | 'changes' | 'fanout' | 'retrieve' | 'children' | 'sweep' | 'audit' | 'extras' | 'confirm';
  readonly input: TaskInput;
  readonly external_id: string | null;
  readonly range_from: number | null;
  readonly range_to: number | null;
  readonly cursor: string | null;
  readonly cursor_created: number | null;
  readonly priority: number;
  readonly attempts: number;
  readonly records: number;
  readonly lease_token: number;
}

export interface Counts {
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly archived: number;
  readonly deleted: number;
  readonly stale?: number;
  readonly errors?: number;
}

export interface PageContext {
  readonly spec: SqlSpec;
  /** ISO 8601, the database's clock: a moment before the request began. */
  readonly started_at: string;
  readonly version: number;
  readonly version_until: number;
  readonly next?: unknown;
  readonly requests?: number;
  readonly careful?: boolean;
  readonly quiet_creates?: boolean;
  readonly purge?: boolean;
  readonly stop?: boolean;
  readonly lease_seconds?: number;
}

export interface PageResult extends Counts {
  readonly records: number;
  readonly cursor: string | null;
  readonly cursor_created: number | null;
  readonly done: boolean;
  readonly range_from: number | null;
  readonly children: Readonly<Record<string, Counts>>;
}

export interface ChangesPage {
  readonly groups: readonly OperationGroup[];
  readonly cursor: string | null;
  readonly version: number;
  readonly records: number;
  readonly requests: number;
  readonly purge: boolean;
  readonly lease_seconds: number;
}

export interface SweepContext {
  readonly spec: SqlSpec;
  readonly share: number;
  readonly floor: number;
  readonly allow: boolean;
  readonly confirm: number;
  readonly hides_archived: boolean;
  readonly batch: number;
  readonly purge: boolean;
  readonly lease_seconds: number;
}

export interface Run {
  readonly id: string;
  readonly app_key: string;
  readonly mode: RunMode;
  readonly state: RunState;
  readonly trigger: string;
  readonly options: RunOptions;
  readonly error: string | null;
  readonly duration_ms: number;
  readonly open_tasks: number;
  readonly resources: Readonly<Record<string, Counts & { readonly pages: number; readonly requests: number }>>;
  readonly passes: readonly { readonly resource: string; readonly state: string; readonly note: string | null }[];
  readonly created_at: string;
  readonly finished_at: string | null;
}

export interface SyncState {
  readonly watermark: number | null;
  readonly last_full_at: string | null;
  readonly last_incremental_at: string | null;
}

export interface AcceptedDelivery {
  readonly app_key: string;
  readonly event_id: string;
  readonly event_type: string;
  readonly occurred_at: string | null;
  readonly body: string;
  readonly state: 'ready' | 'ignored' | 'dead';
  readonly reason: string | null;
}

export interface ClaimedDelivery {
  readonly id: number;
  readonly app_key: string;
  readonly event_id: string;
  readonly event_type: string;
  readonly body: string;
  readonly attempts: number;
  readonly lease_token: number;
}

export interface OperationGroup {
  readonly spec: SqlSpec;
  readonly states: readonly {
    readonly inbox?: number;
    readonly path: readonly string[];
    readonly version: number;
    readonly version_until: number;
    readonly api_version?: string;
  }[];
  readonly gone: readonly { readonly id: string; readonly version: number; readonly version_until: number }[];
  readonly again: readonly string[];
}

export interface SettledDelivery {
  readonly id: number;
  readonly state: 'processed' | 'ignored' | 'dead';
  readonly reason: string | null;
}

export interface EventContext {
  readonly source: 'event';
  readonly origin: 'webhook' | 'replay';
  readonly origin_id?: string;
  readonly priority: 0;
  readonly purge: boolean;
}

export interface DeclaredSchedule {
  readonly app_key: string;
  /** Its name: mode and pattern. */
  readonly schedule: string;
  readonly mode: SyncMode;
  readonly cron: string;
  readonly enabled: boolean;
}

export interface ReplayFilter {
  readonly app_key?: string;
  readonly event_ids?: readonly string[];
  readonly type?: string;
  readonly state?: string;
  readonly from?: string;
  readonly to?: string;
}
