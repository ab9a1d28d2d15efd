import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { sandboxFetch } from '../../sandbox/http/fetch.ts';
import { createStripeSandbox, LATEST_VERSION } from '../../sandbox/stripe/index.ts';

const nowMs = () => Date.UTC(2026, 5, 15, 12);

function connect(size = 400) {
  const sandbox = createStripeSandbox({ seed: 5, size: { customers: size }, nowMs });
  const fetch = sandboxFetch(sandbox, { nowMs });
  const stripe = new Stripe(sandbox.apiKey, {
    httpClient: Stripe.createFetchHttpClient(fetch),
    host: 'stripe.test',
    maxNetworkRetries: 0,
  });
  return { sandbox, fetch, stripe, control: fetch.control };
}

/** Every list of the official client, as a complete reader walks it. */
async function readAll(stripe: Stripe): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  const read = async (name: string, list: AsyncIterable<{ id?: string }>) => {
    found[name] ??= [];
    const ids = found[name];
    for await (const object of list) ids.push(object.id as string);
  };
  const all = { limit: 100 };
  await read('customer', stripe.customers.list(all));
  await read('product', stripe.products.list(all));
  for (const active of [true, false]) await read('price', stripe.prices.list({ ...all, active }));
  await read('plan', stripe.plans.list(all));
  await read('coupon', stripe.coupons.list(all));
  await read('promotion_code', stripe.promotionCodes.list(all));
  await read('tax_rate', stripe.taxRates.list(all));
  await read('payment_method', stripe.paymentMethods.list(all));
  await read('setup_intent', stripe.setupIntents.list(all));
  await read('tax_id', stripe.taxIds.list(all));
  for (const customer of found['customer'] ?? []) await read('tax_id', stripe.customers.listTaxIds(customer, all));
  await read('subscription', stripe.subscriptions.list({ ...all, status: 'all' }));
  for (const subscription of found['subscription'] ?? [])
    await read('subscription_item', stripe.subscriptionItems.list({ ...all, subscription }));
  await read('subscription_schedule', stripe.subscriptionSchedules.list(all));
  await read('invoice', stripe.invoices.list(all));
  for (const invoice of found['invoice'] ?? [])
    await read('invoice_line_item', stripe.invoices.listLineItems(invoice, all));
  await read('invoice_item', stripe.invoiceItems.list(all));
  await read('payment_intent', stripe.paymentIntents.list(all));
  await read('charge', stripe.charges.list(all));
  await read('balance_transaction', stripe.balanceTransactions.list(all));
  await read('refund', stripe.refunds.list(all));
  await read('dispute', stripe.disputes.list(all));
  await read('review', stripe.reviews.list(all));
  await read('early_fraud_warning', stripe.radar.earlyFraudWarnings.list(all));
  await read('payout', stripe.payouts.list(all));
  await read('transfer', stripe.transfers.list(all));
  await read('checkout_session', stripe.checkout.sessions.list(all));
  for (const session of found['checkout_session'] ?? [])
    await read('checkout_line_item', stripe.checkout.sessions.listLineItems(session, all));
  await read('credit_note', stripe.creditNotes.list(all));
  await read('quote', stripe.quotes.list(all));
  return found;
}

describe('the official client', () => {
  it('pins the version that the sandbox writes', () => {
    expect(connect().stripe.getApiField('version')).toBe(LATEST_VERSION);
  });

  it('reads every resource completely, before and after changes', async () => {
    const { stripe, sandbox, control } = connect();
    sandbox.settings.truth = 'listed';
    for (const changes of [0, 400]) {
      control.mutate(changes);
      const found = await readAll(stripe);
      const counts = Object.fromEntries(Object.entries(found).map(([name, ids]) => [name, new Set(ids).size]));
      expect(counts).toEqual(sandbox.counts());
      for (const [name, ids] of Object.entries(found)) {
        expect(ids.length, `${name} twice`).toBe(new Set(ids).size);
        expect(new Set(sandbox.ids?.(name)), name).toEqual(new Set(ids));
        expect(new Set([...sandbox.objects(name)].map((object) => object.id)), name).toEqual(new Set(ids));
      }
    }
  });

  it('retrieves what it listed', async () => {
    const { stripe } = connect();
    const [invoice] = (await stripe.invoices.list({ limit: 1 })).data;
    expect(await stripe.invoices.retrieve(invoice?.id ?? '')).toMatchObject({ id: invoice?.id, total: invoice?.total });
    const [customer] = (await stripe.customers.list({ limit: 1, expand: ['data.tax_ids', 'data.subscriptions'] })).data;
    expect(customer?.tax_ids?.object).toBe('list');
    const [charge] = (await stripe.charges.list({ limit: 1, expand: ['data.customer', 'data.balance_transaction'] }))
      .data;
    expect(charge).toMatchObject({
      customer: { object: 'customer' },
      balance_transaction: { object: 'balance_transaction', source: charge?.id },
    });
  });

  it('creates, changes and deletes, and hears of it in the events', async () => {
    const { stripe, sandbox } = connect();
    const before = sandbox.counts()['customer'] ?? 0;
    const created = await stripe.customers.create({ name: 'Ada', metadata: { a: '1' } }, { idempotencyKey: 'once' });
    expect(
      await stripe.customers.create({ name: 'Ada', metadata: { a: '1' } }, { idempotencyKey: 'once' }),
    ).toMatchObject({ id: created.id });
    await expect(stripe.customers.create({ name: 'Eve' }, { idempotencyKey: 'once' })).rejects.toMatchObject({
      type: 'StripeIdempotencyError',
    });
    expect(await stripe.customers.update(created.id, { metadata: { b: '2', a: '' } })).toMatchObject({
      name: 'Ada',
      metadata: { b: '2' },
    });
    const [price] = (await stripe.prices.list({ type: 'recurring', limit: 1 })).data;
    const subscription = await stripe.subscriptions.create({
      customer: created.id,
      items: [{ price: price?.id ?? '' }],
    });
    await stripe.subscriptions.cancel(subscription.id);
    expect(await stripe.customers.del(created.id)).toEqual(expect.objectContaining({ id: created.id, deleted: true }));
    expect(await stripe.customers.retrieve(created.id)).toEqual(
      expect.objectContaining({ id: created.id, object: 'customer', deleted: true }),
    );
    expect(sandbox.counts()['customer']).toBe(before);
    const events = (await stripe.events.list({ limit: 100 })).data;
    expect(events.map((event) => event.type).sort()).toEqual([
      'customer.created',
      'customer.deleted',
      'customer.subscription.created',
      'customer.subscription.deleted',
      'customer.updated',
    ]);
    const update = events.find((event) => event.type === 'customer.updated');
    expect(update?.data.previous_attributes).toEqual({ metadata: { a: '1', b: null } });
    expect(update?.api_version).toBe(LATEST_VERSION);
    expect(events.find((event) => event.type === 'customer.created')?.request?.idempotency_key).toBe('once');
  });

  it('verifies the signature of a delivery', async () => {
    const { stripe, control, sandbox } = connect();
    sandbox.settings.webhookSecrets = ['whsec_new', 'whsec_old'];
    for (const delivery of control.mutate(20)) {
      const header = delivery.sign(delivery.body, Date.now())['stripe-signature'] ?? '';
      for (const secret of sandbox.settings.webhookSecrets) {
        expect((await stripe.webhooks.constructEventAsync(delivery.body, header, secret)).id).toBe(delivery.id);
      }
    }
  });
});
