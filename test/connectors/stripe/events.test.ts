import { describe, expect, it } from 'vitest';
import { resources } from '../../../connectors/stripe/resources/index.ts';
import { webhook } from '../../../connectors/stripe/webhook.ts';
import type { EventParts } from './event-fixtures.ts';
import { snapshotEvent, thinEvent } from './event-fixtures.ts';

const parse = (parts: EventParts) => webhook.parse(snapshotEvent(parts));
const operations = (parts: EventParts) => parse(parts).operations;
const whole = { object: ['data', 'object'] };

/** Every event about an object itself, with the object that Stripe shows in it. */
const own = Object.values(resources).flatMap(({ name, object, events }) =>
  events
    .filter((type) => !/^customer\.(discount|source)\./.test(type))
    .filter((type) => !(name === 'invoice_item' && type.startsWith('invoice.')))
    .map((type) => ({ type, resource: name, object })),
);

describe("parsing Stripe's events", () => {
  it('S4-09: reads id, type, time, version and account', () => {
    expect(parse({ type: 'customer.created', object: { id: 'cus_1', object: 'customer' }, account: 'acct_9' })).toEqual(
      {
        id: 'evt_1',
        providerType: 'customer.created',
        occurredAt: 1_780_000_000_000,
        apiVersion: '2026-10-28.endive',
        account: 'acct_9',
        mode: 'test',
        operations: [{ type: 'create', resource: 'customer', externalId: 'cus_1', ...whole }],
      },
    );
  });

  it.each(own)('S4-10: $type is about a $resource', ({ type, resource, object }) => {
    const [operation, ...rest] = operations({ type, object: { id: 'x_1', object } });
    expect(rest).toEqual([]);
    const still = type === 'customer.subscription.deleted' || !type.endsWith('.deleted');
    const kind = !still ? 'delete' : /\.created$|^review\.opened$/.test(type) ? 'create' : 'update';
    expect(operation).toMatchObject({ type: kind, resource, externalId: 'x_1' });
    // S4-11: where the entity's data lies; a checkout session is read again for its line items.
    expect(operation?.object).toEqual(still && resource !== 'checkout_session' ? whole.object : undefined);
  });

  it('S4-10: an object that is put out of use is archived; a later change of it is an update', () => {
    const object = { id: 'price_1', object: 'price', active: false };
    expect(operations({ type: 'price.updated', object, previous: { active: true } })[0]?.type).toBe('archive');
    expect(operations({ type: 'price.updated', object, previous: { nickname: 'old' } })[0]?.type).toBe('update');
    const back = { ...object, active: true };
    expect(operations({ type: 'price.updated', object: back, previous: { active: false } })[0]?.type).toBe('update');
  });

  it('keeps a detached payment method, which still exists', () => {
    const object = { id: 'pm_1', object: 'payment_method', customer: null };
    expect(operations({ type: 'payment_method.detached', object })).toEqual([
      { type: 'update', resource: 'payment_method', externalId: 'pm_1', ...whole },
    ]);
  });

  it('tells a refunded charge from its refund, and a dispute from its charge', () => {
    expect(operations({ type: 'charge.refunded', object: { id: 'ch_1', object: 'charge' } })[0]?.resource).toBe(
      'charge',
    );
    expect(operations({ type: 'charge.refund.updated', object: { id: 're_1', object: 'refund' } })[0]?.resource).toBe(
      'refund',
    );
    expect(operations({ type: 'charge.dispute.closed', object: { id: 'dp_1', object: 'dispute' } })[0]?.resource).toBe(
      'dispute',
    );
  });

  it('reads a customer and a subscription again when their discount changes', () => {
    const object = { id: 'di_1', object: 'discount', customer: 'cus_1', subscription: 'sub_1' };
    expect(operations({ type: 'customer.discount.deleted', object })).toEqual([
      { type: 'update', resource: 'customer', externalId: 'cus_1' },
      { type: 'update', resource: 'subscription', externalId: 'sub_1' },
    ]);
    // A redemption changes its coupon and promotion code, before and after 2025-09-30.clover.
    for (const coupon of [{ coupon: { id: 'co_1' } }, { source: { type: 'coupon', coupon: 'co_1' } }])
      expect(
        operations({ type: 'customer.discount.created', object: { ...object, ...coupon, promotion_code: 'promo_1' } }),
      ).toEqual([
        { type: 'update', resource: 'customer', externalId: 'cus_1' },
        { type: 'update', resource: 'subscription', externalId: 'sub_1' },
        { type: 'update', resource: 'coupon', externalId: 'co_1' },
        { type: 'update', resource: 'promotion_code', externalId: 'promo_1' },
      ]);
    const card = { id: 'card_1', object: 'card', customer: 'cus_2' };
    expect(operations({ type: 'customer.source.deleted', object: card })).toEqual([
      { type: 'update', resource: 'customer', externalId: 'cus_2' },
    ]);
  });

  it('reads the invoice items again that a draft invoice has taken, before and after 2025-03-31.basil', () => {
    const lines = {
      data: [
        { id: 'il_1', invoice_item: 'ii_1' },
        { id: 'il_2', parent: { invoice_item_details: { invoice_item: 'ii_2' } } },
        { id: 'il_3', parent: { subscription_item_details: { invoice_item: 'ii_3' } } },
        { id: 'il_4', parent: { invoice_item_details: { invoice_item: 'ii_2' } } },
        { id: 'il_5', invoice_item: null },
        null,
      ],
    };
    const object = { id: 'in_1', object: 'invoice', status: 'draft', lines };
    const items = (type: string, status: string) =>
      operations({ type, object: { ...object, status } })
        .filter((operation) => operation.resource === 'invoice_item')
        .map((operation) => operation.externalId);
    expect(items('invoice.created', 'draft')).toEqual(['ii_1', 'ii_2', 'ii_3']);
    expect(items('invoice.updated', 'draft')).toEqual(['ii_1', 'ii_2', 'ii_3']);
    expect(items('invoice.updated', 'paid')).toEqual([]);
    expect(items('invoice.deleted', 'draft')).toEqual(['ii_1', 'ii_2', 'ii_3']);
    expect(operations({ type: 'invoice.deleted', object })[0]).toEqual({
      type: 'delete',
      resource: 'invoice',
      externalId: 'in_1',
    });
  });

  it('takes the object of an event in another API version, and records which', () => {
    const object = { id: 'sub_1', object: 'subscription' };
    expect(operations({ type: 'customer.subscription.updated', object, apiVersion: '2020-08-27' })).toEqual([
      { type: 'update', resource: 'subscription', externalId: 'sub_1', object: ['data', 'object'] },
    ]);
  });

  it('takes an answer that says "deleted" for a delete, whatever the event is called', () => {
    const object = { id: 'cus_1', object: 'customer', deleted: true };
    expect(operations({ type: 'customer.updated', object })).toEqual([
      { type: 'delete', resource: 'customer', externalId: 'cus_1' },
    ]);
  });

  it('A2: a thin event names an object, which is read', () => {
    expect(
      webhook.parse(thinEvent('v1.customer.subscription.deleted', { id: 'sub_1', type: 'subscription' }, 'acct_9')),
    ).toEqual({
      id: 'evt_test_thin',
      providerType: 'v1.customer.subscription.deleted',
      occurredAt: Date.parse('2026-05-28T20:26:40.123Z'),
      account: 'acct_9',
      mode: 'test',
      operations: [{ type: 'update', resource: 'subscription', externalId: 'sub_1' }],
    });
    const gone = webhook.parse(thinEvent('v1.product.deleted', { id: 'prod_1', type: 'product' }));
    expect(gone.operations).toEqual([{ type: 'delete', resource: 'product', externalId: 'prod_1' }]);
  });
});

