import { describe, expect, it } from 'vitest';
import { createStripeSandbox, type StripeSandboxOptions } from '../../sandbox/stripe/index.ts';

const NOW = Date.UTC(2026, 5, 15, 12);

interface StripeList {
  data: { id: string; created: number; [key: string]: unknown }[];
  has_more: boolean;
  error?: { code?: string; param?: string; type: string; message: string };
}

function open(options: StripeSandboxOptions = {}) {
  let now = NOW;
  const sandbox = createStripeSandbox({ seed: 9, size: { customers: 800 }, nowMs: () => now, ...options });
  const ask = (
    target: string,
    {
      method = 'GET',
      body = '',
      headers = {},
    }: { method?: string; body?: string; headers?: Record<string, string> } = {},
  ) => {
    const url = new URL(target, 'http://stripe.test');
    const answer = sandbox.handle({
      method,
      path: url.pathname,
      query: url.searchParams,
      headers: { authorization: 'Bearer sk_test_sandbox', ...headers },
      body,
    });
    return {
      status: answer.status,
      headers: answer.headers ?? {},
      body: JSON.parse(String(answer.body)) as StripeList & Record<string, unknown>,
    };
  };
  const walk = (path: string, query = '') => {
    const found: StripeList['data'] = [];
    let cursor = '';
    for (;;) {
      const { body } = ask(`${path}?limit=100${query}${cursor}`);
      found.push(...body.data);
      if (!body.has_more) return found;
      cursor = `&starting_after=${body.data.at(-1)?.id}`;
    }
  };
  return { sandbox, ask, walk, passes: (ms: number) => (now += ms) };
}

describe('pages', () => {
  it('are bytes of ASCII, whatever the objects say', () => {
    const { sandbox, ask } = open();
    for (let i = 0; i < 200; i += 1) sandbox.mutate();
    for (const path of [
      'customers',
      'invoices',
      'subscriptions',
      'products',
      'charges',
      'checkout/sessions',
      'quotes',
    ]) {
      const request = {
        method: 'GET',
        path: `/v1/${path}`,
        headers: { authorization: 'Bearer sk_test_sandbox' },
        body: '',
      };
      const answer = sandbox.handle({ ...request, query: new URLSearchParams({ limit: '100' }) });
      expect(Buffer.isBuffer(answer.body), path).toBe(true);
      expect(String(answer.body).match(/[^\u0020-\u007e\n]/)?.[0], path).toBeUndefined();
    }
    expect(JSON.stringify(ask('/v1/invoices?limit=100').body)).toContain('1 × Product');
  });
});

describe('keys', () => {
  it('are asked for, checked and can be restricted', () => {
    const { ask, sandbox } = open();
    expect(ask('/v1/customers', { headers: { authorization: '' } })).toMatchObject({
      status: 401,
      body: { error: { type: 'invalid_request_error' } },
    });
    expect(
      ask('/v1/customers', { headers: { authorization: 'Bearer sk_test_wrongwrongwrong' } }).body.error?.message,
    ).toMatch(/^Invalid API Key provided: sk_test_\*+rong$/);
    expect(
      ask('/v1/customers', {
        headers: { authorization: `Basic ${Buffer.from('sk_test_sandbox:').toString('base64')}` },
      }).status,
    ).toBe(200);
    sandbox.control?.('stripe', { denied: ['/v1/payouts*'] });
    expect([ask('/v1/payouts').status, ask('/v1/customers').status]).toEqual([403, 200]);
  });
});

