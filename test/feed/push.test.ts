import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it } from 'vitest';
import { changes } from '../../src/engine/feed/database-source.ts';
import { createFeed } from '../../src/engine/feed/feed.ts';
import { isPrivateAddress } from '../../src/engine/feed/private-address.ts';
import { definePush, PUSH_SCHEDULE, type PushInput } from '../../src/engine/feed/push.ts';
import { defaultPorts, type Ports } from '../../src/engine/ports.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { write } from './writers.ts';

const SECRET = `whsec_${Buffer.from('a secret of twenty-four b').toString('base64')}`;
const OLD_SECRET = `whsec_${Buffer.from('an older one, once in use').toString('base64')}`;
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Delivery {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** A receiver of webhooks; `answer` decides what it says to the n-th delivery. */
async function receive(
  answer: (n: number, delivery: Delivery) => number | [number, Record<string, string>] = () => 204,
) {
  const deliveries: Delivery[] = [];
  const server: Server = createServer((request: IncomingMessage, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const delivery = { headers: request.headers as Record<string, string>, body };
      deliveries.push(delivery);
      const [status, headers] = [answer(deliveries.length, delivery)].flat() as [number, Record<string, string>?];
      response.writeHead(status, headers).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return { deliveries, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` };
}

const push = (input: Partial<PushInput> & Pick<PushInput, 'url'>) =>
  definePush({
    name: 'push',
    source: changes(),
    start: 'start',
    poll: 20,
    secretEnv: 'PUSH_SECRET',
    env: { PUSH_SECRET: SECRET, PUSH_SECRET_OLD: OLD_SECRET },
    allowPrivate: true,
    schedule: [1, 1, 1],
    ...input,
  });

function run(database: TestDatabase, consumer: ReturnType<typeof definePush>, resolve?: Ports['resolve']) {
  const controller = new AbortController();
  const feed = createFeed({
    database: database.database,
    ports: defaultPorts(resolve === undefined ? {} : { resolve }),
    consumers: [consumer],
    startRun: async () => ({ runId: '', resumed: false }),
  });
  const ended = feed.run({ signal: controller.signal });
  closing.unshift(async () => {
    controller.abort();
    await ended;
  });
  return feed.store;
}

describeEachDatabase(
  'a push destination',
  (make) => {
    const fresh = () => make({ template: 'engine' });

    it('gets each change signed by the Standard Webhooks rules, as the official library verifies them', async () => {
      const database = await fresh();
      const { deliveries, url } = await receive();
      run(database, push({ url }));
      await write(database.database, 'a', { id: 'a', name: 'Zoë' });
      await expect.poll(() => deliveries.length).toBe(1);
      const [{ headers, body }] = deliveries as [Delivery];
      const verified = new Webhook(SECRET).verify(body, headers) as {
        type: string;
        timestamp: string;
        data: { after: unknown };
      };
      expect(verified).toMatchObject({
        type: 'stripe.customer.created',
        data: { external_id: 'a', after: { id: 'a', name: 'Zoë' } },
      });
      expect(() => new Webhook(SECRET).verify(body.replace('Zoë', 'Zoe'), headers)).toThrow();
    });

    it('is signed with the old and the new secret while it is rotated', async () => {
      const database = await fresh();
      const { deliveries, url } = await receive();
      run(database, push({ url, secretEnv: ['PUSH_SECRET', 'PUSH_SECRET_OLD'] }));
      await write(database.database, 'a', {});
      await expect.poll(() => deliveries.length).toBe(1);
      const [{ headers, body }] = deliveries as [Delivery];
      for (const secret of [SECRET, OLD_SECRET]) new Webhook(secret).verify(body, headers);
    });

    it('gets the same id at every attempt, on its schedule, and is then given up', async () => {
      const database = await fresh();
      const { deliveries, url } = await receive(() => 500);
      const store = run(database, push({ url }));
      await write(database.database, 'a', {});
      await expect
        .poll(async () => (await store.deadLetters('push', 10, null))[0])
        .toMatchObject({ attempts: 4, error: 'the destination answered 500' });
      expect(deliveries.length).toBe(4);
      expect(new Set(deliveries.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
      expect(PUSH_SCHEDULE.length).toBe(9);
    });

    it('is paused at once when it says that it is gone, and nothing is lost', async () => {
      const database = await fresh();
      const { deliveries, url } = await receive((n) => (n === 1 ? 410 : 200));
      const store = run(database, push({ url }));
      await write(database.database, 'a', {});
      await write(database.database, 'b', {});
      await expect.poll(async () => (await store.status('push'))[0]?.pause_reason).toMatch(/410/);
      await store.resume('push');
      await expect.poll(async () => (await store.lag('push')).changes).toBe(0);
      expect(deliveries.length).toBeGreaterThanOrEqual(3);
    });

    it('is paused when it answers nothing but failures for long enough', async () => {
      const database = await fresh();
      const { url } = await receive(() => 503);
      const store = run(database, push({ url, pauseAfterFailing: 20, schedule: Array.from({ length: 50 }, () => 5) }));
      await write(database.database, 'a', {});
      await expect.poll(async () => (await store.status('push'))[0]?.pause_reason).toMatch(/nothing but failures/);
      expect((await store.lag('push')).changes).toBe(1);
    });

    it('is told without payloads when the change is too large for it, and a 413 is final', async () => {
      const database = await fresh();
      const { deliveries, url } = await receive((n) => (n === 2 ? 413 : 200));
      const store = run(database, push({ url, maxBytes: 2000 }));
      await write(database.database, 'big', { text: 'x'.repeat(5000) });
      await expect.poll(() => deliveries.length).toBe(1);
      expect(JSON.parse(deliveries[0]!.body)).toMatchObject({
        data: { external_id: 'big', after: null, truncated: true },
      });
      await write(database.database, 'refused', {});
      await expect.poll(async () => (await store.deadLetters('push', 10, null))[0]?.error).toMatch(/413.*too large/);
    });

    it('follows no redirect and obeys Retry-After', async () => {
      const database = await fresh();
      const { deliveries, url } = await receive((n) =>
        n === 1 ? [302, { location: 'http://127.0.0.1:1/' }] : n === 2 ? [429, { 'retry-after': '1' }] : 200,
      );
      const store = run(database, push({ url }));
      await write(database.database, 'a', {});
      await expect.poll(async () => (await store.lag('push')).changes, { timeout: 10_000 }).toBe(0);
      expect(deliveries.length).toBe(3);
    });

    it('says which secret is missing, and sends nothing unsigned', async () => {
      const database = await fresh();
      const { deliveries, url } = await receive();
      const store = run(database, push({ url, secretEnv: 'NOT_SET' }));
      await write(database.database, 'a', {});
      await expect.poll(async () => (await store.deadLetters('push', 10, null))[0]?.error).toMatch(/set NOT_SET/);
      expect(deliveries).toEqual([]);
    });

    it('says that a secret is no secret, without showing it', async () => {
      const database = await fresh();
      const { deliveries, url } = await receive();
      const store = run(database, push({ url, env: { PUSH_SECRET: 'whsec_not base64!' } }));
      await write(database.database, 'a', {});
      await expect
        .poll(async () => (await store.deadLetters('push', 10, null))[0]?.error)
        .toBe('a secret to sign with is no such thing: it must be whsec_ and base64');
      expect(deliveries).toEqual([]);
    });

    it('is refused when its name leads to a private address', async () => {
      const database = await fresh();
      const store = run(
        database,
        push({
          url: 'https://hooks.example.com/x',
          allowPrivate: false,
          fetch: () => Promise.reject(new Error('sent')),
        }),
        async () => ['93.184.216.34', '10.0.0.7'],
      );
      await write(database.database, 'a', {});
      await expect
        .poll(async () => (await store.deadLetters('push', 10, null))[0]?.error)
        .toBe('hooks.example.com leads to 10.0.0.7, a private address: nothing was sent');
    });
  },
  { kinds: ['pglite'] },
);

describe('addresses', () => {
  it.each([
    'http://localhost/x',
    'http://127.0.0.1',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://[::1]/',
    'http://[::ffff:10.0.0.1]/',
    'http://169.254.169.254/latest',
    'http://192.168.1.1',
    'http://db.internal/',
    'http://100.100.100.200/',
  ])('refuses %s unless it is allowed', (url) => {
    expect(() => push({ url, allowPrivate: false })).toThrow(/is a private address; say allowPrivate: true/);
    expect(() => push({ url, allowPrivate: true })).not.toThrow();
  });

  it('takes public ones', () => {
    for (const address of ['93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946', 'example.com'])
      expect(isPrivateAddress(address)).toBe(false);
  });

  it('refuses what is no http URL', () => {
    expect(() => push({ url: 'ftp://example.com' })).toThrow(/no http\(s\) URL/);
  });
});
