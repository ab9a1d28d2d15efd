import { DatabaseError, RequestRefusedError } from '../errors.ts';
import type { SqlDatabase, Transaction } from './database.ts';

export interface Query {
  readonly sql: string;
  /** Rows at most. */
  readonly limit: number;
  /** Rows as arrays of texts, which lose no digit, instead of objects. */
  readonly cells?: boolean;
}

/** A query that takes longer is ended (not by PGlite, which cannot be interrupted). */
export const QUERY_TIMEOUT_MS = 30_000;

/**
 * Answers one SQL statement about the mirror, in a read-only transaction and with a role that may read the mirror
 * only. Resolves to JSON as text, so that no number loses a digit on its way:
 * `{"columns": […], "rows": [{…}], "truncated": false}`. What PostgreSQL says of the statement itself is a
 * `RequestRefusedError`. Nothing of a query outlives it: it may call no function that has an effect, its transaction is
 * undone, and its session ends with it.
 */
export async function queryMirror(database: SqlDatabase, { sql, limit, cells = false }: Query): Promise<string> {
  const answers: string[] = [];
  const undo = new Error('read');
  const { options, asked } = splitExplain(sql.replace(/[;\s]+$/, ''));
  try {
    await database.transaction(
      async (tx) => {
        await tx.query(`set local statement_timeout = ${QUERY_TIMEOUT_MS}`);
        await refuseCalls(tx, asked);
        const statement = options === undefined ? asked : `explain ${options} ${asked}`;
        answers.push(await tx.call<string>('query_mirror', { sql: statement, limit, cells }));
        // Before PostgreSQL 16, a read-only transaction could still write large objects.
        throw undo;
      },
      { lastOfSession: true },
    );
  } catch (error) {
    if (error !== undo) throw explain(error);
  }
  return answers.join('');
}

/**
 * Refuses a query that calls a function which may lock, wait, notify, write or read files. PostgreSQL says what it calls: the
 * statement becomes a view, which is analysed, never run, and undone with the transaction.
 *
 * The view is made as the migrating user, so it must be one statement whatever the text says: the protocol for single
 * statements sees to that. A text that closes the parenthesis is no statement by itself, and fails when it is run.
 */
async function refuseCalls(tx: Transaction, asked: string): Promise<void> {
  const [session] = await tx.query<{ pid: number }>(
    `select pg_backend_pid() as pid, set_config('search_path', 'supasaasy, pg_catalog, pg_temp', true)`,
  );
  const name = `asked_${session?.pid}`;
  await tx.query('savepoint asked');
  try {
    await tx.statement(`create view supasaasy.${name} as select from (${asked}\n) as asked`);
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.sqlState !== '42601') throw error;
    // What is wrong with the text by itself, outside of a parenthesis: it is planned, and never run.
    await tx.query('rollback to savepoint asked');
    await tx.call('query_mirror', { sql: `explain (costs off) ${asked}`, limit: 1, cells: false });
    throw new RequestRefusedError('one statement that only reads, please, and nothing after it');
  }
  const refused = await tx.call<string[]>('refused_calls', { view: name });
  if (refused.length > 0)
    throw new RequestRefusedError(
      `the query calls ${refused.join(', ')}: a query may call no function that locks, waits, notifies, writes, reads files or settings, or runs other statements`,
    );
  await tx.query(`drop view supasaasy.${name}`);
}

/** `explain` with its options, and what is to be explained: that is judged too, because `explain analyze` runs it. */
function splitExplain(sql: string): { readonly options?: string; readonly asked: string } {
  const [, list, words, asked] =
    /^\s*explain\b(?:\s*(\([a-z0-9_, \n]*\))|((?:\s+(?:analyze|analyse|verbose)\b)*))\s*(.*)$/is.exec(sql) ?? [];
  return asked === undefined ? { asked: sql } : { options: list ?? words?.trim() ?? '', asked };
}

function explain(error: unknown): unknown {
  if (!(error instanceof DatabaseError) || error.sqlState === undefined) return error;
  const { message = error.message, hint } = (error.cause ?? {}) as { message?: string; hint?: string | null };
  if (message.includes('supasaasy.query_mirror')) return error;
  if (error.sqlState === '57014')
    return new RequestRefusedError(`the query took longer than ${QUERY_TIMEOUT_MS / 1000} s and was ended`, {
      cause: error.cause,
    });
  if (/as cursor$/.test(message))
    return new RequestRefusedError(`one statement that only reads, please: ${message}`, { cause: error.cause });
  // Syntax, names, rights, values: the statement's fault. Anything else is the database's.
  if (!/^(42|22|25|26|34|0A|21|54|55)/.test(error.sqlState)) return error;
  return new RequestRefusedError(hint ? `${message} (${hint})` : message, { cause: error.cause });
}
