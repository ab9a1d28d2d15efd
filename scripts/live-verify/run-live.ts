import { intercom } from '../../connectors/intercom/index.ts';
import { stripe } from '../../connectors/stripe/index.ts';
import { type SandboxServer, serveSandbox } from '../../sandbox/http/serve.ts';
import { createIntercomSandbox } from '../../sandbox/intercom/intercom-sandbox.ts';
import { createStripeSandbox } from '../../sandbox/stripe/index.ts';
import { defineConfig } from '../../src/config.ts';
import type { SqlDatabase } from '../../src/engine/database.ts';
import { createEngine, type Engine } from '../../src/engine/engine.ts';
import { createHttp } from '../../src/engine/http/create-http.ts';
import { type Comparison, compareWithAccount } from '../demo-verify/compare.ts';

export interface LiveOptions {
  /** A database with the migrations of the engine and of both connectors. */
  readonly database: SqlDatabase;
  /** Changes of each account. */
  readonly changes: number;
  readonly customers: number;
  readonly contacts: number;
  readonly seed: number;
}

type Differences = Readonly<Record<string, Comparison['differences']>>;

export interface LiveReport {
  readonly changes: number;
  /** What the emulated providers did with their deliveries, by provider. */
  readonly deliveries: Readonly<Record<string, unknown>>;
  readonly inbox: readonly unknown[];
  /** Collections that differ from their account after each stage; empty when none does. */
  readonly differences: {
    readonly after_events: Differences;
    readonly after_incremental: Differences;
    readonly after_audit: Differences;
  };
  /** What the audit found, by resource; it repaired all of it. */
  readonly audit: Readonly<Record<string, unknown>>;
  readonly collections: Readonly<
    Record<string, { readonly account: number; readonly mirror: number; readonly same: number }>
  >;
  readonly equal: boolean;
}

/** Every delivery comes twice, half of them later than those that follow, one in twenty never. */
const FAULTS = { duplicate: 1, reorder: 0.5, drop: 0.05 };
const AT_A_TIME = 10;

/** Two live accounts with a poor delivery, then one incremental run, then one audit that repairs. */
export async function runLive({ database, changes, customers, contacts, seed }: LiveOptions): Promise<LiveReport> {
  let deliver: typeof fetch = () => Promise.reject(new Error('nothing listens yet'));
  const options = { seed, deliverFetch: ((url, init) => deliver(url, init)) as typeof fetch };
  const shop = createStripeSandbox({ seed, size: { customers } });
  const desk = createIntercomSandbox({ seed, size: deskOf(contacts) });
  const servers = [await serveSandbox(shop, options), await serveSandbox(desk, options)] as const;
  try {
    const engine = createEngine({
      config: configOf(...servers),
      database,
      env: {
        SHOP_KEY: shop.apiKey,
        SHOP_SECRET: shop.settings.webhookSecrets[0],
        DESK_KEY: desk.accessToken,
        DESK_SECRET: desk.clientSecret,
      },
      settings: { auditGraceMs: 0 },
    });
    const http = createHttp(engine, { adminKeys: () => [] });
    deliver = async (url, init) => await http.fetch(new Request(url, init));
    const apps = [...engine.apps.keys()];
    for (const app of apps) await complete(engine, app, 'full');
    for (const [n, { control }] of servers.entries())
      control.deliverer.set({ ...FAULTS, url: `http://mirror.test/webhook/${apps[n]}` });
    for (let made = 0; made < changes; made += AT_A_TIME) {
      for (const { control } of servers) control.mutate(Math.min(AT_A_TIME, changes - made));
      await engine.drain();
    }
    await settle(engine, servers);
    const compared = async () => await compareAll(database, servers);
    const afterEvents = await compared();
    for (const app of apps) await complete(engine, app, 'incremental');
    await settle(engine, servers);
    const afterIncremental = await compared();
    const audit: Record<string, unknown> = {};
    for (const app of apps) {
      const run = await engine.audit(app, { repair: true });
      if (run.state !== 'completed') throw new Error(`the audit of ${app} is ${run.state}: ${run.error}`);
      for (const [resource, { missing, stale, extra, repaired }] of Object.entries(run.resources))
        if (missing + stale + extra > 0) audit[resource] = { missing, stale, extra, repaired };
    }
    const afterAudit = await compared();
    const stages = { after_events: afterEvents, after_incremental: afterIncremental, after_audit: afterAudit };
    return {
      changes,
      deliveries: Object.fromEntries(servers.map(({ control }) => [control.provider.name, control.deliverer.stats()])),
      inbox: await database.query(
        'select app_key, state, count(*)::int as n from supasaasy.inbox group by 1, 2 order by 1, 2',
      ),
      differences: {
        after_events: differencesOf(stages.after_events),
        after_incremental: differencesOf(stages.after_incremental),
        after_audit: differencesOf(stages.after_audit),
      },
      audit,
      collections: Object.fromEntries(
        Object.entries(afterAudit).map(([name, { account, mirror, same }]) => [name, { account, mirror, same }]),
      ),
      equal: Object.keys(differencesOf(afterAudit)).length === 0,
    };
  } finally {
    for (const server of servers) await server.close();
  }
}

/** A workspace in proportion to its contacts. */
function deskOf(contacts: number) {
  const some = Math.ceil(contacts / 4);
  return { contacts, companies: some, conversations: some, tickets: some, articles: Math.ceil(contacts / 10) };
}

function configOf(shop: SandboxServer, desk: SandboxServer) {
  const config = (name: string, url: string) => ({
    api_key_env: `${name}_KEY`,
    webhook_secret_env: `${name}_SECRET`,
    base_url: url,
  });
  return defineConfig({
    apps: [
      {
        app_key: 'shop',
        connector: stripe.metadata.name,
        config: { ...config('SHOP', shop.url), requests_per_second: 10_000 },
      },
      { app_key: 'desk', connector: intercom.metadata.name, config: config('DESK', desk.url) },
    ],
  });
}

async function complete(engine: Engine, app: string, mode: 'full' | 'incremental'): Promise<void> {
  const run = await engine.sync(app, mode);
  if (run.state !== 'completed') throw new Error(`the ${mode} run of ${app} is ${run.state}: ${run.error}`);
}

/** Everything that was sent has arrived and is worked, and what was asked again is answered. */
async function settle(engine: Engine, servers: readonly SandboxServer[]): Promise<void> {
  for (const { control } of servers) await control.deliverer.idle();
  await engine.drain();
  await engine.work();
}

async function compareAll(
  database: SqlDatabase,
  servers: readonly SandboxServer[],
): Promise<Record<string, Comparison>> {
  const demo = {
    query: <Row extends object>(sql: string) =>
      database.query<Row>(sql.replace('from entities', 'from supasaasy.entities')),
  };
  const result: Record<string, Comparison> = {};
  for (const { control } of servers) {
    const { provider } = control;
    const account = {
      name: provider.name,
      control: async () => provider.counts(),
      objects: async (resource: string) => [...provider.objects(resource)].map(({ json }) => JSON.parse(json)),
    };
    Object.assign(result, await compareWithAccount(demo, account));
  }
  return result;
}

function differencesOf(collections: Readonly<Record<string, Comparison>>): Differences {
  return Object.fromEntries(
    Object.entries(collections).flatMap(([name, { differences }]) =>
      Object.keys(differences).length > 0 ? [[name, differences]] : [],
    ),
  );
}
