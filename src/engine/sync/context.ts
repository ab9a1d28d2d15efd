import type { ProviderRequest } from '../../kit/resource.ts';
import type { App } from '../app.ts';
import type { Fitness } from '../fleet/fitness.ts';
import type { KeyRecord } from '../fleet/key-record.ts';
import type { Ports } from '../ports.ts';
import type { Proof } from '../proof.ts';
import type { Counts, PageContext, Store, Task } from '../store.ts';
import type { Answer, Asked } from './ask.ts';
import type { Budget } from './budget.ts';
import type { DatabaseClock } from './clock.ts';

/** What reading a task needs. */
export interface SyncContext {
  readonly store: Store;
  readonly proof: Proof;
  readonly ports: Ports;
  readonly budget: Budget;
  readonly clock: DatabaseClock;
  readonly fitness: Fitness;
  readonly keys: KeyRecord;
  /** Tasks that this process has under way, by app. */
  readonly underWay: Map<string, number>;
  readonly settings: SyncSettings;
  /** Permission, request, and what the answer means for the budget. Throws what `ask` throws. */
  request(app: App, request: ProviderRequest, task: Pick<Task, 'priority'>, signal: AbortSignal): Promise<Answer>;
  /** Told after every committed page. */
  readonly onPage: (progress: PageProgress) => void;
  /** Resolves after the next committed page of this process. */
  pageTurned(): Promise<void>;
}

export interface SyncSettings {
  readonly massDeleteShare: number;
  readonly massDeleteFloor: number;
  readonly leaseSeconds: number;
  /** First wait after a failure; doubles each time, up to a minute. */
  readonly retryBaseMs: number;
  readonly maxAttempts: number;
  /** How long an event may be on its way before an audit counts a difference. */
  readonly auditGraceMs: number;
  /** The next page of a list is asked for while the one before is being written (default true). */
  readonly readAhead: boolean;
}

export interface PageProgress {
  readonly appKey: string;
  readonly runId: string | null;
  readonly resource: string;
  readonly records: number;
  readonly counts: Counts;
  /** Share of the allowed requests in use, 0 … 1 (`Budget.use`). */
  readonly budgetUse?: number;
}

/** The moment that an answer belongs to, in the terms of the write path. */
export function pageContext(context: SyncContext, app: App, answer: Asked, spec: PageContext['spec']): PageContext {
  return {
    spec,
    started_at: context.clock.notLaterThan(answer.startedAt),
    version: answer.version,
    version_until: answer.versionUntil,
    purge: app.config.on_delete === 'purge',
    quiet_creates: app.config.feed === 'live',
    lease_seconds: context.settings.leaseSeconds,
  };
}
