import pg from 'pg';
import type { SqlDatabase } from '../../engine/database.ts';
import { fromQueryable } from '../sql-database.ts';

export interface PostgresOptions {
  readonly connectionString: string;
  /** Connections at most (default 10). */
  readonly max?: number;
}

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
  const script = async (text: string) => {
    const client = await pool.connect();
    try {
      await client.query('begin');
      await client.query(text);
      await client.query('commit');
    } catch (error) {
      await client.query('rollback').catch(() => {});
      throw error;
    } finally {
      client.release();
    }
  };
  return fromQueryable('postgres', pool, script, () => pool.end());
}
