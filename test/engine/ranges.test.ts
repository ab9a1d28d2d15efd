import { beforeAll, expect, it } from 'vitest';
import '../../connectors/stripe/index.ts';
import { type SandboxFetch, sandboxFetch } from '../../sandbox/http/fetch.ts';
import type { SandboxOptions } from '../../sandbox/http/sandbox.ts';
import { truthOf } from '../../sandbox/http/truth.ts';
import { createStripeSandbox, type StripeSandboxOptions } from '../../sandbox/stripe/index.ts';
import { defineConfig } from '../../src/config.ts';
import type { Database } from '../../src/engine/database.ts';
import { createEngine, type Engine } from '../../src/engine/engine.ts';
import type { Ports } from '../../src/engine/ports.ts';
import { createPostgres } from '../../src/runtime/node/postgres.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import '../http/hosted.ts';

const KEY = 'sk_live_ranges';
const DIGEST = `select count(*)::int as count, mod(coalesce(sum(('x' || left(md5(external_id), 16))::bit(64)::bigint::numeric), 0), 18446744073709551616)::text as digest
  from supasaasy.entities where app_key = $1 and collection_key = 'stripe_customer' and deleted_at is null`;
let shops = 0;

interface Shop {
  readonly key: string;
  readonly fetch: SandboxFetch;
  /** One more process over the same database. */
  engine(options?: { database?: Database; ports?: Partial<Ports>; onPage?: () => void }): Engine;
  requests(): number;
  expectTruth(): Promise<void>;
}

/** An emulated Stripe account with customers, and engines that mirror it. */
function openShop(
  db: TestDatabase,
  options: StripeSandboxOptions,
  { settings = {}, ...sandboxOptions }: SandboxOptions & { settings?: Record<string, number> } = {},
): Shop {
  const key = `shop_${process.pid}_${++shops}`;
  const sandbox = createStripeSandbox({ apiKey: KEY, ...options });
  const fetch = sandboxFetch(sandbox, sandboxOptions);
  const config = defineConfig({
    apps: [
      {
        app_key: key,
        connector: 'stripe',
        config: {
          api_key_env: 'KEY',
          webhook_secret_env: 'SECRET',
          sync_resources: ['customer'],
          requests_per_second: 10_000,
          requests_per_second_per_endpoint: 10_000,
          concurrency: 25,
          ...settings,
        },
      },
    ],
  });
  return {
    key,
    fetch,
    engine: ({ database = db.database, ports = {}, onPage } = {}) =>
      createEngine({
        config,
        database,
        env: { KEY },
        ports: { fetch, ...ports },
        ...(onPage === undefined ? {} : { onPage }),
      }),
    requests: () => Object.values(fetch.control.requests()).reduce((sum, n) => sum + n, 0),
    async expectTruth() {
      const truth = truthOf(sandbox, 'customer');
      const [held] = await db.query<{ count: number; digest: string }>(DIGEST, [key]);
      const digest = BigInt.asUintN(64, BigInt(held?.digest ?? 0))
        .toString(16)
        .padStart(16, '0');
      expect({ count: held?.count, digest }).toEqual(truth);
    },
  };
}

const expireLeases = (db: TestDatabase, { key }: Shop) =>
  db.query(
    `update supasaasy.tasks set lease_until = clock_timestamp() - interval '1 second' where app_key = $1 and state = 'running'`,
    [key],
  );

