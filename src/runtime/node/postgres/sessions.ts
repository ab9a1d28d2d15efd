import pg from 'pg';
import { sqlStateOf } from '../../../engine/sql-errors.ts';
import { DatabaseAwayError } from '../../../errors.ts';
import { explainConnection, HOW_MANY, isCrowded } from './explain-connection.ts';
import { type Address, describeAddress } from './parse-address.ts';
import { greet, type Route, type Session, SessionClient } from './session.ts';
import type { Timing } from './timing.ts';
import { type AskServer, watchSilence } from './watch-silence.ts';

/** One connection, for as long as it is held. */
export interface HeldSession {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  /** One statement: the server refuses a text with more. */
  statement(text: string): Promise<unknown>;
  /** `spent`: not for anyone after us. */
  release(spent?: boolean): void;
}

/** At most so many connections, handed out one at a time. */
export interface Sessions {
  hold(): Promise<HeldSession>;
  close(): Promise<void>;
}

export interface SessionsOptions {
  readonly address: Address;
  readonly route: Route;
  readonly max: number;
  readonly timing: Timing;
  readonly ask: AskServer;
  /** Where to go when the server has no connection for us, and we have none. */
  readonly instead?: Sessions;
}

/**
 * A pool that gets by with what the server gives. A role or a plan with four connections makes us slower: who finds no
 * connection waits for one of ours, and more are tried again later.
 */
export function createSessions(options: SessionsOptions): Sessions {
  const { address, route, max, timing, ask, instead } = options;
  const known = new WeakMap<pg.ClientBase, Session>();
  /** Sessions that are older are silent, as one of them was. */
  let distrustedBefore = 0;
  let widenAt = 0;

  const pool = new pg.Pool({
    max,
    Client: class extends SessionClient {
      constructor() {
        super(address, route, timing);
      }
    },
  });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => {});

  async function take(): Promise<pg.PoolClient> {
    if (pool.options.max < max && performance.now() >= widenAt) pool.options.max = max;
    const waiting = pool.connect();
    let late: NodeJS.Timeout | undefined;
    const given = new Promise<undefined>((resolve) => {
      late = setTimeout(() => resolve(undefined), timing.turnMs);
    });
    const client = await Promise.race([waiting, given]).finally(() => clearTimeout(late));
    if (client !== undefined) return client;
    // It comes some time, for nobody.
    waiting.then(
      (unwanted) => unwanted.release(),
      () => {},
    );
    throw new DatabaseAwayError(
      `no connection to ${describeAddress(address)} was free for ${timing.turnMs / 1000} s (there are ${pool.totalCount}): ${HOW_MANY}`,
    );
  }

  async function open(): Promise<{ client: pg.PoolClient; session: Session }> {
    for (;;) {
      const client = await take();
      const session = known.get(client);
      if (session !== undefined && session.openedAt >= distrustedBefore) return { client, session };
      if (session !== undefined) {
        client.release(true);
        continue;
      }
      try {
        if (!(client instanceof SessionClient)) throw new Error('the pool made another client');
        const fresh = await greeted(client);
        known.set(client, fresh);
        return { client, session: fresh };
      } catch (error) {
        client.release(true);
        throw error;
      }
    }
  }

  /** A question that is never answered is no answer. */
  async function greeted(client: pg.PoolClient & SessionClient): Promise<Session> {
    let silent = false;
    const late = setTimeout(() => {
      silent = true;
      void client.end().catch(() => {});
    }, timing.connectMs);
    try {
      return await greet(client, route.count);
    } catch (error) {
      throw silent
        ? new NoSessionError(`it took the connection, and gave it no session for ${timing.connectMs} ms`)
        : error;
    } finally {
      clearTimeout(late);
    }
  }

  async function hold(): Promise<HeldSession> {
    const patientUntil = performance.now() + timing.turnMs;
    let failures = 0;
    for (;;) {
      const from = route.current();
      try {
        return toHeld(await open());
      } catch (error) {
        if (address.encryption.optional && route.encrypted && /does not support SSL/.test(String(error))) {
          route.encrypted = false;
        } else if ((isCrowded(error) || error instanceof NoSessionError) && pool.totalCount > 0) {
          // What we have must do for a while.
          pool.options.max = pool.totalCount;
          widenAt = performance.now() + timing.widenMs;
        } else if (isCrowded(error) && instead !== undefined) {
          return await instead.hold();
        } else if (isCrowded(error) && performance.now() < patientUntil) {
          await new Promise((resolve) => setTimeout(resolve, Math.min(250, timing.turnMs / 10)));
        } else {
          route.fail(from);
          failures += 1;
          if (failures >= route.count || isCrowded(error)) throw explainConnection(error, address);
        }
      }
    }
  }

  function toHeld({ client, session }: { client: pg.PoolClient; session: Session }): HeldSession {
    let broken = false;
    const watched = async <T>(answer: Promise<T>): Promise<T> => {
      let silent = false;
      try {
        return await watchSilence(answer, session, ask, timing, () => {
          silent = true;
          distrustedBefore = performance.now();
          // With a statement under way, it cuts the connection.
          void client.end().catch(() => {});
        });
      } catch (error) {
        // Without a code it is not the server who speaks; 57P and 08: it says goodbye; 25006: it has become a standby.
        const sqlState = sqlStateOf(error);
        broken ||= sqlState === undefined || /^(57P|08|25006)/.test(sqlState);
        if (silent)
          throw new DatabaseAwayError(`${describeAddress(address)} did not answer on a connection, which was ended`);
        if (sqlState === undefined && isConnectionLoss(error))
          throw new DatabaseAwayError(
            `the connection to ${describeAddress(address)} ended: ${error instanceof Error ? error.message : String(error)}`,
          );
        throw error;
      }
    };
    return {
      query: (text, values) => watched(client.query(text, values)),
      statement(text) {
        const one = { text, queryMode: 'extended' };
        return watched(client.query(one));
      },
      release: (spent = false) => client.release(spent || broken || pool.totalCount > pool.options.max),
    };
  }

  return { hold, close: () => pool.end() };
}

/** A pooler in session mode lets everybody in, and more than it has sessions for must wait. */
class NoSessionError extends Error {}

function isConnectionLoss(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return (
    (typeof code === 'string' && /^E[A-Z]+$/.test(code)) ||
    (error instanceof Error &&
      /connection terminated|connection ended|not queryable|client (was|has been) closed|socket/i.test(error.message))
  );
}
