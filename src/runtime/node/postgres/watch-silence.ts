import type { Address } from './parse-address.ts';
import { type Route, type Session, SessionClient } from './session.ts';
import type { Timing } from './timing.ts';

/** What the server does with a session: works, waits for us since a moment, or cannot be asked. */
export type Sight = { readonly state: 'works' | 'unknown' } | { readonly state: 'waits'; readonly since: string };

export interface Lookout {
  look(session: Session): Promise<Sight>;
  /** Ends the server's end of it, so that it holds no lock. */
  end(session: Session): Promise<void>;
}

/**
 * Looks at a session from another, new connection. Where the server waits for us while we wait for the server, the way
 * between is broken.
 *
 * A time limit for statements would be simpler, but a sweep or an index of a large mirror takes longer than any of use.
 */
export function createLookout(address: Address, route: Route, timing: Timing): Lookout {
  async function ask<Row extends object>(text: string, name: string): Promise<Row[] | undefined> {
    const client = new SessionClient(address, route, timing);
    const late = setTimeout(() => client.cut(), timing.connectMs);
    try {
      await client.connect();
      return (await client.query<Row>(text, [name])).rows;
    } catch {
      return undefined;
    } finally {
      clearTimeout(late);
      client.end().catch(() => {});
    }
  }
  return {
    async look({ name, named }) {
      if (!named) return { state: 'unknown' };
      const rows = await ask<{ works: boolean; since: string }>(
        `select state in ('active', 'fastpath function call') and wait_event is distinct from 'ClientWrite' as works, state_change::text as since
         from pg_stat_activity where application_name = $1`,
        name,
      );
      if (rows === undefined) return { state: 'unknown' };
      if (rows.some(({ works }) => works)) return { state: 'works' };
      return { state: 'waits', since: rows[0]?.since ?? 'it is gone' };
    },
    async end({ name }) {
      await ask('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', name);
    },
  };
}

/**
 * Waits for an answer, and calls `end` when none will come. An answer may be on its way to us while the server waits already:
 * it must wait since the same moment at two looks.
 */
export async function watchSilence<T>(
  answer: Promise<T>,
  session: Session,
  lookout: Lookout,
  timing: Timing,
  end: () => void,
): Promise<T> {
  const beganAt = performance.now();
  let over = false;
  let waitsSince: string | undefined;
  let timer = setTimeout(() => void look(), timing.silentMs);
  async function look() {
    const sight = await lookout.look(session);
    if (over) return;
    if (sight.state === 'unknown' && performance.now() - beganAt >= timing.hardMs) return end();
    if (sight.state === 'waits' && sight.since === waitsSince) {
      end();
      return void lookout.end(session);
    }
    waitsSince = sight.state === 'waits' ? sight.since : undefined;
    timer = setTimeout(() => void look(), sight.state === 'waits' ? timing.graceMs : timing.silentMs);
  }
  try {
    return await answer;
  } finally {
    over = true;
    clearTimeout(timer);
  }
}
