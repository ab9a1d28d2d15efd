import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PGlite, types } from '@electric-sql/pglite';
import type { SqlDatabase } from '../../engine/database.ts';
import { fromQueryable } from '../sql-database.ts';

/**
 * PostgreSQL inside this process, in a folder or (without one) in memory. One connection: calls wait for each other.
 */
export async function createPglite(dataDir?: string): Promise<SqlDatabase & { readonly pglite: PGlite }> {
  if (dataDir !== undefined) await mkdir(dirname(dataDir), { recursive: true });
  return fromPglite(await PGlite.create(dataDir === undefined ? {} : { dataDir }));
}

/** As `pg` reads them: 64-bit integers and numerics keep every digit as text. */
const parsers = { [types.INT8]: (text: string) => text, [types.NUMERIC]: (text: string) => text };

/**
 * Adapts a PGlite instance, which is closed with the database. PGlite's own interface: its adapter for `pg` (0.5.16)
 * loses its place in the protocol after a statement that failed.
 */
export function fromPglite(pglite: PGlite): SqlDatabase & { readonly pglite: PGlite } {
  const database = fromQueryable(
    'pglite',
    { query: (text, values) => pglite.query(text, values ?? [], { parsers }) },
    async (text) => {
      try {
        await pglite.exec(`begin;\n${text}\n;commit;`);
      } catch (error) {
        await pglite.exec('rollback').catch(() => {});
        throw error;
      }
    },
    async () => {
      if (!pglite.closed) await pglite.close();
    },
  );
  return Object.assign(database, { pglite });
}