describeEachDatabase('ranges of creation time', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: 'both connectors' });
  });

  for (const distribution of ['even', 'skewed'] as const)
    for (const burst of [4, 250])
      it(`bring every object, in few more requests than full pages, where objects lie ${distribution} in time and ${burst} share a second`, async () => {
        const shop = openShop(db, { size: { customers: 8_000 }, distribution, burst });
        const engine = shop.engine();
        const run = await engine.sync(shop.key, 'full');
        expect(run).toMatchObject({ state: 'completed', resources: { customer: { created: 8_000, errors: 0 } } });
        await shop.expectTruth();
        // 80 full pages, a half of one at the end of each range, and guesses that found nothing: more of them where density
        // changes by the month. At 50,000 objects all of it is a twentieth: `npm run bench -- latency`.
        expect(shop.requests()).toBeLessThanOrEqual(distribution === 'even' ? 104 : 120);
        const [parts] = await db.query<{ n: number }>(
          `select count(*)::int as n from supasaasy.tasks where app_key = $1 and kind = 'list'`,
          [shop.key],
        );
        expect(parts?.n).toBeGreaterThan(5);
      });

  it('are cut by how long a page is: a first one as far as the next one begins, though its last gap is not in it', async () => {
    const shop = openShop(db, { size: { customers: 1_600 }, distribution: 'even', burst: 4 });
    const { store, app, startRun } = shop.engine();
    await startRun(shop.key, 'full');
    const [task] = await store.claimTasks(1, 60, { app_key: shop.key });
    if (task === undefined) throw new Error('nothing to claim');
    const list = async (after: string) => {
      const url = `https://api.stripe.com/v1/customers?limit=100${after}`;
      return await (await shop.fetch(url, { headers: { authorization: `Bearer ${KEY}` } })).text();
    };
    const read = (body: string) => (JSON.parse(body) as { data: { id: string; created: number }[] }).data;
    const body = await list('');
    const next = { style: 'last_id', more: ['has_more'] } as const;
    const moment = { started_at: new Date().toISOString(), version: Date.now(), version_until: Date.now() };
    await store.ingestPage(task, body, { spec: app(shop.key).spec('customer'), ...moment, next });
    const [first, following] = [read(body), read(await list(`&starting_after=${read(body).at(-1)?.id}`))];
    const length = (first[0]?.created ?? 0) - (following[0]?.created ?? 0);
    const [held] = await db.query<{ page_span: string }>('select page_span from supasaasy.tasks where id = $1', [
      task.id,
    ]);
    // Whole seconds: a gap more or less would be a twenty-fifth.
    expect(Math.abs(Number(held?.page_span) - length)).toBeLessThan(length / 100);
  });

  it('go on where a worker was killed: with its ranges, its page in flight and its tokens', async () => {
    const shop = openShop(db, { size: { customers: 4_000 } }, { settings: { requests_per_second: 50 } });
    let pages = 0;
    const underWay: Promise<unknown>[] = [];
    const dying = (database: Database): Database => ({
      ...database,
      call: <T>(name: string, args: Readonly<Record<string, unknown>>) => {
        if (name === 'ingest_page') pages += 1;
        // From its twelfth page on nothing of it reaches the database, not even that it gives its tasks back.
        const answer = pages > 12 ? Promise.reject<T>(new Error('killed')) : database.call<T>(name, args);
        underWay.push(answer);
        return answer;
      },
    });
    const first = shop.engine({ database: dying(db.database) });
    const { runId } = await first.startRun(shop.key, 'full');
    await first.work({ filter: { run_id: runId } }).catch(() => {});
    // The server ends what it had begun for the dead.
    await Promise.allSettled(underWay);
    const held = await db.query(`select from supasaasy.tasks where app_key = $1 and state = 'running'`, [shop.key]);
    expect(held.length).toBeGreaterThan(1);
    await expireLeases(db, shop);
    const second = shop.engine();
    await second.work({ filter: { run_id: runId } });
    expect(await second.getRun(runId)).toMatchObject({ state: 'completed' });
    await shop.expectTruth();
  });

  it('end, and nothing is lost, when the provider allows a tenth of what it says', async () => {
    const shop = openShop(
      db,
      { size: { customers: 2_400 } },
      { rateLimit: { endpoint: { limit: 6, windowMs: 1_000 } }, settings: { requests_per_second_per_endpoint: 60 } },
    );
    const run = await shop.engine().sync(shop.key, 'full');
    expect(run).toMatchObject({ state: 'completed', resources: { customer: { created: 2_400, errors: 0 } } });
    const { refused } = shop.fetch.control.rateLimit.counters();
    expect(refused['endpoint-rate']).toBeGreaterThan(0);
    await shop.expectTruth();
  });

  it('wait ten minutes at most, whatever the provider says in Retry-After', async () => {
    const shop = openShop(db, { size: { customers: 160 } });
    const refuse = () => new Response('{}', { status: 429, headers: { 'retry-after': '99999999' } });
    const engine = shop.engine({ ports: { fetch: () => Promise.resolve(refuse()) } });
    const { runId } = await engine.startRun(shop.key, 'full');
    await engine.work({ filter: { run_id: runId }, once: true });
    const wait = await engine.store.nextTaskIn({ run_id: runId });
    expect(wait).toBeGreaterThan(500_000);
    expect(wait).toBeLessThanOrEqual(600_000);
  });

  it('are read with one request a second where that is all there is', async () => {
    const at: number[] = [];
    const shop = openShop(db, { size: { customers: 320 } }, { settings: { requests_per_second: 1 } });
    const fetch: typeof globalThis.fetch = (input, init) => {
      at.push(performance.now());
      return shop.fetch(String(input), init);
    };
    const run = await shop.engine({ ports: { fetch } }).sync(shop.key, 'full');
    expect(run).toMatchObject({ state: 'completed' });
    await shop.expectTruth();
    expect(at.length).toBeLessThan(10);
    // The bucket holds one: after the first, one a second.
    expect((at.at(-1) ?? 0) - (at[0] ?? 0)).toBeGreaterThan((at.length - 2) * 900);
  });

  it('go on when clocks jump: ours by hours in both directions, and the one that filled the buckets by a day', async () => {
    const shop = openShop(db, { size: { customers: 3_200 } }, { settings: { requests_per_second: 100 } });
    let asked = 0;
    const engine = shop.engine({
      ports: { now: () => Date.now() + (++asked % 2 === 0 ? -1 : 1) * 3 * 3_600_000 },
    });
    await engine.store.takeTokens(shop.key, 'all', 1, 2, 100, 20);
    await db.query(
      `update supasaasy.rate_budgets set tokens = 0, refilled_at = clock_timestamp() + interval '1 day',
         blocked_until = clock_timestamp() + interval '1 day' where app_key = $1`,
      [shop.key],
    );
    const run = await engine.sync(shop.key, 'full');
    expect(run).toMatchObject({ state: 'completed', resources: { customer: { created: 3_200 } } });
    await shop.expectTruth();
  });

  it('leave what a dead worker took from the bucket to time, and tell how much of the budget is in use', async () => {
    const shop = openShop(db, { size: { customers: 1_600 } }, { settings: { requests_per_second: 40 } });
    const engine = shop.engine();
    const dead = await engine.store.takeTokens(shop.key, 'all', 1_000, 0, 40, 8);
    expect(dead.granted).toBe(8);
    await engine.sync(shop.key, 'full');
    await shop.expectTruth();
    const use = engine.context.budget.use(shop.key);
    expect(use).toBeGreaterThan(0);
    expect(use).toBeLessThanOrEqual(1);
    expect(engine.context.budget.use('another')).toBe(0);
  });
});

