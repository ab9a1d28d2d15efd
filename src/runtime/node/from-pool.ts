import type { SqlDatabase, TransactionOptions } from '../../engine/database.ts';
import { untilAborted } from '../../engine/until-aborted.ts';
import { withPageLine } from '../page-line.ts';
import { type Connection, fromDriver, type Queryable } from '../sql-database.ts';
import { statementLimit, whileOpen } from './postgres.ts';

/** What is needed of a pool of `pg`. */
export interface PostgresPool extends Queryable {
  connect(): Promise<PostgresPoolClient>;
}

export interface PostgresPoolClient {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  query(statement: { readonly text: string; readonly queryMode: 'extended' }): Promise<{ rows: unknown[] }>;
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
  async function transaction<T>(
    work: (connection: Connection) => Promise<T>,
    { lastOfSession = false, signal, statementMs }: TransactionOptions = {},
  ): Promise<T> {
    const client = await pool.connect();
    let isBroken = lastOfSession;
    const guarded = whileOpen({
      query: (text, values) => client.query(text, values),
      statement: (text) => client.query({ text, queryMode: 'extended' }),
    });
    try {
      await client.query(`begin isolation level read committed read write${statementLimit(statementMs)}`);
      const result = await untilAborted(work(guarded.connection), signal);
      guarded.end();
      await client.query('commit');
      return result;
    } catch (error) {
      guarded.end();
      // A statement may be under way: the connection is ended with it, and the server undoes what it did.
      if (signal?.aborted === true) isBroken = true;
      else
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
      await transaction((held) => held.query(text));
    },
    close: async () => {},
  });
  return withPageLine(database, PAGES_AT_ONE_TIME);
}