describe('lists', () => {
  it('are newest first, ten long, and say whether there is more', () => {
    const { body } = open().ask('/v1/customers');
    expect(body.data).toHaveLength(10);
    expect(body.has_more).toBe(true);
    const created = body.data.map((object) => object.created);
    expect(created).toEqual([...created].sort((a, b) => b - a));
  });

  it('walk forward and backward over the same objects', () => {
    const { ask, walk } = open();
    const all = walk('/v1/customers').map((object) => object.id);
    expect(new Set(all).size).toBe(800);
    expect(ask(`/v1/customers?limit=7&ending_before=${all[20]}`).body).toMatchObject({
      data: all.slice(13, 20).map((id) => ({ id })),
      has_more: true,
    });
    expect(ask(`/v1/customers?limit=7&ending_before=${all[3]}`).body).toMatchObject({
      data: all.slice(0, 3).map((id) => ({ id })),
      has_more: false,
    });
    expect(ask(`/v1/customers?limit=100&starting_after=${all[797]}`).body).toMatchObject({
      data: [{ id: all[798] }, { id: all[799] }],
      has_more: false,
    });
  });

  it('refuse what Stripe refuses', () => {
    const { ask } = open();
    for (const [query, code, param] of [
      ['limit=0', 'parameter_invalid_integer', 'limit'],
      ['limit=101', 'parameter_invalid_integer', 'limit'],
      ['limit=ten', 'parameter_invalid_integer', 'limit'],
      ['page=2', 'parameter_unknown', 'page'],
      ['created[since]=2', 'parameter_unknown', 'created[since]'],
      ['starting_after=cus_00000000000000', 'resource_missing', 'starting_after'],
    ]) {
      expect(ask(`/v1/customers?${query}`), query).toMatchObject({
        status: 400,
        body: { error: { code, param, type: 'invalid_request_error' } },
      });
    }
    expect(ask('/v1/payment_methods?created[gte]=1').body.error?.code).toBe('parameter_unknown');
    expect(ask('/v1/quotes?created[gte]=1').body.error?.code).toBe('parameter_unknown');
    expect(ask('/v1/subscription_items').body.error?.code).toBe('parameter_missing');
    expect(ask('/v1/nothing').status).toBe(404);
  });

  it('refuse an empty cursor, and two at a time once both are known', () => {
    const { ask, walk } = open();
    const [first, second] = walk('/v1/customers').map((customer) => customer.id);
    const refusal = (query: string) => ask(`/v1/customers?${query}`).body.error;
    expect(refusal('starting_after=')).toMatchObject({ code: 'parameter_invalid_empty', param: 'starting_after' });
    expect(refusal(`starting_after=${first}&ending_before=${second}`)).toEqual({
      message: 'Received both starting_after and ending_before parameters. Please pass in only one.',
      type: 'invalid_request_error',
    });
    expect(refusal(`starting_after=cus_unknown&ending_before=${second}`)).toMatchObject({
      code: 'resource_missing',
      param: 'starting_after',
    });
    expect(refusal(`starting_after=${first}&ending_before=cus_unknown`)).toMatchObject({
      code: 'resource_missing',
      param: 'ending_before',
    });
  });

  it('name the version that they refuse in, and missing objects as Stripe spells them', () => {
    const { ask } = open();
    const refused = ask('/v1/customers?page=2', { headers: { 'stripe-version': '2025-01-27.acacia' } });
    expect(refused.headers).toMatchObject({ 'stripe-version': '2025-01-27.acacia', 'request-id': expect.any(String) });
    for (const [path, message] of [
      ['payment_intents/pi_none', "No such payment_intent: 'pi_none'"],
      ['payment_methods/pm_none', "No such PaymentMethod: 'pm_none'"],
      ['subscription_items/si_none', "No such subscription_item: 'si_none'"],
      ['customers/cus_none', "No such customer: 'cus_none'"],
    ])
      expect(ask(`/v1/${path}`), path).toMatchObject({
        status: 404,
        body: { error: { code: 'resource_missing', message } },
      });
  });

  it('leave no parameter but expand to a single object', () => {
    const { ask, walk } = open();
    const id = walk('/v1/customers')[0]?.id;
    expect(ask(`/v1/customers/${id}?limit=5`).body.error).toMatchObject({ code: 'parameter_unknown', param: 'limit' });
    expect(ask(`/v1/customers/${id}?expand[]=tax_ids`).status).toBe(200);
  });

  it('select by creation time, with both kinds of bounds', () => {
    const { walk } = open();
    for (const path of ['/v1/customers', '/v1/invoices', '/v1/invoiceitems', '/v1/balance_transactions']) {
      const all = walk(path);
      const time = (object: { created: number; [key: string]: unknown }) => object.created ?? Number(object['date']);
      const [newest, oldest] = [
        time(all[Math.floor(all.length / 4)] as never),
        time(all[Math.floor(all.length / 2)] as never),
      ];
      const ids = (fits: (seconds: number) => boolean) =>
        all.filter((object) => fits(time(object))).map((object) => object.id);
      expect(walk(path, `&created[gte]=${oldest}&created[lt]=${newest}`).map((o) => o.id)).toEqual(
        ids((s) => s >= oldest && s < newest),
      );
      expect(walk(path, `&created[gt]=${oldest}&created[lte]=${newest}`).map((o) => o.id)).toEqual(
        ids((s) => s > oldest && s <= newest),
      );
      expect(walk(path, `&created=${oldest}`).map((o) => o.id)).toEqual(ids((s) => s === oldest));
    }
  });

  it('hold several objects per second, more than a page in one, and ids that do not follow creation', () => {
    const all = open().walk('/v1/customers');
    const perSecond = new Map<number, number>();
    for (const { created } of all) perSecond.set(created, (perSecond.get(created) ?? 0) + 1);
    expect(Math.max(...perSecond.values())).toBeGreaterThan(100);
    expect([...perSecond.values()].filter((count) => count > 1).length).toBeGreaterThan(50);
    const ids = all.map((object) => object.id);
    expect(ids).not.toEqual([...ids].sort());
    expect(ids).not.toEqual([...ids].sort().reverse());
  });

  it('select by owner what belongs to it', () => {
    const { ask, walk, sandbox } = open();
    for (let i = 0; i < 150; i++) sandbox.mutate();
    for (const [path, extra] of [
      ['/v1/invoices', ''],
      ['/v1/subscriptions', '&status=all'],
      ['/v1/charges', ''],
      ['/v1/payment_intents', ''],
      ['/v1/invoiceitems', ''],
      ['/v1/setup_intents', ''],
      ['/v1/credit_notes', ''],
      ['/v1/quotes', ''],
    ] as const) {
      const all = walk(path, extra);
      for (const customer of new Set(all.slice(0, 40).map((object) => object['customer']))) {
        const expected = all.filter((object) => object['customer'] === customer).map((object) => object.id);
        expect(
          ask(`${path}?limit=100&customer=${String(customer)}${extra}`).body.data.map((object) => object.id),
          path,
        ).toEqual(expected);
      }
    }
    const refunds = walk('/v1/refunds');
    for (const refund of refunds.slice(0, 20)) {
      expect(ask(`/v1/refunds?charge=${String(refund['charge'])}`).body.data.map((object) => object.id)).toContain(
        refund.id,
      );
      expect(
        ask(`/v1/refunds?payment_intent=${String(refund['payment_intent'])}`).body.data.map((object) => object.id),
      ).toContain(refund.id);
    }
  });
});

