import pg from 'pg';
import { sqlStateOf } from '../../../engine/sql-errors.ts';
import { DatabaseAwayError } from '../../../errors.ts';
import { explainConnection, HOW_MANY, isCrowded } from './explain-connection.ts';
import { type Address, describeAddress } from './parse-address.ts';
import { greet, type Route, type Session, SessionClient } from './session.ts';
import type { Timing } from './timing.ts';
import { type Lookout, watchSilence } from './watch-silence.ts';

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
  readonly lookout: Lookout;
  /** Where to go when the server has no connection for us, and we have none. */
  readonly instead?: Sessions;
}

/**
 * A pool that gets by with what the server gives. A role or a plan with four connections makes us slower: who finds no
 * connection waits for one of ours, and more are tried again later.
 */
export function createSessions(options: SessionsOptions): Sessions {
  const { address, route, max, timing, lookout, instead } = options;
  /** Those that were made, not those that the pool is still trying to make. */
  const known = new Map<pg.ClientBase, Session>();
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
  pool.on('remove', (client) => known.delete(client));

  /** Until then, what others lack is theirs. */
  let yieldUntil = 0;
  if (instead !== undefined)
    route.onStarved.add(() => {
      yieldUntil = performance.now() + timing.widenMs;
      for (let idle = pool.idleCount; idle > 0; idle -= 1)
        pool.connect().then(
          (client) => client.release(true),
          () => {},
        );
    });

  async function take(): Promise<PooledClient> {
    if (pool.options.max < max && performance.now() >= widenAt) pool.options.max = max;
    const waiting = pool.connect().then(assertOurs);
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
      `no connection to ${describeAddress(address)} was free for ${timing.turnMs / 1000} s (there are ${known.size}): ${HOW_MANY}`,
    );
  }

  async function open(): Promise<Opened> {
    for (;;) {
      const client = await take();
      const session = known.get(client);
      if (session !== undefined && session.openedAt >= distrustedBefore) return { client, session };
      if (session !== undefined) {
        client.release(true);
        continue;
      }
      try {
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
  async function greeted(client: PooledClient): Promise<Session> {
    let silent = false;
    const late = setTimeout(() => {
      silent = true;
      client.cut();
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
    if (instead !== undefined && performance.now() < yieldUntil) return await instead.hold();
    const patientUntil = performance.now() + timing.turnMs;
    let failures = 0;
    for (;;) {
      const from = route.current();
      try {
        return toHeld(await open());
      } catch (error) {
        if (address.encryption.optional && route.encrypted && /does not support SSL/.test(String(error))) {
          route.encrypted = false;
        } else if ((isCrowded(error) || error instanceof NoSessionError) && known.size > 0) {
          // What we have must do for a while.
          pool.options.max = known.size;
          widenAt = performance.now() + timing.widenMs;
        } else if (isCrowded(error) && instead !== undefined) {
          return await instead.hold();
        } else if (isCrowded(error) && performance.now() < patientUntil) {
          for (const spare of route.onStarved) spare();
          await new Promise((resolve) => setTimeout(resolve, Math.min(250, timing.turnMs / 10)));
        } else {
          route.fail(from);
          failures += 1;
          if (failures >= route.count || isCrowded(error)) throw explainConnection(error, address);
        }
      }
    }
  }

  function toHeld({ client, session }: Opened): HeldSession {
    let broken = false;
    const watched = async <T>(answer: Promise<T>): Promise<T> => {
      let silent = false;
      try {
        return await watchSilence(answer, session, lookout, timing, () => {
          silent = true;
          distrustedBefore = performance.now();
          client.cut();
        });
      } catch (error) {
        // Without a code it is not the server who speaks; 57P and 08: it says goodbye; 25006: it has become a standby.
        const sqlState = sqlStateOf(error);
        broken ||= sqlState === undefined || /^(57P|08|25006)/.test(sqlState);
        if (silent)
          throw new DatabaseAwayError(`${describeAddress(address)} did not answer on a connection, which was ended`);
        if (sqlState === undefined && isLoss(error))
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
      release(spent = false) {
        const tooMany = pool.totalCount > pool.options.max || performance.now() < yieldUntil;
        client.release(spent || broken || tooMany);
      },
    };
  }

  return { hold, close: () => pool.end() };
}

type PooledClient = pg.PoolClient & SessionClient;

interface Opened {
  readonly client: PooledClient;
  readonly session: Session;
}

function assertOurs(client: pg.PoolClient): PooledClient {
  if (client instanceof SessionClient) return client;
  throw new Error('the pool made another client');
}

/** A pooler in session mode lets everybody in, and more than it has sessions for must wait. */
class NoSessionError extends Error {}

function isLoss(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return (
    (typeof code === 'string' && /^E[A-Z]+$/.test(code)) ||
    (error instanceof Error &&
      /connection terminated|connection ended|not queryable|client (was|has been) closed|socket/i.test(error.message))
  );
}
