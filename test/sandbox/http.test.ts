import { afterEach, describe, expect, it } from 'vitest';
import { createDeliverer } from '../../sandbox/http/deliver.ts';
import { createFaults } from '../../sandbox/http/faults.ts';
import { sandboxFetch } from '../../sandbox/http/fetch.ts';
import { matchesPath, pathClass } from '../../sandbox/http/path-pattern.ts';
import type { SandboxDelivery, SandboxProvider } from '../../sandbox/http/provider.ts';
import { createRateLimit } from '../../sandbox/http/rate-limit.ts';
import { type SandboxServer, serveSandbox } from '../../sandbox/http/serve.ts';
import { digestOfIds } from '../../sandbox/http/truth.ts';

function counterProvider(): SandboxProvider {
  let things = 3;
  const delivery = (id: string): SandboxDelivery => ({
    id,
    body: `{"id":"${id}"}`,
    sign: () => ({ 'x-signed': 'yes' }),
  });
  return {
    name: 'counter',
    handle: (request) => ({
      status: 200,
      body: JSON.stringify({ path: request.path, query: request.query.get('q'), body: request.body }),
    }),
    mutate: () => [delivery(`evt_${++things}`)],
    counts: () => ({ thing: things }),
    *objects() {
      for (let i = 0; i < things; i++) yield { id: `t${i}`, json: `{"id":"t${i}"}` };
    },
  };
}

const servers: SandboxServer[] = [];
const served = async (...args: Parameters<typeof serveSandbox>) => {
  const server = await serveSandbox(...args);
  servers.push(server);
  return server;
};
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

describe('both transports', () => {
  const transports = {
    http: async (options: Parameters<typeof serveSandbox>[1]) => {
      const server = await served(counterProvider(), options);
      return { send: (path: string, init?: RequestInit) => fetch(server.url + path, init), control: server.control };
    },
    fetch: async (options: Parameters<typeof serveSandbox>[1]) => {
      const send = sandboxFetch(counterProvider(), options);
      return {
        send: (path: string, init?: RequestInit) => send(`http://counter.test${path}`, init),
        control: send.control,
      };
    },
  };

  for (const [name, transport] of Object.entries(transports)) {
    describe(name, () => {
      it('answers with the date of the given clock', async () => {
        const { send } = await transport({ nowMs: () => Date.UTC(2024, 0, 2) });
        const answer = await send('/v1/things/a?q=b%20c', { method: 'POST', body: 'ü' });
        expect(answer.headers.get('date')).toBe('Tue, 02 Jan 2024 00:00:00 GMT');
        expect(await answer.json()).toEqual({ path: '/v1/things/a', query: 'b c', body: 'ü' });
      });

      it('fails as asked, as often as asked', async () => {
        const { send } = await transport({
          faults: [
            { kind: 500, nth: 1 },
            { kind: 'reset', nth: 1, path: '/v1/*' },
            { kind: 'truncate', nth: 1 },
            { kind: 'html', nth: 1 },
            { kind: 429, nth: 1, retryAfterMs: 3000 },
          ],
        });
        expect((await send('/v1/a')).status).toBe(500);
        await expect(send('/v1/a')).rejects.toThrow('fetch failed');
        const cut = await send('/v1/a');
        expect(cut.status).toBe(200);
        await expect(cut.text()).rejects.toThrow();
        const page = await send('/v1/a');
        expect([page.status, page.headers.get('content-type')]).toEqual([502, 'text/html']);
        const limited = await send('/v1/a');
        expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '3']);
        expect((await send('/v1/a')).status).toBe(200);
      });

      it('hangs until the client gives up', async () => {
        const { send } = await transport({ faults: [{ kind: 'hang' }] });
        await expect(send('/v1/a', { signal: AbortSignal.timeout(20) })).rejects.toThrow();
      });

      it('refuses above the limit and counts', async () => {
        const { send, control } = await transport({
          nowMs: () => 0,
          rateLimit: { endpoint: { limit: 2, windowMs: 1000 } },
        });
        const statuses = [await send('/v1/a'), await send('/v1/a/x'), await send('/v1/a'), await send('/v1/b')].map(
          (r) => r.status,
        );
        expect(statuses).toEqual([200, 200, 429, 200]);
        expect(control.rateLimit.counters()).toMatchObject({ allowed: 3, refused: { 'endpoint-rate': 1 } });
      });

      it('tells the truth and changes on request', async () => {
        const { send } = await transport({});
        const truth = async () => ((await (await send('/_sandbox/truth')).json()) as { resources: unknown }).resources;
        expect(await truth()).toEqual({ thing: { count: 3, digest: digestOfIds(['t2', 't0', 't1']) } });
        await send('/_sandbox/mutate', { method: 'POST', body: '{"count":2}' });
        expect(await truth()).toMatchObject({ thing: { count: 5 } });
        expect(await (await send('/_sandbox/truth/thing')).text()).toContain('{"id":"t4"}\n');
        expect((await send('/_sandbox/nothing')).status).toBe(404);
      });
    });
  }
});