describe('default filters', () => {
  it('hide canceled subscriptions, also as cursors', () => {
    const { ask, walk } = open();
    const all = walk('/v1/subscriptions', '&status=all');
    const canceled = all.filter((object) => object['status'] === 'canceled');
    expect(canceled.length).toBeGreaterThan(10);
    expect(walk('/v1/subscriptions').map((object) => object.id)).toEqual(
      all.filter((object) => object['status'] !== 'canceled').map((object) => object.id),
    );
    expect(walk('/v1/subscriptions', '&status=canceled')).toHaveLength(canceled.length);
    expect(ask(`/v1/subscriptions?starting_after=${canceled[3]?.id}`)).toMatchObject({
      status: 400,
      body: { error: { code: 'resource_missing', param: 'starting_after' } },
    });
    expect(ask(`/v1/subscriptions?status=all&starting_after=${canceled[3]?.id}`).status).toBe(200);
    expect(new Set(all.map((object) => object['status']))).toEqual(
      new Set(['active', 'canceled', 'trialing', 'past_due', 'unpaid', 'incomplete', 'incomplete_expired', 'paused']),
    );
  });

  it('hide inactive prices, and the tax ids of customers', () => {
    const { walk, sandbox } = open();
    const [active, inactive] = [walk('/v1/prices'), walk('/v1/prices', '&active=false')];
    expect(active.every((price) => price['active'])).toBe(true);
    expect(active.length + inactive.length).toBe(sandbox.counts()['price']);
    expect(walk('/v1/tax_ids')).toHaveLength(2);
  });

  it('refuse payment methods without a customer where the account is of that kind', () => {
    const { ask, sandbox } = open();
    expect(ask('/v1/payment_methods').status).toBe(200);
    sandbox.control?.('stripe', { paymentMethodsWithoutCustomer: false });
    expect(ask('/v1/payment_methods').body.error?.code).toBe('parameter_missing');
  });
});

