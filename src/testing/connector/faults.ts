import assert from 'node:assert/strict';
import { type ConnectorCase, type ConnectorSubject, check } from './subject.ts';
import { assertCompleted, assertTrue, createWorld } from './world.ts';

const GROUP = 'faults';

/** A sync of a few resources; the first and the third request to each path end like this. The mirror must not show it. */
function survives(title: string, fail: (go: () => Promise<Response>) => Promise<Response>): ConnectorCase {
  return check(GROUP, title, async (subject: ConnectorSubject) => {
    const world = await createWorld(subject, { few: 3 });
    const asked = new Map<string, number>();
    world.between = async (url, init, go) => {
      const nth = (asked.get(url.pathname) ?? 0) + 1;
      asked.set(url.pathname, nth);
      return nth === 1 || nth === 3 ? await fail(() => go(url, init)) : await go(url, init);
    };
    assertCompleted(await world.sync('full'));
    await assertTrue(world, 'list');
    const waiting = await world.engine.proof.listQuarantine({ app_key: world.app });
    assert.equal(waiting.length, 0, 'a broken answer was taken for a record');
  });
}

const answer = (status: number, body = '{}', headers: Record<string, string> = {}) =>
  Promise.resolve(new Response(body, { status, headers: { 'content-type': 'application/json', ...headers } }));

/** Failures that every provider has. */
export const faultCases: readonly ConnectorCase[] = [
  survives('takes 429 for a wish to wait, never for a failure', () => answer(429, '{}', { 'retry-after': '0' })),
  survives('asks again after a 500', () => answer(500)),
  survives('asks again after an HTML page of something in between', () =>
    answer(502, '<html><body>Bad Gateway</body></html>', { 'content-type': 'text/html' }),
  ),
  survives('asks again after a connection that broke', async (go) => {
    // The question arrived; the answer did not.
    await go();
    throw new TypeError('fetch failed', { cause: new Error('read ECONNRESET') });
  }),
  survives('asks again after an answer that was cut', async (go) => {
    const whole = await go();
    return new Response((await whole.text()).slice(0, -3), { status: whole.status, headers: whole.headers });
  }),
  check(GROUP, 'a wrong key pauses the app, says which variable to mend, and never shows the key', async (subject) => {
    const apiKey = 'key_of_nobody_1234567890';
    const world = await createWorld(subject, { few: 2, apiKey });
    await world.sync('full');
    const [row] = await world.query<{ reason: string | null }>(
      'select pause_reason as reason from supasaasy.apps where app_key = $1',
      [world.app],
    );
    assert.match(row?.reason ?? '(not paused)', /KEY/);
    assert.ok(!(row?.reason ?? '').includes(apiKey), 'the key is in the reason');
  }),
  check(GROUP, 'a missing permission fails that resource by name, and the others arrive', async (subject) => {
    const world = await createWorld(subject, { few: 4 });
    const listed = world.resources.filter((name) => subject.connector.resources[name]?.list !== undefined);
    const denied = listed[0] ?? '';
    const path = subject.connector.resources[denied]?.list?.path;
    world.between = async (url, init, go) => (url.pathname === path ? await answer(403) : await go(url, init));
    const run = await world.sync('full');
    assert.equal(run.state, 'failed');
    assert.match(run.error ?? '', new RegExp(`^${denied}: `));
    await assertTrue(world, 'ids', listed.slice(1));
  }),
];
