import type { Ports } from '../ports.ts';
import type { Store } from '../store.ts';

const CALIBRATE_EVERY_MS = 30_000;

/**
 * Tells, for a moment of our monotonic clock, a moment of the database's clock that was certainly not later. "This
 * request began after that row was written" must be right on hosts whose clocks differ, so only the database's counts.
 */
export interface DatabaseClock {
  calibrate(): Promise<void>;
  /** ISO 8601. `monotonicMs` must not lie before the last calibration by more than a request. */
  notLaterThan(monotonicMs: number): string;
}

export function createDatabaseClock(store: Store, ports: Ports): DatabaseClock {
  let databaseMs = 0;
  let heardAt = Number.NEGATIVE_INFINITY;
  return {
    async calibrate() {
      if (ports.monotonic() - heardAt < CALIBRATE_EVERY_MS) return;
      const answered = new Date(await store.clock()).getTime();
      // The database read its clock before we heard of it: counting from now can only be too early.
      heardAt = ports.monotonic();
      databaseMs = answered;
    },
    notLaterThan: (monotonicMs) => new Date(Math.floor(databaseMs + (monotonicMs - heardAt))).toISOString(),
  };
}
