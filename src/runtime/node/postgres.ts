import pg from 'pg';
import type { SqlDatabase } from '../../engine/database.ts';
import { withPageLine } from '../page-line.ts';
import { fromDriver } from '../sql-database.ts';
import { listen } from './listen.ts';

export interface PostgresOptions {
  readonly connectionString: string;
  /** Connections at most (default 10). */
  readonly max?: number;
}

/** More, on two cores, made a first sync a fifth slower. */
const PAGES_AT_ONE_TIME = 4;

/** Any PostgreSQL ≥ 15, through `pg`. Works behind a pooler in transaction mode: no session state is kept. */
export function createPostgres(options: PostgresOptions): SqlDatabase {
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    max: options.max ?? 10,
    connectionTimeoutMillis: 10_000,
    application_name: 'supasaasy',
  });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => {});
  const transaction = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    try {
      await client.query('begin');
      const result = await work(client);
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch(() => {});
      throw error;
    } finally {
      client.release();
    }
  };
  const database = fromDriver('postgres', {
    // As a binary parameter, which for `text` is the bytes themselves.
    takesBytes: true,
    query: (text, values) => pool.query(text, values),
    transaction,
    async script(text) {
      await transaction((client) => client.query(text));
    },
    listen: (channel, heard) => listen(options.connectionString, channel, heard),
    close: () => pool.end(),
  });
  return withPageLine(database, PAGES_AT_ONE_TIME);
}
