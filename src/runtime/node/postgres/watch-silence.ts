import type { Address } from './parse-address.ts';
import type { Route, Session } from './session.ts';
import { SessionClient } from './session.ts';
import type { Timing } from './timing.ts';

/** Whether the server works on the statement of a session: `unknown` where it cannot be asked. */
export type AskServer = (session: Session) => Promise<'works' | 'silent' | 'unknown'>;

/**
 * Looks at a session from another, new connection. One of which the server says that it waits for us, or that it is gone,
 * while we wait for the server, is broken on its way: the server's end is closed, so that it holds no lock.
 *
 * A time limit for statements would be simpler, but a sweep or an index of a large mirror takes longer than any of use.
 */
export function createAskServer(address: Address, route: Route, timing: Timing): AskServer {
  return async ({ name, named }) => {
    if (!named) return 'unknown';
    const client = new SessionClient(address, route, timing);
    const late = setTimeout(() => void client.end().catch(() => {}), timing.connectMs);
    try {
      await client.connect();
      const { rows } = await client.query<{ works: boolean }>(
        `select state in ('active', 'fastpath function call') and wait_event is distinct from 'ClientWrite' as works
         from pg_stat_activity where application_name = $1`,
        [name],
      );
      if (rows.some(({ works }) => works)) return 'works';
      await client.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [name]);
      return 'silent';
    } catch {
      return 'unknown';
    } finally {
      clearTimeout(late);
      void client.end().catch(() => {});
    }
  };
}

/**
 * Waits for an answer, and ends the connection when none will come: `end` makes the wait fail.
 */
export async function watchSilence<T>(
  answer: Promise<T>,
  session: Session,
  ask: AskServer,
  timing: Timing,
  end: () => void,
): Promise<T> {
  const beganAt = performance.now();
  let over = false;
  let timer = setTimeout(look, timing.silentMs);
  async function look() {
    const state = await ask(session);
    if (over) return;
    const waited = performance.now() - beganAt;
    if (state === 'silent' || (state === 'unknown' && waited >= timing.hardMs)) return end();
    timer = setTimeout(look, timing.silentMs);
  }
  try {
    return await answer;
  } finally {
    over = true;
    clearTimeout(timer);
  }
}