describe('nested lists', () => {
  it('show ten elements and leave the rest to their own list', () => {
    const { walk } = open();
    const invoices = walk('/v1/invoices').map((invoice) => ({ id: invoice.id, lines: invoice['lines'] as StripeList }));
    const long = invoices.filter(({ lines }) => lines.has_more);
    expect(long.length).toBeGreaterThan(2);
    const counts = long.map(({ id, lines }) => {
      const all = walk(`/v1/invoices/${id}/lines`);
      expect(lines.data).toEqual(all.slice(0, 10));
      return all.length;
    });
    expect(new Set(counts)).toEqual(new Set([25, 250]));
  });

  it('show items with the price as it is now, without an event of the subscription', () => {
    const { ask, walk, sandbox } = open();
    const priceOf = (one: StripeList['data'][number]) =>
      (one['items'] as { data: { price: { id: string; active: boolean } }[] }).data[0]?.price;
    const subscription = walk('/v1/subscriptions').find((one) => priceOf(one)?.active);
    const price = subscription && priceOf(subscription)?.id;
    ask(`/v1/prices/${price}`, { method: 'POST', body: 'active=false&nickname=old' });
    const again = ask(`/v1/subscriptions/${subscription?.id}`).body as unknown as { items: StripeList };
    expect(again.items.data[0]).toMatchObject({
      price: { id: price, active: false, nickname: 'old' },
      plan: { id: price, active: false },
    });
    expect(
      ask('/v1/events')
        .body.data.map((event) => event['type'])
        .sort(),
    ).toEqual(['plan.updated', 'price.updated']);
    expect(sandbox.counts()['subscription']).toBe(400);
  });
});

describe('deleted objects', () => {
  it('are told apart from customers, which stay as a stub', () => {
    const { ask, walk } = open();
    const customer = walk('/v1/customers')[5]?.id;
    const coupon = walk('/v1/coupons')[0]?.id;
    expect(ask(`/v1/customers/${customer}`, { method: 'DELETE' }).body).toEqual({
      id: customer,
      object: 'customer',
      deleted: true,
    });
    ask(`/v1/coupons/${coupon}`, { method: 'DELETE' });
    expect(ask(`/v1/customers/${customer}`)).toMatchObject({
      status: 200,
      body: { id: customer, object: 'customer', deleted: true },
    });
    expect(ask(`/v1/coupons/${coupon}`)).toMatchObject({ status: 404, body: { error: { code: 'resource_missing' } } });
    expect(ask(`/v1/customers?starting_after=${customer}`).status).toBe(400);
    expect(walk('/v1/customers').map((object) => object.id)).not.toContain(customer);
  });

  it('take subscriptions, cards and tax ids of the customer along', () => {
    const { ask, walk } = open();
    const owner = String(walk('/v1/subscriptions')[0]?.['customer']);
    ask(`/v1/customers/${owner}`, { method: 'DELETE' });
    expect(
      ask(`/v1/subscriptions?customer=${owner}&status=all`).body.data.every(
        (object) => object['status'] === 'canceled' || object['status'] === 'incomplete_expired',
      ),
    ).toBe(true);
    const types = ask('/v1/events?limit=100').body.data.map((event) => event['type']);
    expect(types).toEqual(
      expect.arrayContaining(['customer.deleted', 'customer.subscription.deleted', 'payment_method.detached']),
    );
  });
});

