import type { SqlDatabase } from '../../src/engine/database.ts';
import { isConflict } from '../../src/engine/sql-errors.ts';

/** Applies one state of one entity through the write path, like a page of one record does. */
export const APPLY = `select supasaasy.apply_states('acme', 'stripe_customer', array[row($1::text, null, $2::jsonb, null, false, null, $3::boolean, (extract(epoch from clock_timestamp()) * 1000)::bigint,
  (extract(epoch from clock_timestamp()) * 1000)::bigint, null)::supasaasy.entity_state],
  jsonb_build_object('source', 'read', 'origin', 'sync', 'started_at', clock_timestamp()))`;

export async function write(
  database: Pick<SqlDatabase, 'query'>,
  id: string,
  payload: unknown,
  deleted = false,
): Promise<void> {
  await database.query(APPLY, [id, JSON.stringify(payload), deleted]);
}

/** Repeatable chance. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * Writers that commit in another order than they began: each transaction touches up to three of `entities` objects, waits
 * a moment now and then, and is undone now and then.
 */
export async function writeConcurrently(
  database: SqlDatabase,
  options: { readonly writers: number; readonly changes: number; readonly entities: number; readonly seed: number },
): Promise<void> {
  const perWriter = Math.ceil(options.changes / options.writers / 2);
  await Promise.all(
    Array.from({ length: options.writers }, async (_, writer) => {
      const random = createRandom(options.seed * 1000 + writer);
      for (let i = 0; i < perWriter; i += 1) {
        const ids = new Set(
          Array.from({ length: 1 + Math.floor(random() * 3) }, () => Math.floor(random() * options.entities)),
        );
        await database
          .transaction(async (tx) => {
            for (const id of [...ids].sort((a, b) => a - b))
              await tx.query(APPLY, [`c${id}`, JSON.stringify({ writer, i, id }), random() < 0.05]);
            if (random() < 0.2) await tx.query('select pg_sleep($1)', [random() / 100]);
            if (random() < 0.05) throw new Error('undone');
          })
          .catch((error: Error) => {
            // Two that meet in one place: one of them begins anew, in real life.
            if (error.message !== 'undone' && !isConflict(error)) throw error;
          });
      }
    }),
  );
}
