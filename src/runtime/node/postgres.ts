import type { SqlDatabase } from '../../engine/database.ts';
import { withPageLine } from '../page-line.ts';
import { type Connection, type Driver, fromDriver } from '../sql-database.ts';
import { listen } from './listen.ts';
import { parseAddress } from './postgres/parse-address.ts';
import { createRoute } from './postgres/session.ts';
import { createSessions, type HeldSession, type Sessions } from './postgres/sessions.ts';
import { TIMING, type Timing } from './postgres/timing.ts';
import { createLookout } from './postgres/watch-silence.ts';

export interface PostgresOptions {
  readonly connectionString: string;
  /** Connections at most (default: `connection_limit` of the URL, or 10). */
  readonly max?: number;
  readonly timing?: Partial<Timing>;
  /** Where the address comes from, for errors about it. */
  readonly variable?: string;
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
  const address = parseAddress(options.connectionString, options.variable);
  const timing = { ...TIMING, ...options.timing };
  const max = Math.max(1, options.max ?? address.connections ?? 10);
  const width = Math.min(PAGES_AT_ONE_TIME, Math.ceil(max / 2));
  const route = createRoute(address);
  const lookout = createLookout(address, route, timing);
  const common = { address, route, timing, lookout };
  const sessions = createSessions({ ...common, max: Math.max(1, max - width) });
  const pages = max === 1 ? sessions : createSessions({ ...common, max: width, instead: sessions });

  async function transaction<T>(work: (connection: Connection) => Promise<T>, spent = false): Promise<T> {
    const held = await sessions.hold();
    try {
      await held.query('begin isolation level read committed read write');
      const result = await work(held);
      await held.query('commit');
      return result;
    } catch (error) {
      await held.query('rollback').catch(() => {});
      throw error;
    } finally {
      held.release(spent);
    }
  }

  const driver: Driver = {
    // As a binary parameter, which for `text` is the bytes themselves.
    takesBytes: true,
    query: (text, values) => once(sessions, (held) => held.query(text, values)),
    transaction: (work, { lastOfSession = false } = {}) => transaction(work, lastOfSession),
    async script(text) {
      await transaction((held) => held.query(text));
    },
    listen: (channel, heard) => listen({ ...common, sessions }, channel, heard),
    async close() {
      await sessions.close();
      if (pages !== sessions) await pages.close();
    },
  };
  const database = fromDriver('postgres', driver);
  const { call } = database;
  const onPages = fromDriver('postgres', {
    ...driver,
    query: (text, values) => once(pages, (held) => held.query(text, values)),
  }).call;
  const divided = Object.assign(database, {
    call: <T>(name: string, args: Readonly<Record<string, unknown>>) =>
      name === 'ingest_page' ? onPages<T>(name, args) : call<T>(name, args),
  });
  return withPageLine(divided, width);
}

async function once<T>(sessions: Sessions, work: (held: HeldSession) => Promise<T>): Promise<T> {
  const held = await sessions.hold();
  try {
    return await work(held);
  } finally {
    held.release();
  }
}
