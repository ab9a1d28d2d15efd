import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { stripe } from '../../../connectors/stripe/index.ts';
import { resources } from '../../../connectors/stripe/resources/index.ts';
import { getConnector, normalize, toSqlSpec } from '../../../src/kit/index.ts';

const all = Object.values(resources);

describe('what the Stripe connector says about itself', () => {
  it('S4-01, S4-24, S4-25: is registered under the name "stripe" when its module loads', () => {
    expect(getConnector('stripe')).toBe(stripe);
    expect(stripe.metadata.name).toBe('stripe');
  });

  it('S4-02: lists every resource that it promises', () => {
    expect(Object.keys(stripe.resources).sort()).toEqual(
      [
        'balance_transaction charge checkout_line_item checkout_session coupon credit_note customer dispute',
        'early_fraud_warning invoice invoice_item invoice_line_item payment_intent payment_method payout plan price',
        'product promotion_code quote refund review setup_intent subscription subscription_item subscription_schedule',
        'tax_id tax_rate transfer',
      ].flatMap((line) => line.split(' ')),
    );
  });

  it('S4-03: maps each resource to a collection of its own', () => {
    for (const resource of all) expect(resource.collection).toBe(`stripe_${resource.name}`);
  });

  it("S4-04: asks for the API version that the SDK's types describe", () => {
    expect(stripe.metadata.apiVersion).toBe(Stripe.API_VERSION);
    const account = { appKey: 'a', baseUrl: '', apiKey: 'sk_test_1', settings: {} };
    expect(stripe.headers(account)).toEqual({
      authorization: 'Bearer sk_test_1',
      'stripe-version': Stripe.API_VERSION,
    });
  });

  it('S4-05, S4-06, S4-30, S4-31: has numbered migrations where it says', async () => {
    const { migrations } = stripe.metadata;
    const names = await readdir(fileURLToPath(migrations ?? new URL('file:///none')));
    expect(names.sort()).toEqual(['001_views.sql', '002_indexes.sql']);
  });
});

describe('the descriptions of the resources', () => {
  it.each(all)('$name can be read in some way, and names its API documentation', (resource) => {
    const nested = all.some((parent) => parent.children?.some((child) => child.resource === resource.name));
    expect(resource.list !== undefined || (nested && resource.perParent !== undefined)).toBe(true);
    expect(resource.docs).toMatch(/^https:\/\/docs\.stripe\.com\/api\//);
    if (nested) expect(resource.parent ?? 'no field', 'how its parent is known').toBeDefined();
  });

  it.each(all)('$name compiles for the write path, with its children', (resource) => {
    const spec = toSqlSpec(resource, stripe.resources, stripe.metadata.apiVersion);
    expect(spec).toMatchObject({ resource: resource.name, collection: resource.collection, id: ['id'] });
    expect(JSON.parse(JSON.stringify(spec)).children).toHaveLength(resource.children?.length ?? 0);
  });

  it('an object that events speak of can be asked for alone', () => {
    for (const resource of all) if (resource.events.length > 0) expect(resource.retrieve?.path).toMatch(/\/\{id\}$/);
  });

  it('what a list is asked to expand, one object is asked to expand too, and it is not stored with its parent', () => {
    for (const { list, retrieve, detach, children } of all) {
      const expanded = list?.query?.['expand[]'];
      expect(expanded).toBe(retrieve?.query?.['expand[]'] && `data.${retrieve.query['expand[]']}`);
      if (expanded === undefined) continue;
      const field = expanded.replace('data.', '');
      expect(detach).toEqual([field]);
      expect(children?.map((child) => child.path[0])).toEqual([field]);
    }
  });

  it('two resources never share a kind of object', () => {
    expect(new Set(all.map((resource) => resource.object)).size).toBe(all.length);
  });

  it('every event that is subscribed to is one that Stripe has', async () => {
    const types = new URL('../../../node_modules/stripe/esm/resources/WebhookEndpoints.d.ts', import.meta.url);
    const { readFile } = await import('node:fs/promises');
    const known = new Set((await readFile(types, 'utf8')).match(/'[a-z_]+(?:\.[a-z_]+)+'/g));
    for (const { events } of all) for (const type of events) expect(known, type).toContain(`'${type}'`);
  });

  it('every event about a mirrored object is subscribed to', async () => {
    const types = new URL('../../../node_modules/stripe/esm/resources/WebhookEndpoints.d.ts', import.meta.url);
    const { readFile } = await import('node:fs/promises');
    const known = new Set(
      (await readFile(types, 'utf8')).match(/'[a-z_]+(?:\.[a-z_]+)+'/g)?.map((t) => t.slice(1, -1)),
    );
    const ours = new Set(all.flatMap(({ events }) => events));
    const prefixes = new Set([...ours].map((type) => type.slice(0, type.lastIndexOf('.'))));
    const left = [...known].filter((type) => prefixes.has(type.slice(0, type.lastIndexOf('.'))) && !ours.has(type));
    // A preview without an object; and a card that will expire, which changes nothing.
    expect(left).toEqual(['customer.source.expiring', 'invoice.upcoming']);
  });

  it('A21: no default filter of a list hides objects', () => {
    expect(resources['subscription']?.list?.query).toEqual({ status: 'all' });
    for (const name of ['product', 'price', 'plan', 'promotion_code', 'tax_rate']) {
      expect(resources[name]?.list?.variants).toEqual([{ active: 'true' }, { active: 'false' }]);
    }
    for (const name of ['review', 'tax_id', 'payment_method'])
      expect(resources[name]?.list?.incomplete ?? resources[name]?.list?.hides).toBeDefined();
  });

  it('S4-20 … S4-23: normalizes an object, and an inactive price is archived', () => {
    const price = resources['price'];
    if (price === undefined) throw new Error('no price');
    const object = { id: 'price_1', object: 'price', active: false, created: 1_700_000_000, metadata: { a: 'b' } };
    expect(normalize(price, object, '2026-10-28.endive', 1_780_000_000_000)).toEqual({
      external_id: 'price_1',
      collection_key: 'stripe_price',
      raw_payload: object,
      api_version: '2026-10-28.endive',
      archived_at: '2026-05-28T20:26:40.000Z',
      source_created_at: '2023-11-14T22:13:20.000Z',
    });
    expect(normalize(price, { ...object, active: true }, 'x', 0).archived_at).toBeNull();
  });
});

describe("Stripe's settings", () => {
  it('takes none, and a connected account', () => {
    expect(stripe.settings.parse({})).toEqual({});
    expect(stripe.accountOf?.(stripe.settings.parse({ account: 'acct_1ABC' }))).toBe('acct_1ABC');
    const account = { appKey: 'a', baseUrl: '', apiKey: 'sk_test_1', settings: { account: 'acct_1ABC' } };
    expect(stripe.headers(account)).toMatchObject({ 'stripe-account': 'acct_1ABC' });
  });

  it.each([{ acount: 'acct_1' }, { account: 'cus_1' }, { requests_per_second: 0 }])('refuses %j', (settings) => {
    expect(stripe.settings.safeParse(settings).success).toBe(false);
  });
});
