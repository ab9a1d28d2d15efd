import { describe, expect, it } from 'vitest';
import { stripe } from '../../connectors/stripe/index.ts';
import { sandboxFetch } from '../../sandbox/http/fetch.ts';
import { createStripeSandbox } from '../../sandbox/stripe/index.ts';
import { parseConfig } from '../../src/config.ts';
import { createEngine } from '../../src/engine/engine.ts';
import type { AuditRun } from '../../src/engine/proof.ts';
import type { RunOptions } from '../../src/engine/store.ts';
import { migrateStripe } from '../connectors/stripe/template.ts';
import { describeEachDatabase, type MakeDatabase, registerTemplate } from '../setup/database.ts';

registerTemplate('stripe', migrateStripe);

const RESOURCES = ['customer', 'product', 'subscription', 'subscription_item', 'charge', 'invoice'] as const;
const LISTED = RESOURCES.filter((name) => name !== 'subscription_item');

async function mirror(make: MakeDatabase, resources: readonly string[] = RESOURCES) {
  const sandbox = createStripeSandbox({ seed: 11, size: { customers: 130 } });
  const fetch = sandboxFetch(sandbox);
  const world = {
    /** Told after an answer was made and before it arrives. */
    between: async (_path: string): Promise<void> => {},
  };
  const { database, query } = await make({ template: 'stripe' });
  const config = parseConfig({
    apps: [
      {
        app_key: 'main',
        connector: stripe.metadata.name,
        config: { api_key_env: 'KEY', requests_per_second: 10_000, sync_resources: [...resources] },
      },
    ],
  });
  const engine = createEngine({
    config,
    database,
    env: { KEY: sandbox.apiKey },
    ports: {
      async fetch(input, init) {
        const answer = await fetch(input as URL, init);
        await world.between((input as URL).pathname);
        return answer;
      },
    },
    settings: { retryBaseMs: 1, auditGraceMs: 0 },
  });
  const run = await engine.sync('main', 'full');
  expect(run.error).toBeNull();
  const audit = async (options: RunOptions = {}) => await engine.audit('main', options);
  return Object.assign(world, { sandbox, fetch, engine, query, audit });
}

const differing = (run: AuditRun) =>
  Object.entries(run.resources).filter(([, counts]) => counts.missing + counts.stale + counts.extra > 0);

/** Breaks the mirror behind the engine's back: one row lost, one changed, one invented, per collection. */
async function damage(query: Awaited<ReturnType<typeof mirror>>['query'], collection: string) {
  const rows = await query<{ id: string }>(
    'select external_id as id from supasaasy.entities where collection_key = $1 and deleted_at is null order by 1 limit 2',
    [collection],
  );
  const [lost, changed] = rows.map((row) => row.id);
  await query('delete from supasaasy.entities where collection_key = $1 and external_id = $2', [collection, lost]);
  await query(
    `update supasaasy.entities set raw_payload = raw_payload || '{"name": "nobody said this"}', payload_hash = payload_hash + 1
     where collection_key = $1 and external_id = $2`,
    [collection, changed],
  );
  await query(
    `insert into supasaasy.entities select app_key, collection_key, 'invented', parent_id, api_version, raw_payload, payload_hash, version,
       version_until, version_source, observed_at, source_created_at, created_at, updated_at, archived_at, deleted_at, change_seq
     from supasaasy.entities where collection_key = $1 and external_id = $2`,
    [collection, changed],
  );
  return { missing: [lost], stale: [changed], extra: ['invented'] };
}

