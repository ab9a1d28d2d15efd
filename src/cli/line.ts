/** How far one resource of one app is. */
export interface Line {
  readonly name: string;
  rows: number;
  /** 0: nobody knows. */
  total: number;
  readonly startedAt: number;
  touchedAt: number;
  /** Share of the requests that the provider allows, as of the last page: 0 … 1. */
  budgetUse: number;
}

/** Rows a second since the first of them. */
export function rateOf(line: Line): number {
  return Math.round(line.rows / Math.max(0.25, (line.touchedAt - line.startedAt) / 1000));
}

/** Milliseconds until the last row, at the rate so far; undefined when nobody knows how many there are, or all are there. */
export function etaOf(line: Line): number | undefined {
  if (line.total <= line.rows) return undefined;
  return ((line.total - line.rows) / Math.max(1, rateOf(line))) * 1000;
}

export const percent = (share: number) => `${Math.round(share * 100)} %`;
