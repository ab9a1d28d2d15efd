import type { SqlDatabase, Transaction, TransactionOptions } from '../engine/database.ts';
import { fromSqlError, isConflict } from '../engine/sql-errors.ts';
import { stringifyJson } from '../kit/json.ts';

/** What `pg` and PGlite's adapter have in common. */
export interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** A connection inside a transaction. */
export interface Connection extends Queryable {
  /** One statement, by the protocol that takes no more. */
  statement(text: string): Promise<unknown>;
}

/** What a driver must be able to do beside queries. */
export interface Driver extends Queryable {
  script(text: string): Promise<void>;
  transaction<T>(work: (connection: Connection) => Promise<T>, options?: TransactionOptions): Promise<T>;
  close(): Promise<void>;
  listen?: SqlDatabase['listen'];
  readonly takesBytes?: boolean;
}

/**
 * A `SqlDatabase` over anything with node-postgres' `query`. Two writers that block each other (40P01) are told so by
 * PostgreSQL after a moment; the call is made again, up to three times.
 */
export function fromDriver(kind: SqlDatabase['kind'], driver: Driver): SqlDatabase {
  const translated = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw fromSqlError(error, name);
    }
  };
  const repeated = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await translated(name, work);
      } catch (error) {
        if (!isConflict(error) || attempt >= 3) throw error;
      }
    }
  };
  return {
    kind,
    call: <T>(name: string, args: Readonly<Record<string, unknown>>) =>
      repeated(name, () => call<T>(driver, name, args)),
    rows: <Row>(name: string, args: Readonly<Record<string, unknown>>) =>
      repeated(name, () => rows<Row>(driver, name, args)),
    query: (text, values = []) => translated('query', () => query(driver, text, values)),
    script: (text) => translated('script', () => driver.script(text)),
    async transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
      let thrown: { readonly error: unknown } | undefined;
      try {
        return await driver.transaction(async (connection) => {
          try {
            return await work({
              call: (name, args) => translated(name, () => call(connection, name, args)),
              query: (text, values = []) => translated('query', () => query(connection, text, values)),
              statement: (text) => translated('statement', async () => void (await connection.statement(text))),
            });
          } catch (error) {
            thrown = { error };
            throw error;
          }
        }, options);
      } catch (error) {
        if (options?.signal?.aborted === true && error === options.signal.reason) throw error;
        // What the work itself threw is not the database's word.
        throw thrown === undefined ? fromSqlError(error, 'transaction') : thrown.error;
      }
    },
    ...(driver.takesBytes === undefined ? {} : { takesBytes: driver.takesBytes }),
    ...(driver.listen === undefined ? {} : { listen: driver.listen }),
    close: () => driver.close(),
  };
}

async function call<T>(on: Queryable, name: string, args: Readonly<Record<string, unknown>>): Promise<T> {
  const { rows } = await on.query(`select ${invocation(name, args)} as result`, Object.values(args).map(toParameter));
  return (rows[0] as { result: T }).result;
}

async function rows<Row>(on: Queryable, name: string, args: Readonly<Record<string, unknown>>): Promise<Row[]> {
  return (await on.query(`select * from ${invocation(name, args)}`, Object.values(args).map(toParameter)))
    .rows as Row[];
}

const invocation = (name: string, args: Readonly<Record<string, unknown>>) =>
  `supasaasy.${name}(${Object.keys(args)
    .map((key, i) => `p_${key} => $${i + 1}`)
    .join(', ')})`;

async function query<Row>(on: Queryable, text: string, values: readonly unknown[]): Promise<Row[]> {
  return (await on.query(text, [...values])).rows as Row[];
}

/** Objects and arrays of objects travel as JSON; arrays of plain values as PostgreSQL arrays. */
function toParameter(value: unknown): unknown {
  if (value === undefined) return null;
  if (value === null || typeof value !== 'object' || value instanceof Date || value instanceof Uint8Array) return value;
  if (Array.isArray(value) && value.length > 0) {
    // The driver looks for what to escape in each of a thousand numbers.
    if (value.every((item) => typeof item === 'number')) return `{${value.join(',')}}`;
    if (value.every((item) => typeof item !== 'object')) return value;
  }
  return stringifyJson(value);
}