describe('versions', () => {
  it('before basil have the period on the subscription and the subscription on the invoice', () => {
    const { ask } = open();
    const old = { headers: { 'stripe-version': '2024-06-20' } };
    const subscription = ask('/v1/subscriptions?limit=1', old).body.data[0] as unknown as { items: StripeList };
    expect(subscription).toMatchObject({
      current_period_start: expect.any(Number),
      current_period_end: expect.any(Number),
    });
    expect(subscription.items.data[0]).not.toHaveProperty('current_period_end');
    const invoice = ask('/v1/invoices?limit=1', old).body.data[0];
    expect(invoice).toMatchObject({ subscription: expect.stringMatching(/^sub_/), paid: expect.any(Boolean) });
    expect(invoice).not.toHaveProperty('parent');
    const today = ask('/v1/invoices?limit=1').body.data[0];
    expect(today).toMatchObject({ parent: { subscription_details: { subscription: invoice?.['subscription'] } } });
    expect(ask('/v1/customers', { headers: { 'stripe-version': 'yesterday' } }).status).toBe(400);
  });

  it("of an event are the account's, of a webhook the endpoint's", () => {
    const { ask, sandbox } = open({ apiVersion: '2024-06-20' });
    ask('/v1/webhook_endpoints', {
      method: 'POST',
      body: 'url=https://example.com/hook&enabled_events[]=*&api_version=2026-10-28.endive',
    });
    const [subscription] = ask('/v1/subscriptions?limit=1').body.data;
    ask(`/v1/subscriptions/${subscription?.id}`, { method: 'POST', body: 'metadata[a]=1' });
    const deliveries = sandbox.takeDeliveries?.() ?? [];
    expect(
      deliveries.map((delivery) => [delivery.url, (JSON.parse(delivery.body) as { api_version: string }).api_version]),
    ).toEqual([
      [undefined, '2024-06-20'],
      ['https://example.com/hook', '2026-10-28.endive'],
    ]);
    expect(ask('/v1/events').body.data[0]).toMatchObject({
      data: { object: { current_period_end: expect.any(Number) } },
    });
  });
});

describe('events', () => {
  it('are kept for thirty days', () => {
    const { ask, passes, sandbox } = open();
    for (let i = 0; i < 10; i++) sandbox.mutate();
    passes(29 * 86_400_000);
    expect(ask('/v1/events').body.data.length).toBeGreaterThan(0);
    passes(2 * 86_400_000);
    expect(ask('/v1/events').body.data).toEqual([]);
  });

  it('can be selected by type, twenty at most, and by whether they arrived', () => {
    const { ask, sandbox } = open();
    for (let i = 0; i < 120; i++)
      for (const delivery of sandbox.mutate()) delivery.settled?.(!delivery.body.includes('"type":"customer.updated"'));
    const types = (query: string) =>
      new Set(ask(`/v1/events?limit=100&${query}`).body.data.map((event) => event['type']));
    expect(types('type=customer.updated')).toEqual(new Set(['customer.updated']));
    expect(types('types[]=customer.updated&types[]=charge.succeeded')).toEqual(
      new Set(['customer.updated', 'charge.succeeded']),
    );
    expect([...types('type=customer.*')].every((type) => String(type).startsWith('customer.'))).toBe(true);
    expect(types('delivery_success=false')).toEqual(new Set(['customer.updated']));
    expect(ask(`/v1/events?${Array.from({ length: 21 }, (_, i) => `types[]=a.${i}`).join('&')}`).status).toBe(400);
  });

  it('appear with the delay of an eventually consistent list, and carry a connected account on request', () => {
    const { ask, sandbox, passes } = open({ eventLagMs: 5000, eventAccount: 'acct_connected' });
    sandbox.mutate();
    expect(ask('/v1/events').body.data).toEqual([]);
    passes(6000);
    expect(ask('/v1/events').body.data[0]).toMatchObject({ object: 'event', account: 'acct_connected' });
  });

  it('lead from the first state to the last', () => {
    const { sandbox, passes } = open();
    const state = new Map(
      [...sandbox.objects('customer'), ...sandbox.objects('invoice')].map(({ id, json }) => [id, json]),
    );
    for (let i = 0; i < 500; i++) {
      passes(1000);
      for (const delivery of sandbox.mutate()) {
        const event = JSON.parse(delivery.body) as { type: string; data: { object: { id: string; object: string } } };
        const { object } = event.data;
        if (object.object !== 'customer' && object.object !== 'invoice') continue;
        if (event.type === `${object.object}.deleted`) state.delete(object.id);
        else state.set(object.id, JSON.stringify(object));
      }
    }
    const truth = new Map(
      [...sandbox.objects('customer'), ...sandbox.objects('invoice')].map(({ id, json }) => [
        id,
        JSON.stringify(JSON.parse(json)),
      ]),
    );
    expect(new Map([...state].map(([id, json]) => [id, JSON.stringify(JSON.parse(json))]))).toEqual(truth);
  });
});