describeEachDatabase(
  'twenty workers',
  (make) => {
    it('on one database share the work: each page is read once, by many, and all rows are there', async () => {
      const db = await make({ template: 'both connectors', max: 4 });
      const latency = { faults: [{ kind: 'latency', latencyMs: 20 } as const] };
      const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
      const shop = openShop(db, { size: { customers: 16_000 } }, { ...latency, sleep });
      const connectionString = db.connectionString ?? '';
      const pages = Array.from({ length: 20 }, () => 0);
      const databases = pages.map(() => createPostgres({ connectionString, max: 2 }));
      const engines = databases.map((database, i) =>
        shop.engine({
          database,
          onPage: () => {
            pages[i] = (pages[i] ?? 0) + 1;
          },
        }),
      );
      const run = await engines[0]?.startRun(shop.key, 'full');
      await Promise.all(engines.map((engine) => engine.work({ slots: 1 })));
      expect(await engines[0]?.getRun(run?.runId ?? '')).toMatchObject({
        state: 'completed',
        resources: { customer: { created: 16_000, errors: 0 } },
      });
      await shop.expectTruth();
      expect(pages.filter((n) => n > 0).length).toBeGreaterThan(5);
      // Each of them asks whose key it is, once.
      expect(shop.requests()).toBeLessThan(engines.length + 160 * 1.1);
      await Promise.all(databases.map((database) => database.close()));
    });
  },
  { kinds: ['postgres'] },
);
