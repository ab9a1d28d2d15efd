import type { Stage } from './stage.ts';

/** One number against what was wanted. */
export interface Goal {
  readonly measure: string;
  readonly goal: string;
  readonly measured: string;
  readonly met: boolean;
}

export type Row = Readonly<Record<string, string | number>>;

export interface Outcome {
  readonly goals: readonly Goal[];
  readonly tables: Readonly<Record<string, readonly Row[]>>;
  readonly notes?: readonly string[];
  /** What plots are drawn from. */
  readonly series?: Readonly<Record<string, readonly (readonly number[])[]>>;
}

export interface Bench {
  readonly name: string;
  readonly what: string;
  /** How long it takes on two quiet cores. */
  readonly minutes: number;
  /** Settings of PostgreSQL beyond its defaults. */
  readonly settings?: Readonly<Record<string, string>>;
  run(stage: Stage, options: BenchOptions): Promise<Outcome>;
}

export interface BenchOptions {
  /** A hundredth to a tenth of the size: to see that it works. Its numbers say nothing. */
  readonly quick: boolean;
  readonly say: (text: string) => void;
}

/** `count` objects, or a tenth of them to see that it works. */
export function sized(count: number, { quick }: Pick<BenchOptions, 'quick'>): number {
  return quick ? Math.ceil(count / 10) : count;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** The value that a share `p` of all does not exceed. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] ?? 0;
}

export const whole = (value: number) => Math.round(value).toLocaleString('en-US');
export const fixed = (value: number, digits = 1) => value.toFixed(digits);
export const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;

export function atLeast(measure: string, value: number, goal: number, unit: string, show = whole): Goal {
  return { measure, goal: `≥ ${show(goal)} ${unit}`, measured: `${show(value)} ${unit}`, met: value >= goal };
}

export function atMost(measure: string, value: number, goal: number, unit: string, show = whole): Goal {
  return { measure, goal: `≤ ${show(goal)} ${unit}`, measured: `${show(value)} ${unit}`, met: value <= goal };
}