describeEachDatabase('an audit', (make) => {
  it('of an equal mirror reports nothing, writes nothing, and asks one request a page', async () => {
    const world = await mirror(make);
    const [before] = await world.query<{ n: string }>('select count(*) as n from supasaasy.changes');
    const run = await world.audit();
    expect(run.state).toBe('completed');
    expect(differing(run)).toEqual([]);
    const pages = LISTED.reduce((sum, name) => sum + Math.ceil((world.sandbox.counts()[name] ?? 0) / 100), 0);
    const requests = Object.values(run.resources).reduce((sum, counts) => sum + Number(counts.requests), 0);
    // Products are read in two halves.
    expect(requests).toBeLessThanOrEqual(pages + 1);
    const [after] = await world.query<{ n: string }>('select count(*) as n from supasaasy.changes');
    expect(after).toEqual(before);
    const certificates = await world.query<{ resource: string; kind: string; holds: boolean; n: string; m: string }>(
      'select resource, kind, holds, source_count as n, mirror_count as m from supasaasy.certificates where source_count is not null order by 1',
    );
    expect(certificates.map(({ resource }) => resource)).toEqual([...LISTED].sort());
    for (const { resource, kind, holds, n, m } of certificates)
      expect({ resource, kind, holds, n, m }).toEqual({ resource, kind: 'audit', holds: true, n: m, m: n });
  });

  it('names what is missing, stale and extra, changes nothing without --repair, and mends it with', async () => {
    const world = await mirror(make);
    const expected = await damage(world.query, 'stripe_customer');
    const found = await world.audit();
    expect(differing(found).map(([name]) => name)).toEqual(['customer']);
    expect(found.resources['customer']).toMatchObject({ missing: 1, stale: 1, extra: 1, repaired: 0, ids: expected });
    const [row] = await world.query('select holds from supasaasy.certificates where resource = $1', ['customer']);
    expect(row).toEqual({ holds: false });

    const mended = await world.audit({ repair: true });
    expect(mended.resources['customer']).toMatchObject({ missing: 1, stale: 1, extra: 1, repaired: 3 });
    expect(differing(await world.audit())).toEqual([]);
  });

  it('finds what differs in nested lists and settles it by reading the parent', async () => {
    const world = await mirror(make);
    const expected = await damage(world.query, 'stripe_subscription_item');
    const found = await world.audit({ resources: ['subscription'] });
    expect(found.resources['subscription_item']).toMatchObject({ missing: 1, stale: 1, extra: 1, ids: expected });
    await world.audit({ resources: ['subscription'], repair: true });
    expect(differing(await world.audit({ resources: ['subscription'] }))).toEqual([]);
  });

  it('does not report what changes while it reads and whose event is on its way', async () => {
    const world = await mirror(make, ['customer']);
    // Objects change, appear and vanish while a page is on its way; their events are processed before it is compared.
    let pages = 0;
    world.between = async (path) => {
      if (path !== '/v1/customers' || ++pages !== 2) return;
      world.fetch.control.mutate(60);
      const run = await world.engine.sync('main', 'incremental');
      expect(run.state).toBe('completed');
    };
    expect(differing(await world.audit())).toEqual([]);
  });

  it('with an empty answer refuses to call everything extra, and deletes nothing', async () => {
    const world = await mirror(make, ['customer']);
    const { handle } = world.sandbox;
    world.sandbox.handle = (request) =>
      request.path === '/v1/customers'
        ? { status: 200, body: '{"object":"list","data":[],"has_more":false,"url":"/v1/customers"}' }
        : handle(request);
    const count = () => world.query<{ n: number }>(`select count(*)::int as n from supasaasy.stripe_customers`);
    const before = await count();
    const run = await world.audit({ repair: true });
    expect(run.state).toBe('failed');
    expect(run.error).toContain(`no longer shows ${before[0]?.n} of ${before[0]?.n} rows`);
    expect(before[0]?.n).toBeGreaterThan(100);
    expect(await count()).toEqual(before);
  });

  it('on a paused app says why, and asks nothing', async () => {
    const world = await mirror(make, ['product']);
    await world.engine.store.pauseApp('main', 'the key was revoked.');
    await expect(world.audit()).rejects.toThrow(/main is paused.*the key was revoked.*supasaasy resume main/);
  });

  it('while a sync runs, both end and agree', async () => {
    const world = await mirror(make, ['customer', 'charge']);
    world.fetch.control.mutate(30);
    const [run, sync] = await Promise.all([world.audit({ repair: true }), world.engine.sync('main', 'full')]);
    expect([run.state, sync.state]).toEqual(['completed', 'completed']);
    await world.engine.work();
    expect(differing(await world.audit())).toEqual([]);
  });
});

describe('the plan of an audit', () => {
  it('is a pass at the lowest priority', async () => {
    const { planAudit } = await import('../../src/engine/sync/audit.ts');
    const config = parseConfig({ apps: [{ app_key: 'main', connector: 'stripe' }] });
    const engine = createEngine({ config, database: undefined as never, env: { MAIN_API_KEY: 'k' } });
    for (const task of planAudit(engine.app('main'), {}))
      expect(task).toMatchObject({ kind: 'audit', priority: 3, pass: true });
  });
});
