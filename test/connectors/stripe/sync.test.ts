import { isDeepStrictEqual } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import '../../../connectors/stripe/index.ts';
import { resources } from '../../../connectors/stripe/resources/index.ts';
import { sandboxFetch } from '../../../sandbox/http/fetch.ts';
import { createStripeSandbox } from '../../../sandbox/stripe/index.ts';
import { defineConfig } from '../../../src/config.ts';
import { createEngine } from '../../../src/engine/engine.ts';
import { createTestDatabase, registerTemplate } from '../../setup/database.ts';
import { withoutCopies } from './sandbox.ts';
import { migrateStripe } from './template.ts';

registerTemplate('stripe', migrateStripe);

/** A mirror of a small account on PGlite, and the account. `onTheWay` may change each request. */
async function connect(
  options: Parameters<typeof createStripeSandbox>[0] = {},
  onTheWay: (url: URL) => void = () => {},
) {
  const sandbox = createStripeSandbox({ seed: 3, size: { customers: 160 }, ...options });
  const fetch = sandboxFetch(sandbox);
  const throughUs: typeof globalThis.fetch = async (input, init) => {
    const url = new URL(String(input));
    onTheWay(url);
    return await fetch(url, init);
  };
  const { database, query, close } = await createTestDatabase('pglite', { template: 'stripe' });
  const config = defineConfig({
    apps: [
      { app_key: 'stripe_main', connector: 'stripe', config: { api_key_env: 'KEY', requests_per_second: 10_000 } },
    ],
  });
  const engine = createEngine({ config, database, env: { KEY: sandbox.apiKey }, ports: { fetch: throughUs } });

  /** What differs between the mirror and the account, by resource; empty when nothing does. */
  async function differences(see: (object: Json) => Json = (object) => object): Promise<Record<string, string[]>> {
    const result: Record<string, string[]> = {};
    for (const { name, collection } of Object.values(resources)) {
      const rows = await query<{ external_id: string; raw_payload: Json }>(
        'select external_id, raw_payload from supasaasy.entities where collection_key = $1 and deleted_at is null',
        [collection],
      );
      const mirror = new Map(rows.map((row) => [row.external_id, row.raw_payload]));
      const wrong: string[] = [];
      for (const { id, json } of sandbox.objects(name)) {
        const ours = mirror.get(id);
        if (ours === undefined) wrong.push(`${id} is missing`);
        else wrong.push(...fieldsThatDiffer(see(ours), see(JSON.parse(json))).map((field) => `${id}.${field}`));
        mirror.delete(id);
      }
      wrong.push(...[...mirror.keys()].map((id) => `${id} is too many`));
      if (wrong.length > 0) result[name] = wrong;
    }
    return result;
  }
  return { sandbox, fetch, engine, query, close, differences };
}

type Json = Record<string, unknown>;

function fieldsThatDiffer(ours: Json, theirs: Json): string[] {
  return [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].filter(
    (field) => !isDeepStrictEqual(ours[field], theirs[field]),
  );
}

