import type { SqlDatabase } from '../../src/engine/database.ts';
import type { Row } from '../harness/bench.ts';

/** One line of the table. */
export interface Measured {
  readonly what: string;
  readonly result: string;
  readonly goal: string;
  readonly met: boolean;
  /** True: not meeting it is a mistake, not slowness. */
  readonly mustHold?: boolean;
  /** What it is made of, run by run. */
  readonly tables?: Readonly<Record<string, readonly Row[]>>;
}

/** One server on trial. */
export interface Bench {
  /** A new database with the engine's tables. */
  fresh(): Promise<{ readonly database: SqlDatabase; readonly url: string; close(): Promise<void> }>;
  /** CPU seconds of all the server's processes so far. */
  cpuSeconds(): number;
  /** A remark while something takes long. */
  say(text: string): void;
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The smallest value that at least `share` of them do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
