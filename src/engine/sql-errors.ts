import {
  CursorLostError,
  DatabaseAwayError,
  DatabaseError,
  DescriptionError,
  LeaseLostError,
  NotFoundError,
  PagingError,
  ProviderError,
  RequestRefusedError,
  SupasaasyError,
} from '../errors.ts';

/** The codes that our own functions raise (see migrations/004_ingest.sql and 023_consumer_recv.sql). */
const OWN_CODES: Readonly<Record<string, (message: string, cause: unknown) => SupasaasyError>> = {
  SY001: (message, cause) => new LeaseLostError(message, { cause }),
  SY002: (message, cause) => new ProviderError(message, { cause }),
  SY003: (message, cause) => new PagingError(message, { cause }),
  SY004: (message, cause) => new NotFoundError(message, { cause }),
  SY005: (message, cause) => new RequestRefusedError(message, { cause }),
  SY006: (message, cause) => new DescriptionError(message, { cause }),
};

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const FULL_DISK = '53100';
/** Until it is tried again. */
const FULL_DISK_MS = 2_000;

/** Turns whatever a driver threw into our error tree. */
export function fromSqlError(error: unknown, name: string): SupasaasyError {
  if (error instanceof SupasaasyError) return error;
  const sqlState = sqlStateOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const own = sqlState === undefined ? undefined : OWN_CODES[sqlState];
  if (own !== undefined) return own(message, error);
  if (sqlState === FULL_DISK)
    return new DatabaseError(
      `the database's disk is full: free some space; what is stored is safe, and the work goes on where it stopped (${name})`,
      { cause: error, sqlState, retryAfterMs: FULL_DISK_MS },
    );
  if (['42883', '3F000', '42P01'].includes(sqlState ?? '') && message.includes('does not exist')) {
    return new DatabaseError(`the database lacks ${name}: run "supasaasy migrate" (${message})`, {
      cause: error,
      sqlState,
    });
  }
  if (sqlState === '57014' && message.includes('statement timeout'))
    return new DatabaseError(
      `${name} took longer than the statement_timeout that the role or the database has behind this pooler: raise it with "alter role … set statement_timeout", or connect directly (${message})`,
      { cause: error, sqlState },
    );
  if (sqlState === undefined)
    return new DatabaseError(`the database cannot be reached (${name}): ${message || 'connection failed'}`, {
      cause: error,
    });
  return new DatabaseError(`${name}: ${message}`, { cause: error, sqlState });
}

export function sqlStateOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** The answers themselves show that the list cannot be read as it is described. */
export function isUnproven(error: unknown): boolean {
  return (
    error instanceof DescriptionError ||
    error instanceof CursorLostError ||
    error instanceof PagingError ||
    (error instanceof ProviderError && sqlStateOf(error.cause) === 'SY002')
  );
}

/** The text itself is at fault (not JSON, U+0000, a number too large for its place): reading record by record may help. */
export function isBadData(error: unknown): boolean {
  if (!(error instanceof DatabaseError) || error.sqlState === undefined) return false;
  return /^(22|54|23|P0001)/.test(error.sqlState);
}

/** Nobody's mistake, and no attempt: there is space again, or there is not. */
export function isFullDisk(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && error.sqlState === FULL_DISK;
}

/**
 * The database is away, restarts, has no connection for us, or has become a standby: the same work can be done later. What
 * was under way may have been committed.
 */
export function isAway(error: unknown): boolean {
  if (error instanceof DatabaseAwayError) return true;
  return error instanceof DatabaseError && /^(57P0[1-5]|08|53300|25006)/.test(error.sqlState ?? '');
}

/** Two writers met: the same call again will do. */
export function isConflict(error: unknown): boolean {
  return error instanceof DatabaseError && (error.sqlState === '40P01' || error.sqlState === '40001');
}
