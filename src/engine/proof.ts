import type { SqlSpec } from '../kit/resource.ts';
import type { Database } from './database.ts';
import { excessOf } from './json-limits.ts';
import type { Counts, PageCheck, PageContext, Run, Task } from './store.ts';
import { markExcesses, markUnstorable } from './unstorable.ts';

/** The SQL functions that prove, explain and mend (migrations 017 and 018), typed as in store.ts. */
export function createProof(db: Database) {
  return {
    auditPage: (task: Task, body: string, page: AuditPage) =>
      db.call<AuditedPage>('audit_page', {
        ...lease(task),
        body: page.careful === true ? markUnstorable(body) : body,
        page,
      }),
    auditExtras: (task: Task, page: AuditExtras) =>
      db.call<{ refused: boolean; reason?: string; extra?: number }>('audit_extras', { ...lease(task), page }),
    auditConfirm: (task: Task, body: string | null, page: AuditPage) =>
      db.call<{ differing: number; repaired: boolean }>('audit_confirm', {
        ...lease(task),
        body: body === null ? null : markExcesses(body),
        page,
      }),
    skipAudit: (task: Task, note: string) => db.call<null>('skip_audit', { ...lease(task), note }),
    /** Why the app is paused; null when it is not. */
    pauseReason: (app: string) => db.call<string | null>('pause_reason_of', { app }),
    auditAges: (app: string) =>
      db.call<readonly { collection: string; rows: number; at: string }[]>('audit_ages', { app }),
    health: (app?: string) => db.call<readonly ResourceHealth[]>('get_health', { app: app ?? null }),
    listQuarantine: (filter: QuarantineFilter) => db.call<readonly QuarantinedRecord[]>('list_quarantine', { filter }),
    retryQuarantine: async (id: number, spec: SqlSpec, purge: boolean): Promise<RetriedRecord> => {
      const [record] = await db.call<readonly QuarantinedRecord[]>('list_quarantine', {
        filter: { ids: [id], raw: true },
      });
      const excess = excessOf(record?.raw ?? '');
      if (excess !== undefined) return { state: 'refused', reason: excess };
      return await db.call<RetriedRecord>('retry_quarantine', { id, spec, purge });
    },
    dropQuarantine: (ids: readonly number[]) => db.call<number>('drop_quarantine', { ids }),
  };
}

export type Proof = ReturnType<typeof createProof>;

const lease = (task: Task) => ({ task: task.id, token: task.lease_token });

export interface AuditPage extends PageContext {
  /** Bring what differs through the write path. */
  readonly repair: boolean;
  /** Questions about single objects at most, per resource. */
  readonly confirm: number;
  /** How long an event may be on its way before a difference counts. */
  readonly grace_ms: number;
}

export interface AuditExtras extends Pick<AuditPage, 'spec' | 'repair' | 'confirm' | 'grace_ms' | 'purge'> {
  readonly share: number;
  readonly floor: number;
  readonly hides_archived: boolean;
  readonly ask_all?: boolean;
}

export interface AuditedPage {
  readonly records: number;
  readonly differing: number;
  readonly cursor: string | null;
  readonly cursor_created: number | null;
  readonly done: boolean;
  readonly check?: PageCheck;
}

/** What an audit found of one resource. */
export interface AuditCounts extends Counts {
  readonly pages: number;
  readonly requests: number;
  readonly equal: number;
  readonly missing: number;
  readonly stale: number;
  readonly extra: number;
  /** Of those: brought in order through the write path. */
  readonly repaired: number;
  /** Of those: more than could be asked for one by one. */
  readonly unconfirmed: number;
  /** The first twenty of each kind. */
  readonly ids: Readonly<Record<'missing' | 'stale' | 'extra', readonly string[]>>;
}

export interface AuditRun extends Run {
  readonly resources: Readonly<Record<string, AuditCounts>>;
}

/** One row of `supasaasy.sync_health`; intervals and instants as PostgreSQL writes them. */
export interface ResourceHealth {
  readonly app_key: string;
  readonly resource: string;
  readonly collection_key: string;
  readonly state: 'ok' | 'differs' | 'unproven' | 'failing' | 'never synced' | 'deletions paused' | 'paused';
  readonly last_success_at: string | null;
  readonly watermark: string | null;
  readonly lag: string | null;
  readonly freshness_measured: number | null;
  readonly freshness_p50: string | null;
  readonly freshness_p95: string | null;
  readonly freshness_p99: string | null;
  readonly open_failures: number;
  readonly last_error: string | null;
  readonly quarantined: number;
  readonly dead_letters: number;
  readonly inbox_waiting: number;
  readonly deletions_paused_at: string | null;
  readonly deletions_paused_reason: string | null;
  readonly paused_at: string | null;
  readonly pause_reason: string | null;
  readonly certified_by: 'pass' | 'audit' | null;
  readonly certified_at: string | null;
  readonly certificate_holds: boolean | null;
  readonly source_count: number | null;
  readonly mirror_count: number | null;
  readonly digest: string | null;
  /** How the lists ended: "flag", "short page, count". */
  readonly certificate_ended_by: string | null;
  /** Why the certificate does not hold. */
  readonly certificate_reason: string | null;
  readonly certificate_evidence: Readonly<Record<string, unknown>> | null;
}

export interface QuarantineFilter {
  readonly app_key?: string;
  readonly collection?: string;
  readonly ids?: readonly number[];
  readonly resolved?: boolean;
  readonly limit?: number;
  /** With the text as it came. */
  readonly raw?: boolean;
}

export interface QuarantinedRecord {
  readonly id: number;
  readonly app_key: string;
  readonly collection_key: string;
  readonly external_id: string | null;
  readonly reason: string;
  readonly code: string | null;
  readonly origin: string;
  readonly attempts: number;
  readonly created_at: string;
  readonly updated_at: string;
  readonly resolved_at: string | null;
  readonly raw?: string;
}

export interface RetriedRecord {
  readonly state: 'stored' | 'refused' | 'gone';
  readonly reason?: string;
}
