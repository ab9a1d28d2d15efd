/** How far one resource of one app is. */
export interface Line {
  readonly name: string;
  rows: number;
  /** 0: nobody knows. */
  readonly total: number;
  readonly startedAt: number;
  touchedAt: number;
}

/** Rows a second since the first of them. */
export function rateOf(line: Line): number {
  return Math.round(line.rows / Math.max(0.25, (line.touchedAt - line.startedAt) / 1000));
}
