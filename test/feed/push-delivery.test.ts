import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Change } from '../../src/engine/feed/change.ts';
import type { HandlerContext } from '../../src/engine/feed/define-consumer.ts';
import { memory } from '../../src/engine/feed/memory-source.ts';
import { PauseConsumerError } from '../../src/engine/feed/pause-consumer-error.ts';
import { definePush, PUSH_SCHEDULE, type PushInput } from '../../src/engine/feed/push.ts';
import { webhookHeaders } from '../../src/engine/feed/standard-webhook.ts';
import { ConfigError, MissingSecretError, NonRetriableError, RetryAfterError } from '../../src/errors.ts';

const NOON = Date.UTC(2026, 2, 1, 12);
const SECRET = `whsec_${btoa('a secret of twenty-four b')}`;
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const CHANGE: Change = {
  seq: 7,
  id: 'chg_7',
  foreign_id: 'app/acme_thing/t1',
  type: 'acme.thing.updated',
  app_key: 'app',
  collection_key: 'acme_thing',
  external_id: 't1',
  operation: 'update',
  headers: { idempotency_key: 'chg_7' },
  created_at: '2026-03-01T11:59:00.000Z',
  before: { a: 1 },
  after: { a: 2 },
  changed_fields: ['a'],
  attempt: 1,
};

const context = (values: Partial<HandlerContext> = {}): HandlerContext =>
  ({
    consumer: 'push',
    attempt: 1,
    idempotencyKey: 'key_7',
    signal: new AbortController().signal,
    log: () => {},
    ...values,
  }) as HandlerContext;

/** One delivery, with what was sent for it and what came of it. */
async function deliver(
  answer: () => Response | Promise<Response>,
  input: Partial<PushInput> = {},
  values: Partial<HandlerContext> = {},
  change = CHANGE,
) {
  const sent: { url: string; init: RequestInit }[] = [];
  const consumer = definePush({
    name: 'push',
    source: memory(),
    url: 'https://hooks.example.com/in',
    secretEnv: 'SECRET',
    env: { SECRET, OLD: `whsec_${btoa('an older one, once in use')}` },
    now: () => NOON,
    fetch: async (url, init = {}) => {
      sent.push({ url: String(url), init });
      return await answer();
    },
    ...input,
  });
  const error = await Promise.resolve(consumer.handler(change, context(values))).then(
    () => undefined,
    (thrown: unknown) => thrown as Error & { retryAfterMs?: number },
  );
  return { sent, error, headers: (sent[0]?.init.headers ?? {}) as Record<string, string> };
}