describe('mirroring a Stripe account', () => {
  let world: Awaited<ReturnType<typeof connect>>;
  beforeAll(async () => {
    world = await connect();
    return () => world.close();
  });

  it('S4-13, S4-14, A21, A22: a full sync equals the account, ids and payloads, for every resource', async () => {
    const run = await world.engine.sync('stripe_main', 'full');
    expect(run.error).toBeNull();
    expect(run.state).toBe('completed');
    expect(await world.differences()).toEqual({});
  });

  it('A31: a second full sync changes nothing', async () => {
    const run = await world.engine.sync('stripe_main', 'full');
    for (const [name, counts] of Object.entries(run.resources)) {
      expect(counts, name).toMatchObject({ created: 0, updated: 0, archived: 0, deleted: 0, errors: 0 });
    }
  });

  it('S4-15, S4-16, A12, A15: an incremental sync finds what changed and what was deleted', async () => {
    world.fetch.control.mutate(300);
    const run = await world.engine.sync('stripe_main', 'incremental');
    expect(run.error).toBeNull();
    expect(await world.differences(withoutCopies)).toEqual({});
  });

  it('A32: a full sync finds the rest: copies of changed prices', async () => {
    const run = await world.engine.sync('stripe_main', 'full');
    expect(run.error).toBeNull();
    expect(await world.differences()).toEqual({});
  });

  it('A22: has all 250 lines of an invoice, and all items of a subscription', async () => {
    for (const [view, parent] of [
      ['invoice_line_items', 'invoice_id'],
      ['subscription_items', 'subscription_id'],
    ]) {
      const [row] = await world.query<{ n: number }>(
        `select count(*)::int as n from supasaasy.stripe_${view} group by ${parent} order by n desc limit 1`,
      );
      expect(row?.n).toBe(view === 'invoice_line_items' ? 250 : 25);
    }
  });
});

