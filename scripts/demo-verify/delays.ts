import type { Account, RunningDemo } from './run-demo.ts';

export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** From the moment before a change to the moment that its row was written, by the clock of this machine. */
export function createDelays(demo: RunningDemo) {
  const changedAt = new Map<string, number>();
  const startedAt = new Date().toISOString();
  let changes = 0;
  return {
    changes: () => changes,
    async change(account: Account): Promise<void> {
      const at = Date.now();
      const { ids } = (await account.control('mutate', { count: 1 })) as { ids: string[] };
      for (const id of ids) changedAt.set(id, at);
      changes += 1;
    },
    /** `event_to_row`: events that carry their object. `read_again`: from the arrival of one that
     * does not, to the row that the object's own answer became. */
    async measure(): Promise<{ event_to_row: Percentiles; read_again: Percentiles; never_arrived: number }> {
      const rows = await demo.query<{ event_id: string; processed: number | null }>(
        'select event_id, extract(epoch from processed_at) * 1000 as processed from inbox',
      );
      const processed = new Map(rows.map((row) => [row.event_id, Number(row.processed ?? Number.NaN)]));
      const delays = [...changedAt].flatMap(([id, at]) => (processed.has(id) ? [(processed.get(id) ?? 0) - at] : []));
      const again = await demo.query<{ ms: number | null }>(
        `select extract(epoch from c.changed_at - (
            select max(i.received_at) from inbox i
            where i.app_key = c.app_key and i.received_at <= c.changed_at and i.body like '%"' || c.external_id || '"%')) * 1000 as ms
         from changes c where c.origin_id like 'task-%' and c.changed_at >= '${startedAt}'`,
      );
      return {
        event_to_row: percentiles(delays),
        read_again: percentiles(again.flatMap(({ ms }) => (ms === null ? [] : [Number(ms)]))),
        never_arrived: changedAt.size - delays.length,
      };
    },
  };
}

function percentiles(values: readonly number[]): Percentiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN);
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
