import { beforeAll, expect, it } from 'vitest';
import '../../../connectors/stripe/index.ts';
import { sandboxFetch } from '../../../sandbox/http/fetch.ts';
import { createStripeSandbox } from '../../../sandbox/stripe/index.ts';
import { defineConfig } from '../../../src/config.ts';
import { createEngine } from '../../../src/engine/engine.ts';
import { describeEachDatabase, registerTemplate, type TestDatabase } from '../../setup/database.ts';
import { migrateStripe } from './template.ts';

registerTemplate('stripe', migrateStripe);
let apps = 0;

describeEachDatabase('C8: deliveries of another mode or account of Stripe', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: 'stripe' });
  });

  function connect(apiKey: string, options: { account?: string; cannotTell?: boolean } = {}) {
    const sandbox = createStripeSandbox({ seed: 5, size: { customers: 16 }, apiKey });
    const fetch = sandboxFetch(sandbox);
    const app = `shop_${process.pid}_${++apps}`;
    const config = defineConfig({
      apps: [
        {
          app_key: app,
          connector: 'stripe',
          config: {
            api_key_env: 'KEY',
            webhook_secret_env: 'SECRET',
            sync_resources: ['product', 'coupon'],
            ...(options.account === undefined ? {} : { account: options.account }),
          },
        },
      ],
    });
    const through: typeof globalThis.fetch = async (input, init) =>
      options.cannotTell && String(input).endsWith('/v1/account')
        ? new Response('{"error":{"message":"no permission"}}', { status: 403 })
        : await fetch(input, init);
    const engine = createEngine({
      config,
      database: db.database,
      env: { KEY: apiKey, SECRET: 'whsec_sandbox' },
      settings: { retryBaseMs: 0 },
      ports: { fetch: through },
    });
    const world = {
      sandbox,
      engine,
      app,
      /** Writes to the account; its deliveries are signed and accepted, and worked. */
      async change(method: string, path: string, body = '') {
        const answer = sandbox.handle({
          method,
          path,
          query: new URLSearchParams(),
          headers: { authorization: `Bearer ${apiKey}` },
          body,
        });
        expect(answer.status).toBe(200);
        for (const delivery of sandbox.takeDeliveries?.() ?? []) {
          const headers = new Headers(delivery.sign(delivery.body, Date.now()));
          await engine.acceptor.accept(engine.app(app), new TextEncoder().encode(delivery.body), headers);
        }
        await engine.drain({ retryBaseMs: 0 });
        await engine.work({ filter: { app_key: app } });
        return JSON.parse(String(answer.body)) as { id: string };
      },
      inbox: () =>
        db.query<{ event_type: string; state: string; reason: string | null }>(
          'select event_type, state, reason from supasaasy.inbox where app_key = $1 order by id',
          [app],
        ),
      living: async (collection: string) =>
        (
          await db.query<{ external_id: string }>(
            'select external_id from supasaasy.entities where app_key = $1 and collection_key = $2 and deleted_at is null order by 1',
            [app, collection],
          )
        ).map(({ external_id }) => external_id),
    };
    return world;
  }

  it.each([
    ['sk_live_1', false],
    ['sk_test_1', true],
  ])(
    'the key %s: events with livemode %s are kept and ignored with the reason, from webhooks and from the log',
    async (key, livemode) => {
      const world = connect(key);
      expect(await world.engine.sync(world.app, 'full')).toMatchObject({ state: 'completed' });
      const [coupon = ''] = await world.living('stripe_coupon');
      const before = [await world.living('stripe_product'), await world.living('stripe_coupon')];
      world.sandbox.settings.eventLivemode = livemode;
      await world.change('POST', '/v1/products', 'name=of+the+other+mode');
      await world.change('DELETE', `/v1/coupons/${coupon}`);
      const why = livemode
        ? 'from live mode; this app mirrors test mode'
        : 'from test mode; this app mirrors live mode';
      expect(await world.inbox()).toEqual([
        { event_type: 'product.created', state: 'ignored', reason: why },
        { event_type: 'coupon.deleted', state: 'ignored', reason: why },
      ]);
      await db.query('delete from supasaasy.inbox where app_key = $1', [world.app]);
      expect(await world.engine.sync(world.app, 'incremental')).toMatchObject({ state: 'completed' });
      expect((await world.inbox()).map(({ state, reason }) => [state, reason])).toEqual([
        ['ignored', why],
        ['ignored', why],
      ]);
      expect([await world.living('stripe_product'), await world.living('stripe_coupon')]).toEqual(before);
      // The own mode is taken as before.
      world.sandbox.settings.eventLivemode = !livemode;
      const { id } = await world.change('POST', '/v1/products', 'name=ours');
      expect(await world.living('stripe_product')).toContain(id);
    },
  );

  it('before the first run, and where the key may not ask: the key says the mode, a delivery never does', async () => {
    for (const cannotTell of [false, true]) {
      const world = connect('rk_live_1', { cannotTell });
      world.sandbox.settings.eventLivemode = false;
      await world.change('POST', '/v1/products', 'name=test');
      world.sandbox.settings.eventLivemode = true;
      const { id } = await world.change('POST', '/v1/products', 'name=live');
      expect(await world.living('stripe_product')).toEqual([id]);
      expect((await world.inbox()).map(({ state }) => state)).toEqual(['ignored', 'processed']);
    }
  });

  it('a connected account: both modes of it arrive at one endpoint, and other accounts as well', async () => {
    const world = connect('sk_live_1', { account: 'acct_1Connected' });
    const { settings } = world.sandbox;
    await world.engine.sync(world.app, 'full');
    const before = await world.living('stripe_product');
    Object.assign(settings, { eventAccount: 'acct_1Connected', eventLivemode: false });
    await world.change('POST', '/v1/products', 'name=test');
    Object.assign(settings, { eventAccount: 'acct_1Other', eventLivemode: true });
    await world.change('POST', '/v1/products', 'name=other');
    Object.assign(settings, { eventAccount: null });
    await world.change('POST', '/v1/products', 'name=platform');
    expect(await world.living('stripe_product')).toEqual(before);
    expect((await world.inbox()).map(({ reason }) => reason)).toEqual([
      'from test mode; this app mirrors live mode',
      'about account acct_1Other, which this app does not mirror',
      'about account (the platform itself), which this app does not mirror',
    ]);
    Object.assign(settings, { eventAccount: 'acct_1Connected' });
    const { id } = await world.change('POST', '/v1/products', 'name=ours');
    expect(await world.living('stripe_product')).toContain(id);
  });

  it('an organization: an event that names the recorded account is taken, one of a sister account is not', async () => {
    const world = connect('sk_test_1');
    const { settings } = world.sandbox;
    // Before the first run: the account is asked for, once.
    settings.eventAccount = settings.accountId;
    const { id } = await world.change('POST', '/v1/products', 'name=ours');
    settings.eventAccount = 'acct_1Sister';
    await world.change('POST', '/v1/products', 'name=sister');
    expect(await world.living('stripe_product')).toEqual([id]);
    expect(await world.inbox()).toMatchObject([
      { state: 'processed' },
      { state: 'ignored', reason: 'about account acct_1Sister, which this app does not mirror' },
    ]);
  });
});