describe('mirroring a Stripe account that differs', () => {
  it('reads payment methods per customer where the list of all is refused', async () => {
    const world = await connect({ paymentMethodsWithoutCustomer: false, size: { customers: 32 } });
    const run = await world.engine.sync('stripe_main', 'full', { resources: ['customer', 'payment_method'] });
    expect(run.error).toBeNull();
    const { payment_method } = await world.differences();
    expect(payment_method).toBeUndefined();
    await world.close();
  });

  it('A22: reads lists by themselves that an answer leaves out although we asked for them', async () => {
    const world = await connect({ size: { customers: 48 } }, (url) => url.searchParams.delete('expand[]'));
    const run = await world.engine.sync('stripe_main', 'full', {
      resources: ['customer', 'tax_id', 'checkout_session', 'checkout_line_item'],
    });
    expect(run.error).toBeNull();
    expect(await world.differences()).not.toHaveProperty('tax_id');
    expect(await world.differences()).not.toHaveProperty('checkout_line_item');
    await world.close();
  });

  it('A26: a missing permission fails that resource by name, and the others arrive', async () => {
    const world = await connect({ denied: ['/v1/disputes'], size: { customers: 112 } });
    const run = await world.engine.sync('stripe_main', 'full');
    expect(run.state).toBe('failed');
    expect(run.error).toMatch(/^dispute: /);
    expect(Object.keys(await world.differences())).toEqual(['dispute']);
    await world.close();
  });

  it('C6: inline prices and what belongs to a test clock are in no list, and stay; the certificate counts them apart', async () => {
    const world = await connect({ size: { customers: 48 } });
    const { sandbox, engine } = world;
    const write = (path: string, body: string) =>
      JSON.parse(
        String(
          sandbox.handle({
            method: 'POST',
            path,
            query: new URLSearchParams(),
            headers: { authorization: `Bearer ${sandbox.apiKey}` },
            body,
          }).body,
        ),
      ) as { id: string };
    const resources = ['customer', 'price', 'plan', 'product', 'subscription'];
    await engine.sync('stripe_main', 'full', { resources });
    const [product = ''] = sandbox.ids?.('product') ?? [];
    for (let n = 0; n < 30; n += 1) {
      const { id } = write('/v1/customers', `email=clock${n}@example.com&test_clock=clock_1`);
      const data = 'items[0][price_data]';
      write(
        '/v1/subscriptions',
        `customer=${id}&${data}[product]=${product}&${data}[unit_amount]=700&${data}[currency]=usd`,
      );
    }
    await engine.sync('stripe_main', 'incremental', { resources });
    for (const asked of [true, false]) {
      const run = await engine.sync('stripe_main', 'full', { resources });
      expect([run.state, run.error]).toEqual(['completed', null]);
      const certificates = await world.query<{ resource: string; hidden: number; holds: boolean }>(
        'select resource, hidden::int, holds from supasaasy.certificates where hidden > 0 order by resource',
      );
      expect(certificates).toEqual(
        ['customer', 'plan', 'price', 'subscription'].map((resource) => ({ resource, hidden: 30, holds: true })),
      );
      // Each is asked for by its id once, beside the two lists.
      expect(run.resources['price']?.requests).toBe(asked ? 32 : 2);
      const { customer, price, plan, subscription } = await world.differences(withoutCopies);
      expect({ customer, price, plan, subscription }).toEqual({});
    }
    // Deleted without any news: the answer to its id says so ({deleted: true} of a customer, 404 of others).
    const [gone] = await world.query<{ external_id: string }>(
      `select external_id from supasaasy.unlisted where collection_key = 'stripe_customer' limit 1`,
    );
    sandbox.handle({
      method: 'DELETE',
      path: `/v1/customers/${gone?.external_id}`,
      query: new URLSearchParams(),
      headers: { authorization: `Bearer ${sandbox.apiKey}` },
      body: '',
    });
    await world.query(`update supasaasy.sync_state set watermark = 0`);
    await engine.sync('stripe_main', 'full', { resources });
    expect((await world.differences(withoutCopies))['customer']).toBeUndefined();
    await world.close();
  });

  it('C7: an incremental run finds what makes no event: open sessions, edits of intents, quotes and pending items, own tax ids', async () => {
    const world = await connect({ size: { customers: 48 } });
    const { sandbox, engine } = world;
    const resources = [
      'checkout_session',
      'payment_intent',
      'setup_intent',
      'quote',
      'invoice_item',
      'tax_id',
      'coupon',
    ];
    const write = (path: string, body: string) => {
      const headers = { authorization: `Bearer ${sandbox.apiKey}` };
      const answer = sandbox.handle({ method: 'POST', path, query: new URLSearchParams(), headers, body });
      expect([path, answer.status]).toEqual([path, 200]);
      return JSON.parse(String(answer.body)) as { id: string };
    };
    const any = (name: string, fits: (object: Json) => boolean = () => true) =>
      [...sandbox.objects(name)]
        .map(({ json }) => JSON.parse(json) as Json & { id: string })
        .reverse()
        .find(fits)?.id ?? expect.fail(`there is no such ${name}`);
    // So that there are young ones of each.
    world.fetch.control.mutate(400);
    const pending = write('/v1/invoiceitems', `customer=${any('customer')}`);
    await engine.sync('stripe_main', 'full', { resources });
    const events = () => sandbox.takeDeliveries?.().length ?? 0;
    events();
    const session = write('/v1/checkout/sessions', `customer=${any('customer')}`);
    write(`/v1/payment_intents/${any('payment_intent')}`, 'metadata[silent]=yes');
    write(`/v1/setup_intents/${any('setup_intent')}`, 'metadata[silent]=yes');
    write(`/v1/quotes/${any('quote', ({ status }) => status === 'draft')}`, 'metadata[silent]=yes');
    write(`/v1/invoiceitems/${pending.id}`, 'metadata[silent]=yes');
    const own = write('/v1/tax_ids', 'type=eu_vat&value=DE123456789');
    expect(events()).toBe(0);
    const run = await engine.sync('stripe_main', 'incremental', { resources });
    expect([run.state, run.error]).toEqual(['completed', null]);
    const wrong = await world.differences(withoutCopies);
    for (const name of [...resources, 'checkout_line_item']) expect(wrong[name], name).toBeUndefined();
    const held = await world.query<{ external_id: string }>(
      'select external_id from supasaasy.entities where external_id = any($1) and deleted_at is null',
      [[session.id, own.id]],
    );
    expect(held).toHaveLength(2);
    // An edit of the open session, which was created before this run's own watermark.
    write(`/v1/checkout/sessions/${session.id}`, 'metadata[silent]=again');
    expect(events()).toBe(0);
    await engine.sync('stripe_main', 'incremental', { resources });
    expect((await world.differences(withoutCopies))['checkout_session']).toBeUndefined();
    await world.close();
  });
});
