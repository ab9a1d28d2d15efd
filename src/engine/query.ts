import { DatabaseError, RequestRefusedError } from '../errors.ts';
import type { SqlDatabase } from './database.ts';

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
 * `RequestRefusedError`.
 */
export async function queryMirror(database: SqlDatabase, { sql, limit, cells = false }: Query): Promise<string> {
  const answers: string[] = [];
  const undo = new Error('read');
  try {
    await database.transaction(async (tx) => {
      await tx.query(`set local statement_timeout = ${QUERY_TIMEOUT_MS}`);
      answers.push(await tx.call<string>('query_mirror', { sql, limit, cells }));
      // Before PostgreSQL 16, a read-only transaction could still write large objects.
      throw undo;
    });
  } catch (error) {
    if (error !== undo) throw explain(error);
  }
  return answers.join('');
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
  if (!/^(42|22|25|0A|21|54)/.test(error.sqlState)) return error;
  return new RequestRefusedError(hint ? `${message} (${hint})` : message, { cause: error.cause });
}
