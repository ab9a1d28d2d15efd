import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PGlite, types } from '@electric-sql/pglite';
import type { SqlDatabase } from '../../engine/database.ts';
import { DatabaseError, describeError } from '../../errors.ts';
import { withPageLine } from '../page-line.ts';
import { fromDriver, type Queryable } from '../sql-database.ts';
import { lockFolder } from './folder-lock.ts';

/**
 * PostgreSQL inside this process, in a folder or (without one) in memory. One connection: calls wait for each other,
 * and one process: another one that has the folder is told apart by its lock.
 */
export async function createPglite(dataDir?: string): Promise<SqlDatabase & { readonly pglite: PGlite }> {
  if (dataDir === undefined) return fromPglite(await PGlite.create());
  await mkdir(dirname(dataDir), { recursive: true });
  const unlock = lockFolder(dataDir);
  try {
    const database = fromPglite(await PGlite.create({ dataDir }));
    const { close } = database;
    return Object.assign(database, { close: () => close().finally(unlock) });
  } catch (error) {
    unlock();
    throw new DatabaseError(
      `the data folder ${dataDir} cannot be opened, perhaps it is damaged: move it away and sync again (the mirror is read anew), or set DATABASE_URL. ${describeError(error)}`,
      { cause: error },
    );
  }
}

/** As `pg` reads them: 64-bit integers and numerics keep every digit as text. */
const parsers = { [types.INT8]: (text: string) => text, [types.NUMERIC]: (text: string) => text };
/** Text may be given as its bytes, which PGlite passes on in binary: as a string, a page of 90 kB takes a millisecond more. */
const serializers = {
  [types.TEXT]: (value: unknown) => (value instanceof Uint8Array ? (value as unknown as string) : String(value)),
};
const queryOptions = { parsers, serializers };

/**
 * Adapts a PGlite instance, which is closed with the database. PGlite's own interface: its adapter for `pg` (0.5.16)
 * loses its place in the protocol after a statement that failed.
 */
export function fromPglite(pglite: PGlite): SqlDatabase & { readonly pglite: PGlite } {
  const { inTurn, isStopped } = createTurns();
  const database = fromDriver('pglite', {
    takesBytes: true,
    query: (text, values) => inTurn(() => pglite.query(text, values ?? [], queryOptions)),
    transaction: <T>(work: (connection: Queryable) => Promise<T>) =>
      inTurn(
        () =>
          new Promise<T>((resolve, reject) => {
            const refuseIfPanic = (error: unknown) => {
              if (!isPanic(error)) throw error;
              reject(error);
              // Whoever asked waits for ever: else it would ask for a rollback.
              return new Promise<never>(() => {});
            };
            pglite
              .transaction((tx) =>
                work({ query: (text, values) => tx.query(text, values ?? [], queryOptions).catch(refuseIfPanic) }),
              )
              .then(resolve, reject);
          }),
      ),
    script: (text) =>
      inTurn(async () => {
        try {
          await pglite.exec(`begin;\n${text}\n;commit;`);
        } catch (error) {
          if (!isPanic(error)) await pglite.exec('rollback').catch(() => {});
          throw error;
        }
      }),
    async listen(channel, heard) {
      const unlisten = await inTurn(() => pglite.listen(channel, heard));
      return { close: async () => void (isStopped() || (await inTurn(() => unlisten()))) };
    },
    async close() {
      if (!pglite.closed && !isStopped()) await pglite.close();
    },
  });
  return Object.assign(withPageLine(database, 1), { pglite });
}

const isPanic = (error: unknown) => (error as { severity?: unknown } | null)?.severity === 'PANIC';

/**
 * A PostgreSQL that panicked (its log cannot be written: the disk is full) has ended, and what is asked of it after that
 * never returns. So nothing is asked before the answer to the last question is there. Its files are in order: the next
 * process that opens them goes on after the last commit.
 */
function createTurns() {
  let last: Promise<unknown> = Promise.resolve();
  let stopped: DatabaseError | undefined;
  async function perform<T>(work: () => Promise<T>): Promise<T> {
    if (stopped !== undefined) throw stopped;
    try {
      return await work();
    } catch (error) {
      if (!isPanic(error)) throw error;
      stopped = new DatabaseError(
        `the embedded database has stopped (${describeError(error)}): free some space on its disk and start again; what is stored is safe`,
        { cause: error },
      );
      throw stopped;
    }
  }
  return {
    inTurn<T>(work: () => Promise<T>): Promise<T> {
      const turn = last.then(() => perform(work));
      last = turn.catch(() => {});
      return turn;
    },
    isStopped: () => stopped !== undefined,
  };
}