async function listen(status: number, headers: Record<string, string> = {}) {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(request.url ?? '');
    response.writeHead(status, headers).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return { heard, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` };
}

describe('a delivery', () => {
  it('is one signed POST of type, time and change', async () => {
    const { sent, error, headers } = await deliver(() => new Response(null, { status: 204 }));
    expect(error).toBeUndefined();
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({
      url: 'https://hooks.example.com/in',
      init: { method: 'POST', redirect: 'manual' },
    });
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'supasaasy',
      'webhook-id': 'key_7',
      'webhook-timestamp': String(NOON / 1000),
    });
    const body = String(sent[0]?.init.body);
    expect(JSON.parse(body)).toEqual({ type: CHANGE.type, timestamp: CHANGE.created_at, data: CHANGE });
    expect(headers).toMatchObject(await webhookHeaders({ id: 'key_7', timestamp: NOON / 1000, body }, [SECRET]));
  });

  it('carries a signature of each secret that is set, and needs one', async () => {
    const ok = () => new Response();
    expect((await deliver(ok, { secretEnv: ['SECRET', 'OLD'] })).headers['webhook-signature']?.split(' ')).toHaveLength(
      2,
    );
    expect(
      (await deliver(ok, { secretEnv: ['MISSING', 'SECRET'] })).headers['webhook-signature']?.split(' '),
    ).toHaveLength(1);
    for (const env of [{}, { SECRET: '' }]) {
      const { sent, error } = await deliver(ok, { env, secretEnv: ['SECRET', 'OLD'] });
      expect(error).toBeInstanceOf(MissingSecretError);
      expect(error?.message).toContain('set SECRET or OLD');
      expect(sent).toEqual([]);
    }
  });

  it.each([200, 201, 204, 299])('is done with %i', async (status) => {
    expect((await deliver(() => new Response(null, { status }))).error).toBeUndefined();
  });

  it.each([300, 302, 307, 400, 401, 404, 409, 429, 500, 503])('comes again after %i', async (status) => {
    const { error } = await deliver(() => new Response(null, { status }));
    expect(error?.constructor).toBe(Error);
    expect(error?.message).toBe(`the destination answered ${status}`);
  });

  it('never goes where a redirect leads', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      const elsewhere = await listen(200);
      const here = await listen(status, { location: elsewhere.url });
      const { error } = await deliver(() => Promise.reject(new Error('unused')), {
        url: here.url,
        allowPrivate: true,
        fetch: globalThis.fetch,
      });
      expect(error?.message, String(status)).toBe(`the destination answered ${status}`);
      expect([here.heard, elsewhere.heard]).toEqual([['/hook'], []]);
    }
  });

  it('pauses all that follow after 410, and is given up after 413', async () => {
    expect((await deliver(() => new Response(null, { status: 410 }))).error).toBeInstanceOf(PauseConsumerError);
    const large = (await deliver(() => new Response(null, { status: 413 }))).error;
    expect(large).toBeInstanceOf(NonRetriableError);
    expect(large?.message).toContain('too large');
  });

  it.each<[string, number | undefined]>([
    ['7', 7000],
    [' 7 ', 7000],
    ['Sun, 01 Mar 2026 12:01:00 GMT', 60_000],
    ['Sun, 01 Mar 2026 11:59:00 GMT', undefined],
    ['0', undefined],
    ['soon', undefined],
  ])('waits as long as Retry-After: %s says', async (text, ms) => {
    for (const status of [302, 429, 503]) {
      const { error } = await deliver(() => new Response(null, { status, headers: { 'retry-after': text } }));
      expect(error?.retryAfterMs).toBe(ms);
      expect(error instanceof RetryAfterError).toBe(ms !== undefined);
    }
  });

  it('leaves out payloads that make it too large, and is given up where that is not enough', async () => {
    const whole = new TextEncoder().encode(
      JSON.stringify({ type: CHANGE.type, timestamp: CHANGE.created_at, data: CHANGE }),
    ).byteLength;
    const sizes = async (maxBytes: number, change = CHANGE) => {
      const { sent, error } = await deliver(() => new Response(), { maxBytes }, {}, change);
      return { error, data: sent[0] === undefined ? undefined : JSON.parse(String(sent[0].init.body)).data };
    };
    expect((await sizes(whole)).data).toEqual(CHANGE);
    const wide = { ...CHANGE, after: { a: 'x'.repeat(500) } };
    const thin = { ...CHANGE, before: null, after: null, truncated: true };
    const least = new TextEncoder().encode(
      JSON.stringify({ type: CHANGE.type, timestamp: CHANGE.created_at, data: thin }),
    ).byteLength;
    expect((await sizes(least, wide)).data).toEqual(thin);
    const { error, data } = await sizes(least - 1, wide);
    expect(data).toBeUndefined();
    expect(error).toBeInstanceOf(NonRetriableError);
    expect(error?.message).toContain(`more than ${least - 1} bytes`);
    // Counted in bytes.
    expect((await sizes(whole + 300, { ...CHANGE, after: { a: 'é'.repeat(200) } })).data).toMatchObject({
      truncated: true,
    });
  });

  it('goes to the addresses that were judged, and nowhere when one of them is private', async () => {
    const pinned: (readonly string[])[] = [];
    const fetchAt: HandlerContext['fetchAt'] = (addresses) => {
      pinned.push(addresses);
      return async () => new Response(null, { status: 204 });
    };
    const asked: string[] = [];
    const resolve =
      (...addresses: string[]) =>
      async (host: string) => {
        asked.push(host);
        return addresses;
      };
    const without = { fetch: undefined } as unknown as Partial<PushInput>;
    const never = () => Promise.reject(new Error('unused'));
    expect((await deliver(never, without, { resolve: resolve('93.184.216.34'), fetchAt })).error).toBeUndefined();
    expect([asked, pinned]).toEqual([['hooks.example.com'], [['93.184.216.34']]]);
    await deliver(never, { ...without, url: 'https://[2600::1]/in' }, { resolve: resolve('2600::1'), fetchAt });
    expect(asked.at(-1)).toBe('2600::1');
    const bad = await deliver(never, without, { resolve: resolve('93.184.216.34', '10.0.0.1'), fetchAt });
    expect(bad.error).toBeInstanceOf(NonRetriableError);
    expect(bad.error?.message).toContain('leads to 10.0.0.1, a private address');
    expect(pinned).toHaveLength(2);
    // Where that is meant, nothing is looked up.
    const meant = await deliver(
      () => new Response(),
      { allowPrivate: true },
      { resolve: resolve('10.0.0.1'), fetchAt },
    );
    expect(meant.error).toBeUndefined();
    expect(asked).toHaveLength(3);
  });
});

describe('a push', () => {
  const define = (values: Partial<PushInput> = {}) =>
    definePush({
      name: 'push',
      source: memory(),
      url: 'https://hooks.example.com',
      secretEnv: 'SECRET',
      env: {},
      ...values,
    });

  it.each([
    'ftp://hooks.example.com',
    'hooks.example.com',
    '',
    'https://',
    'https://localhost/x',
    'http://10.1.2.3',
    'http://[::1]/',
  ])('does not go to %s', (url) => {
    expect(() => define({ url })).toThrow(ConfigError);
  });

  it('goes to a private address where that is meant', () => {
    expect(() => define({ url: 'http://10.1.2.3' })).toThrow('private address; say allowPrivate: true');
    expect(() => define({ url: 'http://10.1.2.3', allowPrivate: true })).not.toThrow();
    expect(() => define({ url: 'ftp://10.1.2.3', allowPrivate: true })).toThrow('no http(s) URL');
  });

  it('tries ten times in about three days, with a tenth of chance', () => {
    const { maxAttempts, timeout, pauseAfterFailing, retryDelay } = define();
    expect([maxAttempts, timeout, pauseAfterFailing]).toEqual([10, 20_000, 432_000_000]);
    expect(PUSH_SCHEDULE.map((ms) => ms / 1000)).toEqual([5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
    for (let attempt = 1; attempt <= 12; attempt += 1) {
      const planned = PUSH_SCHEDULE[Math.min(attempt, 9) - 1] ?? 0;
      const delay = retryDelay?.(attempt) ?? 0;
      expect(delay).toBeGreaterThanOrEqual(planned);
      expect(delay).toBeLessThan(planned * 1.1);
    }
    expect(define({ schedule: [1, 2] })).toMatchObject({ maxAttempts: 3 });
    expect(define({ timeout: 5, maxAttempts: 4 })).toMatchObject({ maxAttempts: 4, timeout: 5 });
  });
});

describe('a secret to sign with', () => {
  const sign = (secret: string) =>
    webhookHeaders({ id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, body: '{"test": 2432232314}' }, [
      secret,
    ]);

  it('signs as the specification shows it', async () => {
    // The example of https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    const expected = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
    expect((await sign('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'))['webhook-signature']).toBe(expected);
    expect((await sign('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'))['webhook-signature']).toBe(expected);
  });

  it.each(['', 'whsec_', 'whsec_?!', 'no base64!'])('is not "%s"', async (secret) => {
    await expect(sign(secret)).rejects.toThrow(MissingSecretError);
  });
});
