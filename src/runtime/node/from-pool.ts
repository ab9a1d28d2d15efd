import type { SqlDatabase } from '../../engine/database.ts';
import { withPageLine } from '../page-line.ts';
import { fromDriver, type Queryable } from '../sql-database.ts';

/** What is needed of a pool of `pg`. */
export interface PostgresPool extends Queryable {
  connect(): Promise<PostgresPoolClient>;
}

export interface PostgresPoolClient extends Queryable {
  /** With `true`, the connection is closed instead of reused. */
  release(isBroken?: boolean): void;
}

/** Of a pool that others use too: a sync takes no more of it for its pages. */
const PAGES_AT_ONE_TIME = 2;

/**
 * A database over a pool of yours, which stays open when the database is closed. It holds no connection between two calls, so
 * that consumers look for changes themselves instead of being notified.
 */
export function fromPool(pool: PostgresPool): SqlDatabase {
  async function transaction<T>(work: (client: Queryable) => Promise<T>): Promise<T> {
    const client = await pool.connect();
    let isBroken = false;
    try {
      await client.query('begin');
      const result = await work(client);
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch(() => {
        isBroken = true;
      });
      throw error;
    } finally {
      client.release(isBroken);
    }
  }
  const database = fromDriver('postgres', {
    takesBytes: true,
    query: (text, values) => pool.query(text, values),
    transaction,
    async script(text) {
      await transaction((client) => client.query(text));
    },
    close: async () => {},
  });
  return withPageLine(database, PAGES_AT_ONE_TIME);
}
