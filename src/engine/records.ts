import type { SqlSpec } from '../kit/resource.ts';

/** What the engine's SQL functions take and answer, as TypeScript sees it (snake_case: it is their JSON). */

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
  /** What the log of changes does not show: which part of the list ('variants' of `silent`). */
  readonly silent?: number;
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
  readonly check?: PageCheck;
}

/** What a page must show before the end of its list is believed: that nothing follows, or a position on a shorter page. */
export type PageCheck = 'after' | 'shorter';

export interface TaskFilter {
  readonly run_id?: string;
  /** Only what belongs to no run: what webhooks ask to read again. */
  readonly urgent?: true;
  readonly app_key?: string;
  readonly apps?: readonly string[];
  /** Of a claim: which process asks. */
  readonly holder?: string;
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
  /** Records that were asked for. */
  readonly asked?: number;
  /** The request of a list without pages carries a limit all the same. */
  readonly sized?: boolean;
  /** Where the answer says how many objects there are. */
  readonly total?: readonly string[];
  /** A page may be short although the list goes on. */
  readonly short?: boolean;
  readonly requests?: number;
  readonly careful?: boolean;
  readonly quiet_creates?: boolean;
  readonly purge?: boolean;
  readonly stop?: boolean;
  /** The page was asked for without a cursor: where the task had been before proves no circle. */
  /** The cursor that the page was asked with, or that it was asked without one. */
  readonly cursor?: string;
  readonly from_start?: boolean;
  /** Of a dry run: records that were read before this page, and what this page is asked for. */
  readonly read?: number;
  readonly shown?: unknown;
  readonly check?: PageCheck;
  readonly lease_seconds?: number;
}

export interface PageResult extends Counts {
  readonly records: number;
  readonly cursor: string | null;
  readonly cursor_created: number | null;
  readonly done: boolean;
  readonly check?: PageCheck;
  readonly range_from: number | null;
  readonly children: Readonly<Record<string, Counts>>;
}

/** What a page would do; nothing was written. */
export interface PreviewedPage extends Counts {
  readonly records: number;
  readonly next: string | null;
  readonly check: PageCheck | null;
  /** Its first and last id, and how many records it has. */
  readonly shown: unknown;
  readonly ids: readonly string[];
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
  /** Objects of a first wave of questions by id. */
  readonly confirm: number;
  /** The list is known to leave objects out: each absent one is asked for. */
  readonly ask_all?: boolean;
  /** How long an object counts as unlisted before it is asked for again; the second, where the run reads the log of changes. */
  readonly remember_ms?: number;
  readonly remember_logged_ms?: number;
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
  readonly passes: readonly {
    readonly resource: string;
    readonly state: string;
    readonly note: string | null;
    /** Why the pass proves nothing: what in its answers contradicts the description. */
    readonly problem: string | null;
  }[];
  readonly created_at: string;
  readonly finished_at: string | null;
}

export interface SyncState {
  readonly watermark: number | null;
  readonly last_full_at: string | null;
  readonly last_incremental_at: string | null;
  /** The mirror holds objects that are in no list. */
  readonly unlisted?: boolean;
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
  /** A person had it worked again. */
  readonly replayed: boolean;
  /** The account that was recorded for the app. */
  readonly account: string | null;
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
  /** Read again, unless what is stored was true after `version_until`. */
  readonly again: readonly { readonly id: string; readonly version_until: number }[];
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
