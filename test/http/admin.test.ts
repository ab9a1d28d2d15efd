import { beforeAll, describe, expect, it } from 'vitest';
import { sandboxFetch } from '../../sandbox/http/fetch.ts';
import { createStripeSandbox } from '../../sandbox/stripe/index.ts';
import { DatabaseError } from '../../src/errors.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { ADMIN_KEY, customerEvent, ENV, host, SECRET, signature } from './hosted.ts';

const json = (body: unknown, headers: Record<string, string> = {}) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

describeEachDatabase('the admin routes', (make) => {
  /** For tests that leave nothing behind. */
  let shared: TestDatabase;
  beforeAll(async () => {
    shared = await make({ template: 'both connectors' });
  });

  it('A40: trigger nothing and tell nothing without the admin key', async () => {
    const { database, query } = shared;
    const { http } = host(database);
    const keys = [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      'Bearer wrong',
      `Basic ${ADMIN_KEY}`,
      `Bearer ${ADMIN_KEY}x`,
      'Bearer sb_publishable_x',
    ];
    for (const authorization of keys) {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      const answers = [
        await http.request('/sync', json({ app_key: 'stripe_main' }, headers)),
        await http.request('/worker', json({}, headers)),
        await http.request('/status', { headers }),
        await http.request('/runs/00000000-0000-4000-8000-000000000000', { headers }),
      ];
      expect([authorization, answers.map((a) => a.status)]).toEqual([authorization, [401, 401, 401, 401]]);
    }
    expect(await query('select from supasaasy.runs')).toEqual([]);
  });

  it('A40: stay closed when no admin key is configured', async () => {
    const { database } = shared;
    for (const keys of [[], ['']]) {
      const { http } = host(database, { adminKeys: () => keys });
      for (const authorization of ['Bearer ', 'Bearer undefined', 'Bearer null'])
        expect((await http.request('/worker', json({}, { authorization }))).status).toBe(401);
    }
  });

  it('take the key however its scheme is written', async () => {
    const { database } = shared;
    const { http } = host(database);
    expect((await http.request('/status', { headers: { authorization: `bearer ${ADMIN_KEY}` } })).status).toBe(200);
  });

  it('POST /sync answers 202 with the run, and joins the one that is on its way', async () => {
    const { database } = await make({ template: 'both connectors' });
    const { http, admin } = host(database);
    const first = await http.request('/sync', json({ app_key: 'stripe_main', mode: 'full' }, admin));
    expect(first.status).toBe(202);
    const { run_id } = (await first.json()) as { run_id: string };
    const second = await http.request('/sync', json({ app_key: 'stripe_main', mode: 'full' }, admin));
    expect(await second.json()).toMatchObject({ run_id, status: 'running', resumed: true });
    const run = await http.request(`/runs/${run_id}`, { headers: admin });
    expect(await run.json()).toMatchObject({
      run_id,
      app_key: 'stripe_main',
      mode: 'full',
      status: 'running',
      trigger: 'http',
    });
  });

  it('POST /sync refuses what it does not understand, and says what', async () => {
    const { database } = shared;
    const { http, admin } = host(database);
    const cases: [unknown, number, RegExp][] = [
      [{}, 400, /app_key/],
      [{ app_key: 'UPPER' }, 400, /\^\[a-z0-9_-\]/],
      [{ app_key: 'nobody' }, 404, /no app "nobody"/],
      [{ app_key: 'stripe_main', mode: 'sideways' }, 400, /mode/],
      [{ app_key: 'stripe_main', resources: ['unicorn'] }, 400, /unicorn/],
      [{ app_key: 'stripe_main', limit: 0 }, 400, /limit/],
      [{ app_key: 'stripe_main', surprise: 1 }, 400, /surprise/],
    ];
    for (const [body, status, message] of cases) {
      const answer = await http.request('/sync', json(body, admin));
      const { error } = (await answer.json()) as { error: { message: string } };
      expect([body, answer.status]).toEqual([body, status]);
      expect(error.message).toMatch(message);
    }
    const broken = await http.request('/sync', { method: 'POST', headers: admin, body: '{' });
    expect(broken.status).toBe(400);
    expect((await http.request('/sync', { headers: admin })).headers.get('allow')).toBe('POST');
    expect((await http.request('/runs/1', { headers: admin })).status).toBe(404);
    expect((await http.request('/runs/00000000-0000-4000-8000-000000000000', { headers: admin })).status).toBe(404);
    expect((await http.request('/nowhere')).status).toBe(404);
  });

  it('A16: an immediate sync answers 200 only when the run is complete', async () => {
    const { database, query } = await make({ template: 'both connectors' });
    const sandbox = createStripeSandbox({ seed: 5, size: { customers: 30 } });
    const fetch = sandboxFetch(sandbox);
    const { http, admin } = host(database, {
      env: { ...ENV, STRIPE_KEY: sandbox.apiKey },
      ports: { fetch },
      settings: { retryBaseMs: 1, maxAttempts: 2 },
    });
    const wish = { app_key: 'stripe_main', mode: 'full', resources: ['customer'], immediate: true };
    const good = await http.request('/sync', json(wish, admin));
    expect(good.status).toBe(200);
    expect(await good.json()).toMatchObject({
      status: 'completed',
      resources: { customer: { created: sandbox.counts().customer } },
    });
    expect(await query('select count(*)::int > 0 as some from supasaasy.stripe_customers')).toEqual([{ some: true }]);

    fetch.control.faults.set([{ kind: 500, path: '/v1/products*' }]);
    const bad = await http.request('/sync', json({ ...wish, resources: ['product'] }, admin));
    expect(bad.status).toBe(500);
    expect(await bad.json()).toMatchObject({ status: 'failed', error: expect.stringContaining('product') });
  });

  it('A30: POST /sync with dry_run answers with what a run would do, and begins none', async () => {
    const { database, query } = await make({ template: 'both connectors' });
    const sandbox = createStripeSandbox({ seed: 5, size: { customers: 30 } });
    const fetch = sandboxFetch(sandbox);
    const { http, admin } = host(database, {
      env: { ...ENV, STRIPE_KEY: sandbox.apiKey },
      ports: { fetch },
      sliceMs: 5_000,
    });
    const wish = { app_key: 'stripe_main', mode: 'full', resources: ['invoice', 'invoice_line_item'], dry_run: true };
    const answer = await http.request('/sync', json(wish, admin));
    expect(answer.status).toBe(200);
    const { invoice, invoice_line_item } = sandbox.counts();
    expect(await answer.json()).toMatchObject({
      dry_run: true,
      status: 'completed',
      resources: { invoice: { created: invoice }, invoice_line_item: { created: expect.any(Number) } },
    });
    expect(invoice_line_item).toBeGreaterThan(0);
    expect(await query('select from supasaasy.runs union all select from supasaasy.entities')).toEqual([]);

    fetch.control.faults.set([{ kind: 'hang' }]);
    const slow = host(database, { env: { ...ENV, STRIPE_KEY: sandbox.apiKey }, ports: { fetch }, sliceMs: 50 });
    const late = await slow.http.request('/sync', json(wish, slow.admin));
    expect([late.status, await late.json()]).toMatchObject([
      400,
      { error: { code: 'dry_run_too_long', message: expect.stringContaining('--dry-run') } },
    ]);
  });

  it('POST /worker works one slice: inbox, tasks; and says whether more is left', async () => {
    const { database, query } = await make({ template: 'both connectors' });
    const sandbox = createStripeSandbox({ seed: 5, size: { customers: 30 } });
    const { http, engine, admin } = host(database, {
      env: { ...ENV, STRIPE_KEY: sandbox.apiKey },
      ports: { fetch: sandboxFetch(sandbox) },
    });
    await engine.startRun('stripe_main', 'full', { resources: ['customer'] });
    const body = customerEvent('evt_slice', { id: 'cus_slice' });
    await http.request('/webhook/stripe_main', { method: 'POST', body, headers: signature(body) });
    const answer = await http.request('/worker', json({ budget_ms: 20_000 }, admin));
    expect(await answer.json()).toMatchObject({ deliveries: 1, more: false, started: [] });
    expect(await query('select state from supasaasy.runs')).toEqual([{ state: 'completed' }]);
    expect((await http.request('/worker', json({ budget_ms: 1 }, admin))).status).toBe(400);
  });

  it('GET /status tells how every app stands', async () => {
    const { database } = await make({ template: 'both connectors' });
    const { http, engine, admin } = host(database);
    await engine.store.declareApps([{ app_key: 'stripe_main', name: 'Stripe', connector: 'stripe' }]);
    await engine.startRun('stripe_main', 'full');
    const answer = await http.request('/status', { headers: admin });
    expect(await answer.json()).toMatchObject({
      apps: [
        {
          app_key: 'stripe_main',
          paused_at: null,
          runs: { full: { status: 'running' } },
          inbox: { waiting: 0 },
          dead_deliveries: 0,
          quarantined: 0,
        },
      ],
    });
  });

  it('GET /health/config names missing secrets to the admin, and no value to anybody (A45)', async () => {
    const { database } = shared;
    const { http, admin } = host(database, { env: { ...ENV, INTERCOM_KEY: undefined } as never });
    const open = await http.request('/health/config');
    expect([open.status, await open.json()]).toEqual([503, { status: 'incomplete' }]);
    const told = await (await http.request('/health/config', { headers: admin })).text();
    expect(JSON.parse(told)).toMatchObject({
      apps: [{ missing: [] }, { missing: [] }, { app_key: 'intercom_main', missing: ['INTERCOM_KEY'] }],
    });
    for (const secret of [SECRET, ENV.STRIPE_KEY, ADMIN_KEY]) expect(told).not.toContain(secret);
    expect((await host(database).http.request('/health/config')).status).toBe(200);
  });

  it('GET /health answers 200 while the database does', async () => {
    const { database } = shared;
    const answer = await host(database).http.request('/health');
    expect([answer.status, await answer.json(), answer.headers.get('cache-control')]).toEqual([
      200,
      { status: 'ok', database: 'ok' },
      'no-store',
    ]);
  });
});

describe('an error that nobody foresaw', () => {
  it('is 500 without its message or stack; the log has it', async () => {
    const broken = {
      call: async () => {
        throw new Error('secret detail at /srv/app.ts:1');
      },
      close: async () => {},
    };
    const { http, admin, logged } = host(broken as never);
    const answer = await http.request('/status', { headers: admin });
    expect([answer.status, await answer.json()]).toEqual([
      500,
      { error: { code: 'internal_error', message: 'something went wrong here; the log has the reason' } },
    ]);
    expect(logged.join('\n')).toContain('secret detail');
  });

  it('a database that is down is 503 on every route', async () => {
    const down = {
      call: async () => {
        throw new DatabaseError('down');
      },
      close: async () => {},
    };
    const { http, admin } = host(down as never);
    for (const path of ['/health', '/status']) expect((await http.request(path, { headers: admin })).status).toBe(503);
    expect((await http.request('/worker', json({}, admin))).status).toBe(503);
  });
});
