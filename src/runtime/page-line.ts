import type { SqlDatabase } from '../engine/database.ts';

/**
 * The same database, in which at most `width` pages are written at one time. A sync has a page for every task; they wait
 * in a line of their own, so that a delivery finds a connection, and few connections are enough: each one plans anew.
 */
export function withPageLine<T extends SqlDatabase>(database: T, width: number): T {
  const { call } = database;
  const inLine = createLine(width);
  return Object.assign(database, {
    call: <Result>(name: string, args: Readonly<Record<string, unknown>>) =>
      name === 'ingest_page' ? inLine(() => call<Result>(name, args)) : call<Result>(name, args),
  });
}

/** At most `width` at one time, the others in the order in which they came. */
function createLine(width: number) {
  const waiting: (() => void)[] = [];
  let inside = 0;
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (inside >= width) await new Promise<void>((resolve) => waiting.push(resolve));
    else inside += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) inside -= 1;
      else next();
    }
  };
}
