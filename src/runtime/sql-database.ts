import type { SqlDatabase } from '../engine/database.ts';
import { fromSqlError, isConflict } from '../engine/sql-errors.ts';

/** What `pg` and PGlite's adapter have in common. */
export interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/**
 * A `SqlDatabase` over anything with node-postgres' `query`. Two writers that block each other (40P01) are told so by
 * PostgreSQL after a moment; the call is made again, up to three times.
 */
export function fromQueryable(
  kind: SqlDatabase['kind'],
  pool: Queryable,
  script: (text: string) => Promise<void>,
  close: () => Promise<void>,
): SqlDatabase {
  return {
    kind,
    async call<T>(name: string, args: Readonly<Record<string, unknown>>): Promise<T> {
      const names = Object.keys(args);
      const text = `select supasaasy.${name}(${names.map((key, i) => `p_${key} => $${i + 1}`).join(', ')}) as result`;
      const values = names.map((key) => toParameter(args[key]));
      for (let attempt = 1; ; attempt += 1) {
        try {
          const { rows } = await pool.query(text, values);
          return (rows[0] as { result: T }).result;
        } catch (error) {
          const known = fromSqlError(error, name);
          if (!isConflict(known) || attempt >= 3) throw known;
        }
      }
    },
    async query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
      try {
        return (await pool.query(text, [...values])).rows as Row[];
      } catch (error) {
        throw fromSqlError(error, 'query');
      }
    },
    async script(text) {
      try {
        await script(text);
      } catch (error) {
        throw fromSqlError(error, 'script');
      }
    },
    close,
  };
}

/** Objects and arrays of objects travel as JSON; arrays of plain values as PostgreSQL arrays. */
function toParameter(value: unknown): unknown {
  if (value === undefined) return null;
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  if (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item !== 'object')) return value;
  return JSON.stringify(value);
}
