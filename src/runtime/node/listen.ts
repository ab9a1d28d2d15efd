import { randomBytes } from 'node:crypto';
import { isCrowded } from './postgres/explain-connection.ts';
import type { Address } from './postgres/parse-address.ts';
import { greet, type Route, SessionClient } from './postgres/session.ts';
import type { Sessions } from './postgres/sessions.ts';
import type { Timing } from './postgres/timing.ts';

export interface ListenContext {
  readonly address: Address;
  readonly route: Route;
  readonly timing: Timing;
  /** Other connections: what they notify must be heard on this one. */
  readonly sessions: Sessions;
}

const RECONNECT_MS = 1000;
/** Behind a pooler that passes no notices on, or without a connection to spare, listening is tried again after so many looks. */
const RARELY = 20;

/**
 * Hears a channel on a connection of its own, which is made again when it breaks (and `heard` is called then, because
 * something may have been missed). Never throws later: whoever listens also looks for itself now and then.
 *
 * Whether it hears is tried, not believed: a pooler in transaction mode takes `listen` and passes nothing on. Such a
 * connection is given back, and the first attempt fails.
 */
export async function listen(
  context: ListenContext,
  channel: string,
  heard: () => void,
): Promise<{ close(): Promise<void> }> {
  const { address, route, timing } = context;
  let client: SessionClient | undefined;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  const again = (ms: number) => {
    if (closed) return;
    timer = setTimeout(() => void connect().then(heard, (error) => again(delayAfter(error))), ms);
    timer.unref();
  };
  const delayAfter = (error: unknown) =>
    isCrowded(error) || error instanceof DeafError ? timing.listenMs * RARELY : RECONNECT_MS;

  async function connect(): Promise<void> {
    const next = new SessionClient(address, route, timing);
    const probe = `supasaasy_probe_${randomBytes(6).toString('hex')}`;
    let probed = () => {};
    let starved = false;
    const spare = () => {
      starved = true;
      next.cut();
    };
    next.on('notification', (notice) => (notice.channel === probe ? probed() : heard()));
    try {
      await within(next.connect(), timing.connectMs);
      await within(greet(next, route.count), timing.connectMs);
      await within(next.query(`listen ${next.escapeIdentifier(channel)}; listen ${probe}`), timing.connectMs);
      // Where it is the only one that we get, it goes to those who need it more.
      route.onStarved.add(spare);
      const echo = new Promise<void>((resolve) => {
        probed = resolve;
      });
      const other = await context.sessions.hold();
      try {
        await other.query('select pg_notify($1, $2)', [probe, '']);
      } finally {
        other.release();
      }
      await within(echo, timing.connectMs).catch(() => {
        throw new DeafError('a pooler stands before the server and passes no notices on');
      });
      await within(next.query(`unlisten ${probe}`), timing.connectMs);
    } catch (error) {
      route.onStarved.delete(spare);
      next.cut();
      throw starved ? new DeafError('there is no connection to spare') : error;
    }
    client = next;
    let asking = false;
    const looking = setInterval(() => {
      // One that has gone silent says nothing for ever, which looks like peace.
      if (asking) return;
      asking = true;
      within(next.query('select 1'), timing.connectMs).then(
        () => {
          asking = false;
        },
        () => next.cut(),
      );
    }, timing.listenMs);
    looking.unref();
    next.once('end', () => {
      clearInterval(looking);
      route.onStarved.delete(spare);
      if (client === next) client = undefined;
      again(starved ? timing.listenMs * RARELY : RECONNECT_MS);
    });
    if (closed) next.cut();
  }

  await connect();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      if (client !== undefined) await within(client.end(), timing.connectMs).catch(() => {});
    },
  };
}

class DeafError extends Error {}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer for ${ms} ms`)), ms);
  });
  return await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