describe('A1: events that mean nothing to the mirror are kept with a reason, never refused', () => {
  it.each([
    ['a preview of an invoice', snapshotEvent({ type: 'invoice.upcoming', object: { object: 'invoice' } })],
    [
      'a preview with an id',
      snapshotEvent({ type: 'invoice.upcoming', object: { object: 'invoice', id: 'upcoming_in_1' } }),
    ],
    ['a type from next year', snapshotEvent({ type: 'moon.landed', object: { object: 'moon', id: 'moon_1' } })],
    ['an object without an id', snapshotEvent({ type: 'customer.updated', object: { object: 'customer' } })],
    ['an id that is no text', snapshotEvent({ type: 'customer.updated', object: { object: 'customer', id: 7 } })],
    ['a discount of nobody', snapshotEvent({ type: 'customer.discount.created', object: { object: 'discount' } })],
    ['an object of no kind', snapshotEvent({ type: 'balance.available', object: {} })],
    [
      'a thin event of the second API',
      thinEvent('v2.core.event_destination.ping', { id: 'ed_1', type: 'v2.core.event_destination' }),
    ],
    ['a thin event about nothing', thinEvent('v1.billing.meter.no_meter_found', null)],
  ])('%s', (_, body) => {
    const event = webhook.parse(body);
    expect(event.operations).toEqual([]);
    expect(event.ignored).toMatch(/\w/);
    expect(event.id).toMatch(/^evt_/);
  });

  it('an unknown type about a known object is taken', () => {
    expect(operations({ type: 'customer.celebrated', object: { id: 'cus_1', object: 'customer' } })[0]?.type).toBe(
      'update',
    );
  });

  it.each(['', 'null', '[]', '{"object":"event"}', '{"object":"list"}', '<html>'])(
    'throws on %j, which is no event',
    (body) => {
      expect(() => webhook.parse(body)).toThrow();
    },
  );
});

