/**
 * The one thing the engine asks of a database: to call one of its functions (schema `supasaasy`) with named
 * arguments. One call is one round trip and one transaction, so the same engine runs over `pg`, PGlite and
 * PostgREST's `rpc`, which cannot hold a transaction open.
 *
 * Objects and arrays of objects travel as JSON. Failures are `DatabaseError` (with `sqlState`), or `LeaseLostError`
 * for the engine's own `SY001`.
 */
export interface Database {
  call<T>(name: string, args: Readonly<Record<string, unknown>>): Promise<T>;
  /** The rows of a function that returns a table. Where it is missing, the engine calls one that returns the same as JSON. */
  rows?<Row>(name: string, args: Readonly<Record<string, unknown>>): Promise<Row[]>;
  /** Text may be given as its UTF-8 bytes. */
  readonly takesBytes?: boolean;
  close(): Promise<void>;
}

/** Several statements that commit together, or not at all. */
export interface Transaction {
  call<T>(name: string, args: Readonly<Record<string, unknown>>): Promise<T>;
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Runs a text that must be one statement: PostgreSQL refuses a second one in it. */
  statement(text: string): Promise<void>;
}

export interface TransactionOptions {
  /** The session ends with the transaction, so that nothing that was set in it is met by another. */
  readonly lastOfSession?: boolean;
  /**
   * Ends the transaction when it aborts, undone, whether its work has ended or not; what the work asks after that is refused. The
   * reason is thrown.
   */
  readonly signal?: AbortSignal;
  /** The server ends a statement that takes longer, where it can. */
  readonly statementMs?: number;
}

/** A database that also takes SQL: for migrations, `doctor` and reading. REST mode has none. */
export interface SqlDatabase extends Database {
  readonly kind: 'postgres' | 'pglite';
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Several statements without parameters, in one transaction. */
  script(text: string): Promise<void>;
  /** Commits what `work` did when it resolves, undoes it when it throws. */
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Calls back whenever `channel` is notified, until closed. For direct connections; a pooler swallows notices. */
  listen?(channel: string, heard: () => void): Promise<{ close(): Promise<void> }>;
}
