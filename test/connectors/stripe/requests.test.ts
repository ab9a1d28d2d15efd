import { describe, expect, it } from 'vitest';
import { changeLog } from '../../../connectors/stripe/change-log.ts';
import { stripe } from '../../../connectors/stripe/index.ts';
import { resources } from '../../../connectors/stripe/resources/index.ts';
import { defineConfig } from '../../../src/config.ts';
import { createApps } from '../../../src/engine/app.ts';
import type { Task } from '../../../src/engine/store.ts';
import { planRun } from '../../../src/engine/sync/plan.ts';
import { positionOf } from '../../../src/engine/sync/read-list.ts';
import type { AnswerMeaning, Position, Resource } from '../../../src/kit/index.ts';
import { withoutUnwanted } from '../../../src/kit/resource.ts';
import { snapshotEvent } from './event-fixtures.ts';

function resource(name: string): Resource {
  const found = stripe.resources[name];
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

/** Path and query as they are sent. */
function sent(name: string, position: Partial<Position> = {}): string {
  const { path, query = {} } = stripe.page(resource(name), { limit: 100, ...position });
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  return `${path}?${pairs.map(([key, value]) => `${key}=${value}`).join('&')}`;
}

describe("S4-17: the requests of Stripe's pages", () => {
  it('asks for a first page, a next page and a range', () => {
    expect(sent('coupon')).toBe('/v1/coupons?limit=100');
    expect(sent('coupon', { cursor: 'c1', limit: 7 })).toBe('/v1/coupons?limit=7&starting_after=c1');
    expect(sent('charge', { from: 10, to: 20, cursor: 'ch_1' })).toBe(
      '/v1/charges?limit=100&created[gte]=10&created[lt]=20&starting_after=ch_1',
    );
  });

  it('S4-42: asks for what was created since a moment, the second itself included', () => {
    expect(sent('balance_transaction', { since: 1_700_000_000_999 })).toBe(
      '/v1/balance_transactions?limit=100&created[gte]=1700000000',
    );
  });

  it('never sends a range to a list that has no such filter', () => {
    for (const name of ['payment_method', 'tax_id', 'quote'])
      expect(sent(name, { from: 1, to: 2 })).not.toContain('created');
  });

  it('asks for what a default filter hides', () => {
    expect(sent('subscription')).toBe('/v1/subscriptions?status=all&limit=100');
    expect(sent('price', { variant: { active: 'false' } })).toBe('/v1/prices?active=false&limit=100');
  });

  it('asks for nested lists with their parents', () => {
    expect(sent('customer')).toBe('/v1/customers?expand[]=data.tax_ids&limit=100');
    expect(sent('checkout_session')).toBe('/v1/checkout/sessions?expand[]=data.line_items&limit=100');
    expect(resource('checkout_session').retrieve?.query).toEqual({ 'expand[]': 'line_items' });
  });

  it('asks for no nested list that an app does not want', () => {
    const { list, retrieve } = withoutUnwanted(resource('customer'), new Set(['customer']));
    expect([list?.query, retrieve?.query]).toEqual([{}, {}]);
    expect(withoutUnwanted(resource('customer'), new Set(['customer', 'tax_id']))).toBe(resource('customer'));
  });

  it('asks for the lists of one parent, whose id is encoded', () => {
    expect(sent('subscription_item', { parent: 'sub_1', cursor: 'si_9' })).toBe(
      '/v1/subscription_items?subscription=sub_1&limit=100&starting_after=si_9',
    );
    expect(sent('invoice_line_item', { parent: 'in/1 $&' })).toBe('/v1/invoices/in%2F1%20%24%26/lines?limit=100');
    expect(sent('payment_method', { parent: 'cus_1' })).toBe('/v1/customers/cus_1/payment_methods?limit=100');
    expect(sent('tax_id', { parent: 'cus_1' })).toBe('/v1/customers/cus_1/tax_ids?limit=100');
    expect(() => stripe.page(resource('subscription_item'), { limit: 1 })).toThrow(/no list of its own/);
  });
});

describe("Stripe's log of events", () => {
  it('asks for at most twenty types at a time, each once', () => {
    const groups = changeLog.groups(Object.keys(resources));
    const all = groups.flat();
    expect(Math.max(...groups.map((group) => group.length))).toBeLessThanOrEqual(20);
    expect(new Set(all).size).toBe(all.length);
    expect(changeLog.groups(['payout'])).toEqual([[...(resources['payout']?.events ?? [])].sort()]);
    expect(changeLog.groups(['balance_transaction'])).toEqual([]);
  });

  it('asks for a page since a moment', () => {
    const { path, query } = changeLog.request(['a.b', 'c.d'], { since: 5_999, cursor: 'evt_1', limit: 100 });
    expect(path).toBe('/v1/events');
    expect(JSON.parse(JSON.stringify(query))).toEqual({
      'types[0]': 'a.b',
      'types[1]': 'c.d',
      'created[gte]': 5,
      limit: 100,
      starting_after: 'evt_1',
    });
  });

  it('reads the events of a page, each with its place, and the next cursor', () => {
    const event = (id: string) =>
      JSON.parse(snapshotEvent({ id, type: 'payout.paid', object: { id: 'po_1', object: 'payout' } }));
    const read = changeLog.read({ object: 'list', data: [event('evt_2'), event('evt_1')], has_more: true });
    expect(read.cursor).toBe('evt_1');
    const seen = read.events.map(({ value, path }) => ({ ...changeLog.parse(value), path }));
    expect(seen.map(({ id, operations, path }) => [id, operations[0]?.externalId, path])).toEqual([
      ['evt_2', 'po_1', ['data', '0']],
      ['evt_1', 'po_1', ['data', '1']],
    ]);
    expect(() => changeLog.parse({ object: 'event' })).toThrow();
    expect(() => changeLog.read({ data: [{}], has_more: true })).toThrow('no id');
    expect(changeLog.read({ data: [], has_more: false })).toEqual({ events: [], cursor: null });
    expect(() => changeLog.read({ error: 'no list' })).toThrow();
  });
});

describe("S4-18: Stripe's limits", () => {
  const account = (apiKey: string, settings = {}) => ({ appKey: 'a', baseUrl: '', apiKey, settings });

  it('counts per operation, whatever the object, and all together', () => {
    expect(stripe.limits.classes({ path: '/v1/customers' })).toEqual(['GET /v1/customers', 'all']);
    expect(stripe.limits.classes({ path: '/v1/customers/cus_1' })).toEqual(['GET /v1/customers/{id}', 'all']);
    expect(stripe.limits.classes({ path: '/v1/invoices/in_1/lines' })[0]).toBe('GET /v1/invoices/{id}/lines');
    expect(stripe.limits.classes({ method: 'POST', path: '/v1/events' })[0]).toBe('POST /v1/events');
  });

  it('allows 100 a second live, 25 in a sandbox, 25 per operation, or what was granted', () => {
    const perSecond = (name: string, key: string, settings = {}) =>
      stripe.limits.limit(name, account(key, settings)).perSecond;
    expect(perSecond('all', 'sk_live_1')).toBe(100);
    expect(perSecond('all', 'rk_live_1')).toBe(100);
    expect(perSecond('all', 'sk_test_1')).toBe(25);
    expect(perSecond('GET /v1/customers', 'sk_live_1')).toBe(25);
    expect(perSecond('all', 'sk_live_1', { requests_per_second: 10 })).toBe(10);
    expect(perSecond('GET /v1/customers', 'sk_live_1', { requests_per_second: 10 })).toBe(10);
  });
});

describe("what Stripe's refusals mean", () => {
  const error = (fields: object) =>
    JSON.stringify({ error: { type: 'invalid_request_error', message: 'No such thing', ...fields } });
  it.each<[number, string, AnswerMeaning | undefined, string]>([
    [404, error({ code: 'resource_missing', param: 'id' }), 'gone', 'S4-29: the object is gone'],
    [404, error({ message: 'Unrecognized request URL' }), 'refused', 'the path does not exist'],
    [400, error({ code: 'resource_missing', param: 'starting_after' }), 'cursor_lost', 'A24: the cursor was deleted'],
    [404, error({ code: 'resource_missing', param: 'starting_after' }), 'cursor_lost', 'A24: the cursor was deleted'],
    [400, error({ code: 'parameter_missing', param: 'customer' }), 'unlistable', 'the list wants a customer'],
    [400, error({ code: 'parameter_unknown', param: 'foo' }), undefined, 'left to the general table'],
    [401, error({}), 'unauthorized', 'A25: the key was revoked'],
    [403, error({}), 'forbidden', 'A26: a permission is missing'],
    [403, error({ code: 'account_invalid' }), 'unauthorized', 'no access to the connected account'],
    [429, error({ code: 'rate_limit' }), 'rate_limited', 'S4-28: too many requests'],
    [429, error({ code: 'lock_timeout' }), 'rate_limited', 'A25: a lock is no failure'],
    [409, error({}), 'retry', 'a conflict'],
    [500, '<html>', undefined, 'left to the general table'],
    [404, '<html>', 'refused', 'A25: a page of a proxy is no word about an object'],
    [400, 'null', undefined, 'no error object'],
  ])('%i %s means %s: %s', (status, body, meaning) => {
    expect(stripe.meaning?.(status, body)).toBe(meaning);
  });

  it('A33: a key of the other mode never makes objects look deleted', () => {
    const message =
      "No such customer: 'cus_1'; a similar object exists in live mode, but a test mode key was used to make this request.";
    expect(stripe.meaning?.(404, error({ code: 'resource_missing', param: 'id', message }))).toBe('unauthorized');
  });
});

describe('C7: what an incremental run asks beside the log of events', () => {
  const WATERMARK_S = 1_780_000_000;
  const [app] = createApps(
    defineConfig({ apps: [{ app_key: 'shop', connector: 'stripe', config: { api_key_env: 'KEY' } }] }),
    { KEY: 'sk_test_1' },
  ).values();
  const state = Object.fromEntries(
    Object.values(stripe.resources).map(({ collection }) => [
      collection,
      { watermark: WATERMARK_S * 1000, last_full_at: null, last_incremental_at: null },
    ]),
  );

  it('is the windows and the short lists that make no event, each with its own filter', () => {
    const plan = planRun(app ?? expect.fail('there is an app'), 'incremental', {}, state, WATERMARK_S * 1000 + 300_000);
    const asked = plan
      .filter(({ kind }) => kind === 'list')
      .map((task) => {
        const place = { range_from: null, range_to: null, cursor: null, external_id: null, ...task };
        return sent(task.resource, positionOf({ input: {}, ...place } as unknown as Task, resource(task.resource)));
      });
    const from = (seconds: number) => `limit=100&created[gte]=${WATERMARK_S - seconds}`;
    expect(asked.sort()).toEqual([
      `/v1/balance_transactions?${from(8 * 86_400)}`,
      `/v1/checkout/sessions?expand[]=data.line_items&${from(25 * 3_600)}`,
      '/v1/invoiceitems?pending=true&limit=100',
      `/v1/payment_intents?${from(3_600)}`,
      '/v1/quotes?status=draft&limit=100',
      '/v1/quotes?status=open&limit=100',
      `/v1/setup_intents?${from(3_600)}`,
      '/v1/tax_ids?limit=100',
    ]);
    // None of them is a pass: what they do not show is not missing.
    expect(plan.filter(({ pass }) => pass)).toEqual([]);
  });
});
