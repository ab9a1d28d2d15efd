import { beforeAll, expect, it } from 'vitest';
import '../../connectors/stripe/index.ts';
import { sandboxFetch } from '../../sandbox/http/fetch.ts';
import { createStripeSandbox } from '../../sandbox/stripe/index.ts';
import { defineConfig } from '../../src/config.ts';
import { createEngine } from '../../src/engine/engine.ts';
import type { Task } from '../../src/engine/store.ts';
import '../http/hosted.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';

/** What a delivery asks to read again; an incremental run; a full one; an audit. */
const [URGENT, INCREMENTAL, FULL, AUDIT] = [0, 1, 2, 3];

describeEachDatabase('the rate budget', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: 'both connectors' });
  });

  function open(app_key: string, settings: object, fetched: (path: string) => Promise<void> | void = () => {}) {
    const fetch = sandboxFetch(createStripeSandbox({ size: { customers: 4 } }));
    const engine = createEngine({
      config: defineConfig({ apps: [{ app_key, connector: 'stripe', config: { api_key_env: 'KEY', ...settings } }] }),
      database: db.database,
      env: { KEY: 'sk_test_sandbox' },
      ports: {
        fetch: async (input, init) => {
          await fetched(new URL(String(input)).pathname);
          return await fetch(input, init);
        },
      },
    });
    const { signal } = new AbortController();
    const request = (path: string, priority = FULL) =>
      engine.context.request(engine.app(app_key), { path }, { priority } as Task, signal);
    return { engine, request };
  }

  it('leaves a share to what deliveries ask for, however much an incremental run takes', async () => {
    const { store } = open('share', {}).engine;
    // A bucket that does not refill while the test looks.
    const take = async (priority: number) =>
      (await store.takeTokens('share', 'all', 1_000, priority, 0.001, 20)).granted;
    expect([await take(AUDIT), await take(FULL), await take(INCREMENTAL)]).toEqual([10, 6, 2]);
    expect([await take(AUDIT), await take(FULL), await take(INCREMENTAL)]).toEqual([0, 0, 0]);
    expect(await take(URGENT)).toBe(2);
  });

  it('gives what comes back to the more urgent first', async () => {
    const { store } = open('order', {}).engine;
    const take = (priority: number) => store.takeTokens('order', 'all', 1_000, priority, 0.001, 20);
    await take(URGENT);
    const waits = [];
    for (const priority of [URGENT, INCREMENTAL, FULL, AUDIT]) waits.push((await take(priority)).wait_ms);
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(new Set(waits).size).toBe(4);
  });

  it('lets nobody who may go wait for somebody who may not, in one process', async () => {
    const { engine } = open('line', {});
    const app = engine.app('line');
    const wanted = { path: '/v1/customers' };
    const { context } = engine;
    await context.budget.acquire(app, wanted, URGENT, new AbortController().signal);
    // An audit has to wait for two more, which takes seconds.
    await db.query(`update supasaasy.rate_budgets set tokens = 1.5, rate = 0.9, burst = 5 where app_key = 'line'`);
    const ending = new AbortController();
    let auditMay = false;
    const audit = context.budget.acquire(app, wanted, AUDIT, ending.signal).then((may) => {
      auditMay = may;
    });
    expect(await context.budget.acquire(app, wanted, URGENT, ending.signal)).toBe(true);
    expect(auditMay).toBe(false);
    ending.abort();
    await audit;
    expect(auditMay).toBe(false);
  });

  it('lets what is urgent go first through the gate of few requests at one time', async () => {
    const sent: string[] = [];
    let letGo = () => {};
    let firstIsSent = () => {};
    const first = new Promise<void>((resolve) => {
      firstIsSent = resolve;
    });
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const { request } = open('gate', { concurrency: 1, requests_per_second: 1000 }, async (path) => {
      if (path === '/v1/account') return;
      sent.push(path);
      firstIsSent();
      if (sent.length === 1) await held;
    });
    const all = [request('/v1/customers')];
    await first;
    all.push(
      request('/v1/products', FULL),
      request('/v1/charges', INCREMENTAL),
      request('/v1/customers/cus_1', URGENT),
    );
    letGo();
    await Promise.allSettled(all);
    expect(sent).toEqual(['/v1/customers', '/v1/customers/cus_1', '/v1/charges', '/v1/products']);
  });
});
