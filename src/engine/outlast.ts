import { describeError } from '../errors.ts';
import type { Ports } from './ports.ts';
import { isAway } from './sql-errors.ts';

export interface OutlastOptions {
  readonly signal?: AbortSignal | undefined;
  /** True when there is no time left to wait, or this is nothing to wait for. */
  readonly stop?: (error: unknown) => boolean;
  readonly patienceMs?: number;
}

/** A restart takes seconds, a fail-over minutes. */
const PATIENCE_MS = 300_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Does the work, and does it again while the database is away. Only for what may be done twice: whether the first attempt
 * was committed is not known.
 */
export async function outlast<T>(
  ports: Pick<Ports, 'monotonic' | 'sleep' | 'log'>,
  work: () => Promise<T>,
  { signal, stop = () => false, patienceMs = PATIENCE_MS }: OutlastOptions = {},
): Promise<T> {
  const until = ports.monotonic() + patienceMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 2)) {
    try {
      const result = await work();
      if (pause > FIRST_PAUSE_MS) ports.log('info', 'the database is back');
      return result;
    } catch (error) {
      if (!isAway(error) || signal?.aborted === true || stop(error) || ports.monotonic() >= until) throw error;
      if (pause === FIRST_PAUSE_MS)
        ports.log(
          'warn',
          `the database is away: this waits up to ${patienceMs / 1000} s for it (${describeError(error)})`,
        );
      await ports.sleep(pause, signal);
    }
  }
}
