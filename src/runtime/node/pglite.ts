import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PGlite, types } from '@electric-sql/pglite';
import type { SqlDatabase } from '../../engine/database.ts';
import { DatabaseError, describeError } from '../../errors.ts';
import { withPageLine } from '../page-line.ts';
import { fromDriver } from '../sql-database.ts';
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

/**
 * Adapts a PGlite instance, which is closed with the database. PGlite's own interface: its adapter for `pg` (0.5.16)
 * loses its place in the protocol after a statement that failed.
 */
export function fromPglite(pglite: PGlite): SqlDatabase & { readonly pglite: PGlite } {
  const database = fromDriver('pglite', {
    query: (text, values) => pglite.query(text, values ?? [], { parsers }),
    transaction: (work) =>
      pglite.transaction((tx) => work({ query: (text, values) => tx.query(text, values ?? [], { parsers }) })),
    async script(text) {
      try {
        await pglite.exec(`begin;\n${text}\n;commit;`);
      } catch (error) {
        await pglite.exec('rollback').catch(() => {});
        throw error;
      }
    },
    async listen(channel, heard) {
      const unlisten = await pglite.listen(channel, heard);
      return { close: async () => void (await unlisten()) };
    },
    async close() {
      if (!pglite.closed) await pglite.close();
    },
  });
  return Object.assign(withPageLine(database, 1), { pglite });
}