describe('webhook endpoints', () => {
  it('show their secret once and listen to what they enabled', () => {
    const { ask, sandbox } = open();
    const created = ask('/v1/webhook_endpoints', {
      method: 'POST',
      body: 'url=https://example.com/hook&enabled_events[]=customer.created',
    }).body;
    expect(created['secret']).toMatch(/^whsec_/);
    expect(ask('/v1/webhook_endpoints').body.data).toEqual([
      expect.not.objectContaining({ secret: expect.anything() }),
    ]);
    ask('/v1/customers', { method: 'POST', body: 'name=Ada' });
    ask('/v1/coupons', { method: 'POST', body: 'name=Ten' });
    expect((sandbox.takeDeliveries?.() ?? []).filter((delivery) => delivery.url !== undefined)).toHaveLength(1);
    ask(`/v1/webhook_endpoints/${String(created['id'])}`, { method: 'DELETE' });
    expect(ask('/v1/webhook_endpoints').body.data).toEqual([]);
  });
});

describe('the world', () => {
  it('is the same for the same seed, also after changes', () => {
    const story = (seed: number) => {
      const { sandbox } = open({ seed, size: { customers: 160 } });
      const deliveries = Array.from({ length: 200 }, () => sandbox.mutate()).flat();
      return JSON.stringify([
        deliveries.map((delivery) => delivery.body),
        [...sandbox.objects('subscription')],
        sandbox.counts(),
      ]);
    };
    expect(story(1)).toBe(story(1));
    expect(story(1)).not.toBe(story(2));
  });

  it('returns to its first state', () => {
    const { sandbox } = open({ size: { customers: 160 } });
    const before = sandbox.counts();
    for (let i = 0; i < 200; i++) sandbox.mutate();
    expect(sandbox.counts()).not.toEqual(before);
    sandbox.reset?.();
    expect(sandbox.counts()).toEqual(before);
  });

  it('names only objects that exist', () => {
    const { sandbox, ask } = open({ size: { customers: 320 } });
    for (let i = 0; i < 300; i++) sandbox.mutate();
    const ids = new Map(Object.keys(sandbox.counts()).map((name) => [name, new Set(sandbox.ids?.(name))]));
    const references: [string, string, string][] = [
      ['subscription', 'latest_invoice', 'invoice'],
      ['charge', 'payment_intent', 'payment_intent'],
      ['charge', 'balance_transaction', 'balance_transaction'],
      ['refund', 'charge', 'charge'],
      ['refund', 'balance_transaction', 'balance_transaction'],
      ['dispute', 'charge', 'charge'],
      ['payout', 'balance_transaction', 'balance_transaction'],
      ['credit_note', 'invoice', 'invoice'],
      ['subscription_item', 'subscription', 'subscription'],
      ['invoice_line_item', 'invoice', 'invoice'],
      ['subscription_schedule', 'subscription', 'subscription'],
      ['early_fraud_warning', 'charge', 'charge'],
      ['price', 'product', 'product'],
    ];
    for (const [from, field, to] of references) {
      for (const { json } of sandbox.objects(from)) {
        const id = (JSON.parse(json) as Record<string, unknown>)[field];
        if (id !== null) expect(ids.get(to)?.has(String(id)), `${from}.${field} = ${String(id)}`).toBe(true);
      }
    }
    for (const { json } of sandbox.objects('invoice')) {
      const { customer } = JSON.parse(json) as { customer: string };
      if (!ids.get('customer')?.has(customer)) expect(ask(`/v1/customers/${customer}`).body['deleted']).toBe(true);
    }
  });

  it('of a million customers is read anywhere at once', () => {
    const { ask, sandbox } = open({ size: { customers: 1_000_000 }, distribution: 'skewed', burst: 250 });
    const middle = Math.floor(NOW / 1000) - 365 * 86_400;
    const page = ask(`/v1/customers?limit=100&created[lt]=${middle}`).body;
    expect(page.data).toHaveLength(100);
    expect(
      ask(`/v1/customers?limit=100&starting_after=${page.data[99]?.id}`).body.data[0]?.created,
    ).toBeLessThanOrEqual(page.data[99]?.created ?? 0);
    expect(sandbox.counts()['customer']).toBe(1_000_000);
  });

  it('has at least twenty thousand objects by default', () => {
    const total = Object.values(createStripeSandbox().counts()).reduce((sum, count) => sum + count, 0);
    expect(total).toBeGreaterThan(20_000);
    expect(total).toBeLessThan(40_000);
  });
});
