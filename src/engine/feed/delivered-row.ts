import type { Batch, Change } from './change.ts';

/** A row of `consumer_recv_rows`. The last one is the batch, and no change. */
export interface DeliveredRow extends Omit<Change, 'headers' | 'seq'> {
  /** A bigint, which drivers show as they like. */
  readonly seq: number | string | bigint | null;
  readonly origin: string;
  readonly origin_id: string;
  readonly version: string;
  /** With `changes` where these are not in the rows. */
  readonly batch: (Omit<Batch, 'changes'> & Partial<Pick<Batch, 'changes'>>) | null;
}

/** The same batch as `consumer_recv` answers. */
export function toBatch(rows: readonly DeliveredRow[]): Batch {
  const batch = rows.at(-1)?.batch;
  if (batch == null) throw new Error('consumer_recv_rows answered without a batch');
  return { ...batch, changes: batch.changes ?? rows.slice(0, -1).map(toChange) };
}

function toChange(row: DeliveredRow): Change {
  const { id, foreign_id, type, app_key, collection_key, external_id, operation, origin, origin_id, version } = row;
  return {
    seq: Number(row.seq),
    id,
    foreign_id,
    type,
    app_key,
    collection_key,
    external_id,
    operation,
    headers: {
      app_key,
      collection_key,
      external_id,
      operation,
      origin,
      origin_id,
      version,
      idempotency_key: id,
    } as Record<string, string>,
    created_at: row.created_at,
    before: row.before,
    after: row.after,
    changed_fields: row.changed_fields,
    attempt: row.attempt,
  };
}
