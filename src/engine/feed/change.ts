/**
 * One entry of the feed as a consumer gets it: the same in TypeScript, over HTTP and in SQL. `Payload` is what the source
 * was told that its objects are; nothing checks it.
 */
export interface Change<Payload = unknown> {
  /** Place in its log, for acknowledging. */
  readonly seq: number;
  /** Unique, and the same at every delivery. */
  readonly id: string;
  /** What the change is about: `app_key/collection_key/external_id`, or a message's key. Order is kept per `foreign_id`. */
  readonly foreign_id: string;
  /** `acme.subscription.updated` */
  readonly type: string;
  readonly app_key: string | null;
  readonly collection_key: string | null;
  /** The provider's id. */
  readonly external_id: string | null;
  readonly operation: 'create' | 'update' | 'archive' | 'delete' | null;
  /** Strings only, `idempotency_key` among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** ISO 8601, our clock. */
  readonly created_at: string;
  /** The payload before, null for a create or a thin consumer. */
  readonly before: Payload | null;
  /** The payload after, null for a delete or a thin consumer. Of a message: its payload. */
  readonly after: Payload | null;
  /** Top-level fields that differ, for an update or archive. */
  readonly changed_fields: readonly string[] | null;
  /** 1 at the first delivery. */
  readonly attempt: number;
}

/** What one `recv` took. Without changes, `token` is null and `wait_ms` says when to look again at the latest. */
export interface Batch {
  readonly token: number | null;
  readonly changes: readonly Change[];
  readonly lease_ms?: number;
  readonly wait_ms: number | null;
  readonly paused?: boolean;
  /** As many batches as `parallel` allows are out. */
  readonly busy?: boolean;
}

/** `repeated` were acknowledged before; `lost` belong to somebody else by now. */
export interface AckResult {
  readonly acked: number;
  readonly repeated: number;
  readonly lost: number;
  /** Which were acknowledged now, when it was not all of them. */
  readonly acked_seqs?: readonly number[] | null;
}

export interface NackResult {
  readonly state: 'waiting' | 'dead' | 'settled';
  readonly attempts?: number;
  readonly delay_ms?: number;
  /** Since when nothing but failures, in milliseconds. */
  readonly failing_ms?: number;
}

/** How far behind. `more`: there are more than were counted. */
export interface Lag {
  readonly changes: number;
  readonly more: boolean;
  readonly seconds: number;
}
