/** The longest that a change waits for its next attempt, unless its error says otherwise. */
export const LONGEST_BACKOFF_MS = 180_000;

/** Exponential from `baseMs`, at most three minutes, between half of that and all of it. `attempt` counts from 1. */
export function backoffMs(baseMs: number, attempt: number, random: () => number): number {
  return Math.min(LONGEST_BACKOFF_MS, baseMs * 2 ** Math.min(attempt - 1, 30)) * (0.5 + random() / 2);
}
