import pg from 'pg';
import type { SqlDatabase } from '../../engine/database.ts';
import { parseJson } from '../../kit/json.ts';
import { withPageLine } from '../page-line.ts';
import { type Driver, fromDriver } from '../sql-database.ts';
import { listen } from './listen.ts';

export interface PostgresOptions {
  readonly connectionString: string;
  /** Connections at most (default 10). */
  readonly max?: number;
}

/** More, on two cores, made a first sync slower; three write 50,000 rows of 1 kB a second where there are cores enough. */
const PAGES_AT_ONE_TIME = 3;

/**
 * Any PostgreSQL ≥ 15, through `pg`. Works behind a pooler in transaction mode: no session state is kept.
 *
 * Pages have connections of their own. A sync has a page for every task; they wait in a line, so that a delivery finds
 * a connection, and few are enough: a connection's first page costs 40 ms of planning.
 */
export function createPostgres(options: PostgresOptions): SqlDatabase {
  const max = options.max ?? 10;
  const width = Math.min(PAGES_AT_ONE_TIME, Math.ceil(max / 2));
  const pool = createPool(options.connectionString, Math.max(1, max - width));
  const pages = max === 1 ? pool : createPool(options.connectionString, width);
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
  const driver: Driver = {
    // As a binary parameter, which for `text` is the bytes themselves.
    takesBytes: true,
    query: (text, values) => pool.query(text, values),
    transaction,
    async script(text) {
      await transaction((client) => client.query(text));
    },
    listen: (channel, heard) => listen(options.connectionString, channel, heard),
    async close() {
      await pool.end();
      if (pages !== pool) await pages.end();
    },
  };
  const database = fromDriver('postgres', driver);
  const { call } = database;
  const onPages = fromDriver('postgres', { ...driver, query: (text, values) => pages.query(text, values) }).call;
  const divided = Object.assign(database, {
    call: <T>(name: string, args: Readonly<Record<string, unknown>>) =>
      name === 'ingest_page' ? onPages<T>(name, args) : call<T>(name, args),
  });
  return withPageLine(divided, width);
}

const JSON_TYPES: readonly number[] = [pg.types.builtins.JSON, pg.types.builtins.JSONB];

/** As `pg` reads them, but for the numbers in JSON. */
const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: 'text' | 'binary') =>
  JSON_TYPES.includes(oid) && format !== 'binary' ? parseJson : pg.types.getTypeParser(oid, format as 'text');

function createPool(connectionString: string, max: number): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    max,
    connectionTimeoutMillis: 10_000,
    application_name: 'supasaasy',
    types: { getTypeParser },
  });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => {});
  return pool;
}
