import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { createApps } from '../../src/engine/app.ts';
import { defaultPorts, type Ports } from '../../src/engine/ports.ts';
import { ask, UnlistableError } from '../../src/engine/sync/ask.ts';
import {
  AuthenticationError,
  CursorLostError,
  NotFoundError,
  PermissionError,
  ProviderError,
  RateLimitError,
  RequestRefusedError,
  type SupasaasyError,
} from '../../src/errors.ts';
import type { ProviderRequest } from '../../src/kit/resource.ts';
import '../support/acme-connector.ts';

const KEY = 'a-secret-key';
const NOON = Date.UTC(2026, 2, 1, 12);
const HTTP_NOON = 'Sun, 01 Mar 2026 12:00:00 GMT';

const [app] = createApps(
  parseConfig({ apps: [{ app_key: 'ours', connector: 'acme', config: { api_key_env: 'KEY' } }] }),
  { KEY },
).values();
if (app === undefined) throw new Error('no app');
const ours = app;

/** What was sent for a request, and what came of the answer. */
async function exchange(
  response: () => Response | Promise<Response>,
  request: ProviderRequest = { path: '/things' },
  ports: Partial<Ports> = {},
) {
  const sent: { url: string; init: RequestInit }[] = [];
  const asking = ask(
    ours,
    request,
    defaultPorts({
      now: () => NOON,
      monotonic: () => 0,
      fetch: async (input, init = {}) => {
        sent.push({ url: String(input), init });
        return await response();
      },
      ...ports,
    }),
  );
  const outcome = await asking.then(
    (answer) => ({ answer }),
    (error: SupasaasyError) => ({ error }),
  );
  return { sent, ...outcome };
}

async function refusal(status: number, body = '', headers: Record<string, string> = {}): Promise<SupasaasyError> {
  const outcome = await exchange(() => new Response(body, { status, headers }));
  if (!('error' in outcome)) throw new Error('it was no refusal');
  return outcome.error;
}

describe('a request of an app', () => {
  it('carries its query, the headers of the connector, and a body with its type', async () => {
    const { sent } = await exchange(() => Response.json({}), {
      path: '/things/search?fixed=1',
      method: 'POST',
      query: { limit: 3, after: undefined, name: 'ä b' },
      body: { from: 1 },
    });
    expect(sent).toHaveLength(1);
    expect(sent[0]?.url).toBe('https://acme.test/things/search?fixed=1&limit=3&name=%C3%A4+b');
    expect(sent[0]?.init).toMatchObject({
      method: 'POST',
      body: '{"from":1}',
      redirect: 'error',
      headers: { accept: 'application/json', authorization: KEY, 'content-type': 'application/json' },
    });
    const plain = await exchange(() => Response.json({}));
    expect(plain.sent[0]?.init).toMatchObject({ method: 'GET' });
    expect(plain.sent[0]?.init).not.toHaveProperty('body');
    expect(plain.sent[0]?.init.headers).not.toHaveProperty('content-type');
  });

  it('ends when its signal does', async () => {
    const controller = new AbortController();
    const signals: (AbortSignal | null | undefined)[] = [];
    const ports = defaultPorts({
      fetch: async (_, init) => {
        signals.push(init?.signal);
        return Response.json({});
      },
    });
    await ask(ours, { path: '/things' }, ports, controller.signal);
    expect(signals[0]?.aborted).toBe(false);
    controller.abort();
    expect(signals[0]?.aborted).toBe(true);
  });

  it('answers with the bytes and with the same text as often as it is asked', async () => {
    for (const status of [200, 201, 299]) {
      const { answer } = (await exchange(() => new Response('{"a": "é"}', { status }))) as {
        answer: Awaited<ReturnType<typeof ask>>;
      };
      expect(answer.body).toBe('{"a": "é"}');
      expect(answer.body).toBe('{"a": "é"}');
      expect(answer.bytes.byteLength).toBe(11);
    }
  });
});

describe('the moment of an answer', () => {
  const moment = async (headers: Record<string, string>, ports: Partial<Ports> = {}) => {
    const { answer } = (await exchange(() => Response.json({}, { headers }), undefined, ports)) as {
      answer: Awaited<ReturnType<typeof ask>>;
    };
    const { version, versionUntil, startedAt } = answer;
    return { version: version - NOON, until: versionUntil - NOON, startedAt };
  };
  /** Each call finds the clock so much later. */
  const ticking = (step: number, from = 0) => {
    let at = from - step;
    return () => {
      at += step;
      return at;
    };
  };

  it('is the second of its Date, and begins when the request left', async () => {
    expect(await moment({ date: HTTP_NOON })).toEqual({ version: 0, until: 999, startedAt: 0 });
    expect(await moment({ date: HTTP_NOON }, { monotonic: ticking(1, 50) })).toEqual({
      version: -1000,
      until: 999,
      startedAt: 50,
    });
    expect(await moment({ date: HTTP_NOON }, { monotonic: ticking(1000) })).toMatchObject({
      version: -1000,
      until: 999,
    });
    expect(await moment({ date: HTTP_NOON }, { monotonic: ticking(2500) })).toMatchObject({
      version: -3000,
      until: 999,
    });
  });

  it('is our own time, give or take what two clocks differ by, where it says none', async () => {
    expect(await moment({})).toEqual({ version: -5000, until: 5000, startedAt: 0 });
    expect(await moment({ date: 'yesterday' }, { now: ticking(700.5, NOON) })).toMatchObject({
      version: -5000,
      until: 5701,
    });
  });
});

