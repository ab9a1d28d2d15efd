import type { SignatureFault } from '../../kit/connector.ts';
import type { Ports } from '../ports.ts';

/** Why a delivery was refused: all that there are, so that whoever sends them cannot make rows. */
export type RefusalReason = SignatureFault | 'other_app' | 'no_secret' | 'too_large';

export interface RefusedCount {
  readonly app_key: string;
  readonly reason: RefusalReason;
  readonly count: number;
}

/** Counts refused deliveries in memory, and writes the sums at most once a second, however many there are. */
export interface Refusals {
  /** Resolves when the sum has been written; never rejects. */
  count(appKey: string, reason: RefusalReason): Promise<void>;
  /** Writes what is counted now. */
  flush(): Promise<void>;
}

const WRITTEN_EVERY_MS = 1000;

export function createRefusals(
  store: { countRefused(counts: readonly RefusedCount[]): Promise<unknown> },
  ports: Pick<Ports, 'monotonic' | 'sleep'>,
): Refusals {
  let counted = new Map<string, RefusedCount>();
  let next = Number.NEGATIVE_INFINITY;
  let waiting: Promise<void> | undefined;

  function add({ app_key, reason, count }: RefusedCount): void {
    const key = `${app_key} ${reason}`;
    counted.set(key, { app_key, reason, count: (counted.get(key)?.count ?? 0) + count });
  }

  async function write(): Promise<void> {
    if (counted.size === 0) return;
    const counts = [...counted.values()];
    counted = new Map();
    next = ports.monotonic() + WRITTEN_EVERY_MS;
    try {
      await store.countRefused(counts);
    } catch {
      // With the next ones: there are as many sums as apps and reasons, at most.
      for (const one of counts) add(one);
    }
  }

  // One write at a time: who waits for the last one knows that all before it are done.
  let writing = Promise.resolve();
  const flush = () => {
    writing = writing.then(write);
    return writing;
  };

  return {
    count(appKey, reason) {
      add({ app_key: appKey, reason, count: 1 });
      waiting ??= ports.sleep(Math.max(0, next - ports.monotonic())).then(() => {
        waiting = undefined;
        return flush();
      });
      return waiting;
    },
    flush,
  };
}