describe('C40: a thin event about an object without an id of its own', () => {
  const about = (related: unknown, type = 'v1.customer.discount.created') =>
    webhook.parse(
      JSON.stringify({
        id: 'evt_thin',
        object: 'v2.core.event',
        type,
        created: '2026-05-28T20:26:40.123Z',
        related_object: related,
      }),
    );

  it.each([
    ['/v1/customers/cus_1/discount', 'customer', 'cus_1'],
    ['/v1/customers/cus_1', 'customer', 'cus_1'],
    ['/v1/customers/cus_1/', 'customer', 'cus_1'],
    ['/v1/customers/cus_1/discount?expand[]=promotion_code#x', 'customer', 'cus_1'],
    ['/v1/subscriptions/sub_1/discount', 'subscription', 'sub_1'],
    ['/v1/customers/cus_1/tax_ids/txi_1', 'tax_id', 'txi_1'],
    ['/v1/customers/cus_1/sources/card_1', 'customer', 'cus_1'],
    ['/v1/invoices/in_1/lines/il_1', 'invoice', 'in_1'],
    ['/v1/checkout/sessions/cs_1/line_items', 'checkout_session', 'cs_1'],
    ['/v1/coupons/20%25%20off', 'coupon', '20% off'],
    ['https://api.stripe.com/v1/customers/cus_1/discount', 'customer', 'cus_1'],
  ])('names %s, which is read again', (url, resource, externalId) => {
    const event = about({ type: 'discount', url });
    expect(event).toMatchObject({ operations: [{ type: 'update', resource, externalId }] });
    expect(event.operations[0]).not.toHaveProperty('object');
    // With an id that is null, or one of a kind that is not mirrored, the url counts as well.
    expect(about({ id: null, type: 'discount', url }).operations).toEqual(event.operations);
    expect(about({ id: 'di_1', type: 'discount', url }).operations).toEqual(event.operations);
  });

  it('never deletes the owner by the name of the event: the answer to its id says what is true', () => {
    for (const type of ['v1.customer.discount.deleted', 'v1.customer.deleted'])
      expect(about({ type: 'customer', url: '/v1/customers/cus_1' }, type).operations[0]?.type).toBe('update');
  });

  it.each([
    ['null', null, /names no object/],
    ['left out', undefined, /names no object/],
    ['a text', 'cus_1', /names no object/],
    ['a list', [], /./],
    ['empty', {}, /has no url/],
    ['a balance', { type: 'balance', url: '/v1/balance' }, /no mirrored object lies at \/v1\/balance/],
    ['tax settings', { type: 'tax.settings', url: '/v1/tax/settings' }, /no mirrored object/],
    ['a list of all', { type: 'customer', url: '/v1/customers' }, /no mirrored object/],
    ['another version', { type: 'v2.core.account', url: '/v2/core/accounts/acct_1' }, /no mirrored object/],
    [
      'at another host',
      { type: 'discount', url: 'https://evil.test/v1/customers/cus_1' },
      /lies at https:\/\/evil\.test/,
    ],
    ['at a host without a scheme', { type: 'discount', url: '//evil.test/v1/customers/cus_1' }, /lies at/],
    ['at another port', { type: 'discount', url: 'https://api.stripe.com:8443/v1/customers/cus_1' }, /lies at/],
    [
      'at a host in a name',
      { type: 'discount', url: 'https://api.stripe.com@evil.test/v1/customers/cus_1' },
      /lies at/,
    ],
    ['no url at all', { type: 'discount', url: 'http://' }, /cannot be read/],
    ['of a broken encoding', { type: 'coupon', url: '/v1/coupons/%E0%A4%A' }, /no mirrored object/],
    ['a path in an id', { type: 'coupon', url: '/v1/coupons/a%2Fb' }, /no mirrored object/],
    ['an url that is a number', { type: 'discount', url: 7 }, /has no url/],
  ])('%s: is kept and ignored with a reason', (_, related, reason) => {
    const event = about(related);
    expect(event.operations).toEqual([]);
    expect(event.ignored).toMatch(reason);
  });
});

describe('C8: the mode and the account of an event', () => {
  const snapshot = (fields: Record<string, unknown>) =>
    webhook.parse(
      JSON.stringify({
        ...JSON.parse(snapshotEvent({ type: 'customer.created', object: { id: 'cus_1', object: 'customer' } })),
        ...fields,
      }),
    );
  const thin = (fields: Record<string, unknown>) =>
    webhook.parse(
      JSON.stringify({ ...JSON.parse(thinEvent('v1.coupon.deleted', { id: 'c', type: 'coupon' })), ...fields }),
    );

  it('are read from snapshots and from thin events', () => {
    for (const read of [snapshot, thin]) {
      expect(read({ livemode: true }).mode).toBe('live');
      expect(read({ livemode: false }).mode).toBe('test');
      for (const livemode of [null, undefined, 'yes']) expect(read({ livemode }).mode).toBeUndefined();
      expect(read({ context: 'acct_2' }).account).toBe('acct_2');
      expect(read({ context: 'org_1/acct_2' }).account).toBe('acct_2');
      expect(read({ context: null }).account).toBeUndefined();
      expect(read({ context: '' }).account).toBeUndefined();
    }
    expect(snapshot({ account: 'acct_3', context: 'org_1/acct_2' }).account).toBe('acct_3');
  });
});