describe('what an answer that is not 2xx means', () => {
  it.each<[number, new (...input: never[]) => SupasaasyError]>([
    [400, RequestRefusedError],
    [401, AuthenticationError],
    [402, RequestRefusedError],
    [403, PermissionError],
    [404, NotFoundError],
    [405, RequestRefusedError],
    [408, ProviderError],
    [409, RequestRefusedError],
    [410, NotFoundError],
    [422, RequestRefusedError],
    [425, ProviderError],
    [429, RateLimitError],
    [499, RequestRefusedError],
    [500, ProviderError],
    [503, ProviderError],
    [599, ProviderError],
    [300, RequestRefusedError],
    [304, RequestRefusedError],
  ])('%i is a %o', async (status, kind) => {
    const { error } = (await exchange(() => new Response(null, { status }))) as { error: SupasaasyError };
    expect(error.constructor).toBe(kind);
    expect(error.status).toBe(status);
    expect(error.message).toContain(`Acme answered ${status} to GET /things`);
  });

  it('is what the connector says where it knows better', async () => {
    expect((await refusal(400, '{"code": "per_thing"}')).constructor).toBe(UnlistableError);
    expect((await refusal(400, '{"code": "cursor"}')).constructor).toBe(CursorLostError);
    expect((await refusal(400, '{"code": "cursor"}')).message).toContain('the cursor is no longer valid');
  });

  it('names the variable of a key that is refused, never the key', async () => {
    const unknown = await refusal(401, JSON.stringify({ error: { message: `Invalid key: ${KEY} (${KEY})` } }));
    expect(unknown.message).toBe(
      'Acme answered 401 to GET /things: the key in KEY is not accepted. It says: Invalid key: [secret] ([secret])',
    );
    expect((await refusal(403, '')).message).toMatch(
      /the key in KEY may not read this; .*leave the resource out of sync_resources/,
    );
  });

  it.each([
    ['{"error": {"message": "one"}}', 'It says: one'],
    ['{"errors": [{"message": "two"}, {"message": "three"}]}', 'It says: two'],
    ['{"message": "four"}', 'It says: four'],
    ['{"error": {"message": "first"}, "errors": [{"message": "second"}], "message": "third"}', 'It says: first'],
    ['{"error": "words", "message": "fifth"}', 'It says: fifth'],
    ['{"errors": [], "message": "sixth"}', 'It says: sixth'],
    ['{"error": {"message": 7}}', ''],
    ['{}', ''],
    ['null', ''],
    ['  <html>many words', 'It sent an HTML page.'],
    ['many words', ''],
  ])('repeats the words of %s', async (body, words) => {
    const { message } = await refusal(422, body);
    expect(message).toBe(`Acme answered 422 to GET /things. ${words}`);
  });

  it('repeats 300 characters of a long message', async () => {
    const { message } = await refusal(422, JSON.stringify({ message: 'x'.repeat(400) }));
    expect(message.match(/x+/)?.[0]).toHaveLength(300);
  });

  it('gives the moment of an object that is gone', async () => {
    const error = await refusal(404, '', { date: HTTP_NOON });
    expect(error).toMatchObject({ moment: { version: NOON, versionUntil: NOON + 999 } });
  });

  it('is a provider that cannot be reached, or one that is too late, where there is no answer', async () => {
    const cut = new TypeError('fetch failed');
    const { error: unreachable } = (await exchange(() => Promise.reject(cut))) as { error: SupasaasyError };
    expect(unreachable).toMatchObject({
      constructor: ProviderError,
      message: 'acme.test cannot be reached',
      cause: cut,
    });
    const late = Object.assign(new Error('late'), { name: 'TimeoutError' });
    const { error: slow } = (await exchange(() => Promise.reject(late))) as { error: SupasaasyError };
    expect(slow).toMatchObject({ constructor: ProviderError, cause: late });
    expect(slow.message).toBe('acme.test did not answer within 60 s (GET /things)');
  });
});

describe('how long a provider wants us to wait', () => {
  it.each<[Record<string, string>, number]>([
    [{ 'retry-after': '7' }, 7000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after': '0' }, 100],
    [{ 'retry-after': '-3' }, 100],
    [{ 'retry-after': '600' }, 600_000],
    [{ 'retry-after': '601' }, 600_000],
    [{ 'retry-after': '' }, 1000],
    [{ 'retry-after': 'soon' }, 1000],
    [{}, 1000],
    // A date, by the provider's own clock.
    [{ 'retry-after': 'Sun, 01 Mar 2026 12:00:30 GMT', date: HTTP_NOON }, 30_000],
    [{ 'retry-after': 'Sun, 01 Mar 2026 11:59:30 GMT', date: HTTP_NOON }, 100],
    // Seconds since 1970.
    [{ 'x-ratelimit-reset': String(NOON / 1000 + 12), date: HTTP_NOON }, 12_000],
    [{ 'x-ratelimit-reset': '1000000000', date: HTTP_NOON }, 600_000],
    [{ 'x-ratelimit-reset': '5' }, 5000],
    [{ 'retry-after': '2', 'x-ratelimit-reset': '5' }, 2000],
  ])('%o is %i ms', async (headers, ms) => {
    expect((await refusal(429, '', headers)).retryAfterMs).toBe(ms);
  });

  it('is known of a failure only where it says so', async () => {
    expect((await refusal(503)).retryAfterMs).toBeUndefined();
    expect((await refusal(503, '', { 'x-ratelimit-reset': '5' })).retryAfterMs).toBeUndefined();
    expect((await refusal(503, '', { 'retry-after': '4' })).retryAfterMs).toBe(4000);
    expect((await refusal(422, '', { 'retry-after': '4' })).retryAfterMs).toBeUndefined();
  });
});
