import type { SqlDatabase, TransactionOptions } from '../../engine/database.ts';
import { untilAborted } from '../../engine/until-aborted.ts';
import { DatabaseError } from '../../errors.ts';
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

  async function transaction<T>(
    work: (connection: Connection) => Promise<T>,
    { lastOfSession = false, signal, statementMs }: TransactionOptions = {},
  ): Promise<T> {
    const held = await sessions.hold();
    const guarded = whileOpen(held);
    try {
      await held.query(`begin isolation level read committed read write${statementLimit(statementMs)}`);
      const result = await untilAborted(work(guarded.connection), signal);
      guarded.end();
      await held.query('commit');
      return result;
    } catch (error) {
      guarded.end();
      // A statement may be under way: the connection is ended with it, and the server undoes what it did.
      if (signal?.aborted !== true) await held.query('rollback').catch(() => {});
      throw error;
    } finally {
      held.release(lastOfSession || signal?.aborted === true);
    }
  }

  const driver: Driver = {
    // As a binary parameter, which for `text` is the bytes themselves.
    takesBytes: true,
    query: (text, values) => once(sessions, (held) => held.query(text, values)),
    transaction,
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

/** Where a process stops answering in the middle of its transaction, the server ends that too. */
export function statementLimit(ms: number | undefined): string {
  if (ms === undefined) return '';
  const limit = Math.ceil(Math.min(ms, 2_000_000_000));
  return `; set local statement_timeout = ${limit}; set local idle_in_transaction_session_timeout = ${limit + 10_000}`;
}

/** The connection for as long as the transaction lasts: later, it belongs to others. */
export function whileOpen(held: Connection) {
  let over = false;
  const assertOpen = () => {
    if (over) throw new DatabaseError('the transaction is over');
  };
  const connection: Connection = {
    async query(text, values) {
      assertOpen();
      return await held.query(text, values);
    },
    async statement(text) {
      assertOpen();
      return await held.statement(text);
    },
  };
  return {
    connection,
    end() {
      over = true;
    },
  };
}

async function once<T>(sessions: Sessions, work: (held: HeldSession) => Promise<T>): Promise<T> {
  const held = await sessions.hold();
  try {
    return await work(held);
  } finally {
    held.release();
  }
}
