import type { Database } from '../../src/engine/database.ts';

/** The process died. Whatever it still does reaches nobody. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

export interface Crashes {
  /** The boundary that a process is about to cross: true ends it there. */
  readonly decide: (boundary: string, number: number) => boolean;
}

const WRITES_NO_ENTITY = /^(claim_|take_|learn_|release_|next_|idle_|split_|advance_run|get_)/;

/**
 * Lets processes die at the boundaries of calls: before a request or a database call leaves, or after it was done (and
 * committed) and before its answer is heard. After its death a process reaches neither the provider nor the database.
 */
export function createCrashes({ decide }: Crashes) {
  let generation = 0;
  let boundaries = 0;
  let crashes = 0;
  let wroteAt = 0;
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
    /** The database as one process sees it. */
    wrap(database: Database): Database {
      const born = generation;
      return {
        async call<T>(name: string, args: Readonly<Record<string, unknown>>): Promise<T> {
          // In one process both clocks are one: without the time that the answer took, a story has one course.
          if (name === 'clock') return new Date(Date.now()) as T;
          cross(born, `before ${name}`);
          const call = database.call<T>(name, args);
          underWay.add(call);
          const result = await call.finally(() => underWay.delete(call));
          if (!WRITES_NO_ENTITY.test(name)) wroteAt = performance.now();
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
        // What was written before is older by more than the clock's step.
        while (performance.now() < wroteAt + 3);
        // What the world does between answer and arrival belongs to this story, not to the next.
        const asked = fetch(input, init);
        underWay.add(asked);
        const response = await asked.finally(() => underWay.delete(asked));
        cross(born, 'after fetch');
        return response;
      };
    },
  };
}
