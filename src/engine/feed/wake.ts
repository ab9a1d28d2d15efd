import type { Ports } from '../ports.ts';

/** Waits for a while, or for the bell. A bell that rang while nobody waited ends the next wait at once. */
export interface Wake {
  ring(): void;
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createWake(ports: Ports): Wake {
  let rang = false;
  const waiting = new Set<AbortController>();
  return {
    ring() {
      rang = waiting.size === 0;
      for (const waiter of waiting) waiter.abort();
    },
    async wait(ms, signal) {
      if (rang || signal.aborted) {
        rang = false;
        return;
      }
      const early = new AbortController();
      waiting.add(early);
      await ports.sleep(ms, AbortSignal.any([early.signal, signal]));
      waiting.delete(early);
    },
  };
}
