import type { Database } from '../../src/engine/database.ts';

/** The process died. Whatever it still does reaches nobody. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

export interface Crashes {
  /** The boundary that a process is about to cross: true ends it there. */
  readonly decide: (boundary: string, number: number) => boolean;
  /** One task at a time: then no busy machine changes the course of a story. */
  readonly alone: boolean;
}

const WRITES_NO_ENTITY = /^(claim_|take_|learn_|release_|next_|idle_|split_|advance_run|get_)/;

/**
 * Lets processes die at the boundaries of calls: before a request or a database call leaves, or after it was done (and
 * committed) and before its answer is heard. After its death a process reaches neither the provider nor the database.
 *
 * Its clock is the database's, in whole milliseconds, and stands still between two calls: what was written before a
 * request is older than it, and what is written meanwhile is not, whatever the machine does at the same time.
 */
export function createCrashes({ decide, alone }: Crashes) {
  let generation = 0;
  let boundaries = 0;
  let crashes = 0;
  let clockMs = Date.now();
  const underWay = new Set<Promise<unknown>>();

  function cross(born: number, boundary: string): void {
    if (born !== generation) throw new Crash(`dead at ${boundary}`);
    if (boundary.endsWith('take_tokens')) return;
    boundaries += 1;
    if (!decide(boundary, boundaries)) return;
    generation += 1;
    crashes += 1;
    throw new Crash(`at ${boundary}`);
  }

  return {
    get boundaries() {
      return boundaries;
    },
    get crashes() {
      return crashes;
    },
    get generation() {
      return generation;
    },
    /** Resolves when what the dead have begun is over. */
    async idle(): Promise<void> {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
    /** The clock of every process. */
    monotonic: () => clockMs,
    /** The database as one process sees it. */
    wrap(database: Database): Database {
      const born = generation;
      return {
        async call<T>(name: string, args: Readonly<Record<string, unknown>>): Promise<T> {
          if (name === 'clock') {
            clockMs = Math.max(clockMs, Date.now());
            return new Date(clockMs) as T;
          }
          cross(born, `before ${name}`);
          const call = database.call<T>(name, args);
          underWay.add(call);
          const result = await call.finally(() => underWay.delete(call));
          clockMs = Math.max(clockMs, Date.now() + (WRITES_NO_ENTITY.test(name) ? 0 : 1));
          cross(born, `after ${name}`);
          return result;
        },
        close: async () => {},
      };
    },
    /** `fetch` as one process sees it. */
    wrapFetch(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
      return async (input, init) => {
        const born = generation;
        cross(born, 'before fetch');
        // It says that it begins now.
        const began = clockMs;
        while (Date.now() < began);
        // What the world does between answer and arrival belongs to this story, not to the next.
        const asked = fetch(input, init);
        underWay.add(asked);
        const response = await asked.finally(() => {
          underWay.delete(asked);
          // An answer takes a millisecond, however many deliveries came meanwhile.
          clockMs = alone ? began + 1 : Math.max(clockMs, began + 1);
        });
        cross(born, 'after fetch');
        return response;
      };
    },
  };
}
