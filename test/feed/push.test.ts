import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it } from 'vitest';
import { changes } from '../../src/engine/feed/database-source.ts';
import type { HandlerContext } from '../../src/engine/feed/define-consumer.ts';
import { createFeed } from '../../src/engine/feed/feed.ts';
import { toChange } from '../../src/engine/feed/memory-source.ts';
import { isPrivateAddress } from '../../src/engine/feed/private-address.ts';
import { definePush, PUSH_SCHEDULE, type PushInput } from '../../src/engine/feed/push.ts';
import { defaultPorts, type Ports } from '../../src/engine/ports.ts';
import { ConfigError } from '../../src/errors.ts';
import { createFetchAt } from '../../src/runtime/node/fetch-at.ts';
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
  readonly arrivedAt: number;
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
      const delivery = { headers: request.headers as Record<string, string>, body, arrivedAt: Date.now() };
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

function run(database: TestDatabase, consumer: ReturnType<typeof definePush>, ports: Partial<Ports> = {}) {
  const controller = new AbortController();
  const feed = createFeed({
    database: database.database,
    ports: defaultPorts(ports),
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
      await expect.poll(async () => (await store.lag('push')).changes).toBe(0);
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
        { resolve: async () => ['93.184.216.34', '10.0.0.7'] },
      );
      await write(database.database, 'a', {});
      await expect
        .poll(async () => (await store.deadLetters('push', 10, null))[0]?.error)
        .toBe('hooks.example.com leads to 10.0.0.7, a private address: nothing was sent');
    });

    it('goes to the address that was judged, not to where the name leads a moment later', async () => {
      const database = await fresh();
      const { deliveries, url } = await receive();
      const asked: string[] = [];
      const pinned: (readonly string[])[] = [];
      const fetchAt = createFetchAt();
      run(database, push({ url: url.replace('127.0.0.1', 'hooks.example.com'), allowPrivate: false }), {
        resolve: async (host) => {
          asked.push(host);
          return ['93.184.216.34'];
        },
        // Our receiver has no public address: it stands in for the one that was judged.
        fetchAt: (addresses) => {
          pinned.push(addresses);
          return fetchAt(['127.0.0.1']);
        },
      });
      await write(database.database, 'a', {});
      await expect.poll(() => deliveries.length).toBe(1);
      expect([asked, pinned]).toEqual([['hooks.example.com'], [['93.184.216.34']]]);
      const [{ headers, body }] = deliveries as [Delivery];
      expect(headers['host']).toMatch(/^hooks\.example\.com:/);
      new Webhook(SECRET).verify(body, headers);
    });

    it('is tried again after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h, and then given up', async () => {
      const database = await fresh();
      const { deliveries, url } = await receive(() => 500);
      const consumer = definePush({
        name: 'push',
        source: changes(),
        start: 'start',
        poll: 5,
        url,
        secretEnv: 'PUSH_SECRET',
        env: { PUSH_SECRET: SECRET },
        allowPrivate: true,
      });
      const store = run(database, consumer);
      await write(database.database, 'a', {});
      const seconds: number[] = [];
      const spent: number[] = [];
      for (let attempt = 1; attempt <= 9; attempt += 1) {
        await expect.poll(() => deliveries.length).toBe(attempt);
        const notBefore = async () =>
          (
            await database.database.query<{ at: Date }>(
              'select not_before as at from supasaasy.consumer_held where token is null and attempts = $1',
              [attempt],
            )
          )[0]?.at;
        await expect.poll(notBefore).toBeInstanceOf(Date);
        seconds.push(((await notBefore())?.getTime() ?? 0) / 1000 - (deliveries.at(-1)?.arrivedAt ?? 0) / 1000);
        spent.push((Date.now() - (deliveries.at(-1)?.arrivedAt ?? 0)) / 1000);
        await database.database.query('update supasaasy.consumer_held set not_before = clock_timestamp()');
      }
      [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400].forEach((wanted, i) => {
        expect(seconds[i]).toBeGreaterThan(wanted - 0.1);
        expect(seconds[i]).toBeLessThan(wanted * 1.1 + (spent[i] ?? 0));
      });
      await expect.poll(async () => (await store.deadLetters('push', 10, null))[0]?.attempts).toBe(10);
    });

    it('waits until the date that Retry-After names', async () => {
      const database = await fresh();
      const { url } = await receive(() => [503, { 'retry-after': new Date(Date.now() + 3_600_000).toUTCString() }]);
      run(database, push({ url }));
      await write(database.database, 'a', {});
      await expect
        .poll(
          async () =>
            (
              await database.database.query<{ m: number }>(
                'select round(extract(epoch from not_before - clock_timestamp()) / 60)::int as m from supasaasy.consumer_held',
              )
            )[0]?.m,
        )
        .toBe(60);
    });
  },
  { kinds: ['pglite'] },
);

