/** What handlers did since the last report, per type of change. */
export type HandledStats = readonly {
  readonly type: string;
  readonly processed: number;
  readonly errors: number;
  readonly seconds: number;
  readonly buckets: readonly number[];
}[];

/** Upper bounds in seconds; the database keeps one number for each (see `consumer_stats`). */
export const DURATION_BUCKETS = [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60] as const;

/** Collects until it is taken. */
export interface StatsCollector {
  add(type: string, seconds: number, failed: boolean): void;
  /** Undefined when there is nothing. */
  take(): HandledStats | undefined;
}

export function createStatsCollector(): StatsCollector {
  let types = new Map<string, { processed: number; errors: number; seconds: number; buckets: number[] }>();
  return {
    add(type, seconds, failed) {
      let entry = types.get(type);
      if (entry === undefined) {
        entry = { processed: 0, errors: 0, seconds: 0, buckets: DURATION_BUCKETS.map(() => 0) };
        types.set(type, entry);
      }
      if (failed) entry.errors += 1;
      else entry.processed += 1;
      entry.seconds += seconds;
      const { buckets } = entry;
      DURATION_BUCKETS.forEach((bound, i) => {
        if (seconds <= bound) buckets[i] = (buckets[i] ?? 0) + 1;
      });
    },
    take() {
      if (types.size === 0) return undefined;
      const taken = [...types].map(([type, entry]) => ({ type, ...entry }));
      types = new Map();
      return taken;
    },
  };
}