describe('faults', () => {
  it('strike the same requests for the same seed', () => {
    const strikes = (seed: number) => {
      const faults = createFaults(seed, [{ kind: 500, rate: 0.2 }]);
      return Array.from({ length: 500 }, () => (faults.draw({ method: 'GET', path: '/v1/a' }) ? 1 : 0));
    };
    expect(strikes(7)).toEqual(strikes(7));
    expect(strikes(7)).not.toEqual(strikes(8));
    const total = strikes(7).reduce<number>((sum, one) => sum + one, 0);
    expect(total).toBeGreaterThan(60);
    expect(total).toBeLessThan(140);
  });
});

describe('rate limit', () => {
  it('refills a bucket steadily and a window at once', () => {
    let now = 0;
    const limit = createRateLimit(() => now, {
      endpoints: { a: { limit: 10, windowMs: 1000 }, b: { limit: 10, windowMs: 1000, kind: 'window' } },
    });
    const taken = (name: string) => Array.from({ length: 20 }, () => limit.admit(name).admitted).filter(Boolean).length;
    expect([taken('a'), taken('b')]).toEqual([10, 10]);
    now = 500;
    expect([taken('a'), taken('b')]).toEqual([5, 0]);
    now = 1000;
    expect([taken('a'), taken('b')]).toEqual([5, 10]);
  });

  it('bounds what is under way', () => {
    const limit = createRateLimit(() => 0, { concurrency: 1 });
    expect(limit.admit('a').admitted).toBe(true);
    expect(limit.admit('a')).toMatchObject({ admitted: false, refusal: { reason: 'global-concurrency' } });
    limit.release();
    expect(limit.admit('a').admitted).toBe(true);
  });
});

describe('deliveries', () => {
  const deliveries = Array.from(
    { length: 200 },
    (_, i): SandboxDelivery => ({ id: `e${i}`, body: `${i}`, sign: () => ({}) }),
  );

  async function deliver(
    settings: object,
    status = () => 200,
  ): Promise<{ got: number[]; stats: ReturnType<ReturnType<typeof createDeliverer>['stats']> }> {
    const got: number[] = [];
    const deliverer = createDeliverer({
      seed: 3,
      nowMs: () => 0,
      sleep: async () => {},
      fetch: async (_url, init) => {
        got.push(Number(init?.body));
        return new Response(null, { status: status() });
      },
      settings: { url: 'http://receiver.test', concurrency: 1, ...settings },
    });
    for (const delivery of deliveries) deliverer.send([delivery]);
    await deliverer.idle();
    return { got, stats: deliverer.stats() };
  }

  it('arrive once and in order when nothing else is asked', async () => {
    expect((await deliver({})).got).toEqual(deliveries.map((_, i) => i));
  });

  it('are dropped, doubled and reordered on request, the same way for the same seed', async () => {
    const { got, stats } = await deliver({ drop: 0.1, duplicate: 0.2, reorder: 0.2 });
    expect(stats.dropped).toBeGreaterThan(5);
    expect(stats.duplicated).toBeGreaterThan(10);
    expect(got.length).toBe(200 - stats.dropped + stats.duplicated);
    expect(got).not.toEqual([...got].sort((a, b) => a - b));
    expect((await deliver({ drop: 0.1, duplicate: 0.2, reorder: 0.2 })).got).toEqual(got);
  });

  it('are tried again after a refusal, as often as the schedule says', async () => {
    let failures = 3;
    const { stats } = await deliver({ retryDelaysMs: [1, 1] }, () => (failures-- > 0 ? 503 : 200));
    expect(stats).toMatchObject({ refused: 3, accepted: 200, retried: 3, givenUp: 0, waiting: 0 });
    expect((await deliver({ retryDelaysMs: [1, 1] }, () => 503)).stats).toMatchObject({ sent: 600, givenUp: 200 });
  });
});

describe('path patterns', () => {
  it('match whole paths', () => {
    expect(matchesPath('/v1/customers', '/v1/customers')).toBe(true);
    expect(matchesPath('/v1/*', '/v1/customers/x')).toBe(true);
    expect(matchesPath('/v1/*/lines', '/v1/invoices/in_1/lines')).toBe(true);
    expect(matchesPath('/v1/*/lines', '/v1/invoices/in_1')).toBe(false);
  });
  it('count by endpoint, not by id', () => {
    expect(pathClass('/v1/customers/cus_Abc123Def/tax_ids')).toBe('/v1/customers/:id/tax_ids');
    expect(pathClass('/v1/payment_methods')).toBe('/v1/payment_methods');
    expect(pathClass('/contacts/5f9d1c2b')).toBe('/contacts/:id');
  });
});