describe('a fetch that is told where to', () => {
  it('connects to these addresses only, and ends with its signal', async () => {
    const { url, deliveries } = await receive(() => [302, { location: 'http://127.0.0.1:1/' }]);
    const named = url.replace('127.0.0.1', 'nowhere.invalid');
    const fetchAt = createFetchAt();
    const answer = await fetchAt(['127.0.0.1'])(named, { method: 'POST', body: 'x', headers: { 'x-y': 'z' } });
    expect([answer.status, answer.headers.get('location')]).toEqual([302, 'http://127.0.0.1:1/']);
    expect(deliveries).toMatchObject([{ body: 'x', headers: { 'x-y': 'z' } }]);
    await expect(fetchAt([])(named)).rejects.toThrow('no address');
    await expect(fetchAt(['127.0.0.1'])(named, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    await expect(fetch(named)).rejects.toThrow();
  });
});

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
    'http://localhost./',
    'http://metadata.google.internal./',
    'http://[::7f00:1]/',
    'http://[64:ff9b::10.0.0.1]/',
    'http://[fe80::1]/',
    'http://[2002:7f00:1::]/',
  ])('refuses %s unless it is allowed', (url) => {
    expect(() => push({ url, allowPrivate: false })).toThrow(/is a private address; say allowPrivate: true/);
    expect(() => push({ url, allowPrivate: true })).not.toThrow();
  });

  it('takes public ones', () => {
    for (const address of [
      '93.184.216.34',
      '2606:2800:220:1:248:1893:25c8:1946',
      '::ffff:93.184.216.34',
      'example.com',
    ])
      expect(isPrivateAddress(address)).toBe(false);
  });

  it('C29: refuses a URL with a user or a password, and shows neither', () => {
    for (const url of [
      'http://user:p4ssw0rd@example.com/?token=t0ken',
      'https://t0ken@example.com/',
      'ftp://me:p4ssw0rd@x',
    ]) {
      expect(() => push({ url })).toThrow(ConfigError);
      expect(() => push({ url })).not.toThrow(/p4ssw0rd|t0ken/);
    }
  });

  it('C29: what fails on the way names the destination, never its path and its query', async () => {
    const url = 'http://127.0.0.1:9/hooks/s3cret-path?token=t0ken%20x';
    const consumer = push({
      url,
      fetch: async (input) => {
        throw new TypeError(`fetch failed for ${String(input)}`, {
          cause: new Error('no way to /hooks/s3cret-path?token=t0ken x'),
        });
      },
    });
    const change = toChange({ id: '1', key: 'k', type: 't', payload: {} }, 1, new Date(0));
    const failed = Promise.resolve(consumer.handler(change, { idempotencyKey: '1' } as HandlerContext));
    await expect(failed).rejects.toThrow(/destination 127\.0\.0\.1:9 cannot be reached/);
    await expect(failed).rejects.not.toThrow(/t0ken|s3cret/);
  });

  it('refuses what is no http URL', () => {
    expect(() => push({ url: 'ftp://example.com' })).toThrow(/no http\(s\) URL/);
  });
});
