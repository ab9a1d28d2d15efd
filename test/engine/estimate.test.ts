import { beforeAll, expect, it } from 'vitest';
import '../../connectors/intercom/index.ts';
import '../../connectors/stripe/index.ts';
import { sandboxFetch } from '../../sandbox/http/fetch.ts';
import { createIntercomSandbox } from '../../sandbox/intercom/intercom-sandbox.ts';
import { createStripeSandbox, type StripeSandboxOptions } from '../../sandbox/stripe/index.ts';
import { parseConfig } from '../../src/config.ts';
import { createEngine } from '../../src/engine/engine.ts';
import { estimateRun } from '../../src/engine/sync/estimate-run.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import '../http/hosted.ts';

const KEY = 'sk_live_estimates';
const RESOURCES = ['customer', 'charge', 'product', 'payment_method', 'tax_rate'];

describeEachDatabase('what a first sync would cost', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: 'both connectors' });
  });
  const signal = new AbortController().signal;
  const shop = (options: StripeSandboxOptions, resources = RESOURCES) => {
    const sandbox = createStripeSandbox({ apiKey: KEY, ...options });
    const config = parseConfig({
      apps: [
        {
          app_key: 'shop',
          connector: 'stripe',
          config: { api_key_env: 'KEY', webhook_secret_env: 'SECRET', sync_resources: resources },
        },
      ],
    });
    const fetch = sandboxFetch(sandbox);
    const ports = { fetch, sleep: () => Promise.resolve() };
    return { sandbox, fetch, engine: createEngine({ config, database: db.database, env: { KEY }, ports }) };
  };
  const sizeOf = ({ resources }: Awaited<ReturnType<typeof estimateRun>>, name: string) =>
    resources.find((one) => one.resource === name);

  for (const distribution of ['even', 'skewed'] as const)
    it(`is estimated within a third where objects lie ${distribution} in time, with few requests, and nothing is stored`, async () => {
      const { engine, sandbox, fetch } = shop({ size: { customers: 20_000 }, distribution });
      const estimate = await estimateRun(engine, 'shop', {}, signal);
      for (const name of ['customer', 'charge']) {
        const truth = sandbox.counts()[name] ?? 0;
        const size = sizeOf(estimate, name);
        expect(size?.how).toBe('sampled');
        expect([name, (size?.objects ?? 0) > truth * 0.66, (size?.objects ?? 0) < truth * 1.5]).toEqual([
          name,
          true,
          true,
        ]);
        expect(size?.requests).toBeGreaterThanOrEqual(Math.ceil((size?.objects ?? 0) / 100));
      }
      expect(sizeOf(estimate, 'tax_rate')).toMatchObject({ how: 'exact', objects: sandbox.counts()['tax_rate'] });
      expect(sizeOf(estimate, 'payment_method')).toMatchObject({ how: 'at_least', objects: 100, serial: true });
      const sent = Object.values(fetch.control.requests()).reduce((sum, n) => sum + n, 0);
      expect(sent).toBe(estimate.requests_sent);
      expect(sent).toBeLessThan(80);
      expect(await db.query('select from supasaasy.runs')).toEqual([]);
    });

  it('is bound by the slowest bucket: 25 requests a second for one endpoint', async () => {
    const { engine } = shop({ size: { customers: 20_000 } }, ['charge']);
    const estimate = await estimateRun(engine, 'shop', {}, signal);
    expect(estimate.bound_by).toContain('25 requests a second');
    expect(estimate.minutes).toBeCloseTo(estimate.requests / 25 / 60, 1);
  });

  it('counts with the rate as it was learned from refusals', async () => {
    const { engine } = shop({ size: { customers: 2_000 } }, ['refund']);
    await estimateRun(engine, 'shop', {}, signal);
    const [share] = (await estimateRun(engine, 'shop', {}, signal)).budget;
    expect(share?.per_second).toBe(25);
    await engine.store.learnRate('shop', share?.class ?? '', true, 0);
    expect((await estimateRun(engine, 'shop', {}, signal)).budget[0]?.per_second).toBe(17.5);
  });

  it('names the permissions that are missing, and estimates the rest', async () => {
    const { engine } = shop({ size: { customers: 160 }, denied: ['/v1/charges*'] });
    const estimate = await estimateRun(engine, 'shop', {}, signal);
    expect(estimate.missing_permissions).toMatchObject([{ resource: 'charge' }]);
    expect(estimate.missing_permissions[0]?.message).not.toContain(KEY);
    expect(sizeOf(estimate, 'customer')?.how).toBe('sampled');
  });

  it('takes the counts of a provider that counts, and opens no scroll', async () => {
    const sandbox = createIntercomSandbox({});
    const config = parseConfig({
      apps: [
        {
          app_key: 'support',
          connector: 'intercom',
          config: { api_key_env: 'KEY', webhook_secret_env: 'SECRET' },
        },
      ],
    });
    const fetch = sandboxFetch(sandbox);
    const engine = createEngine({ config, database: db.database, env: { KEY: sandbox.accessToken }, ports: { fetch } });
    const estimate = await estimateRun(engine, 'support', {}, signal);
    for (const name of ['contact', 'conversation', 'ticket', 'company'])
      expect([name, sizeOf(estimate, name)?.how]).toEqual([name, 'counted']);
    expect(sizeOf(estimate, 'conversation')?.objects).toBe(sandbox.counts()['conversation']);
    // Each is read for itself: the list shows it without its parts.
    expect(sizeOf(estimate, 'conversation')?.requests).toBeGreaterThan(sandbox.counts()['conversation'] ?? 0);
    expect(Object.keys(fetch.control.requests()).filter((path) => path.includes('scroll'))).toEqual([]);
  });
});
