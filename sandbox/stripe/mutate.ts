import { createRandom } from '../http/random.ts';
import type { Changes } from './changes.ts';
import { draftInvoice, finalizeInvoice, openDispute, pay, refundCharge, renew, voidInvoice } from './operations/billing.ts';
import { attachCard, createCustomer, deleteCustomer, detachCard } from './operations/customers.ts';
import { addItem, cancelSubscription, changeItem, createSubscription, isOver, itemsOf, removeItem } from './operations/subscriptions.ts';
import type { TableName } from './population.ts';
import type { StripeObject } from './resource.ts';

export type Mutate = () => void;

/** A life of an account: changes of every kind, by weight, drawn from the seed. */
export function createMutate(c: Changes, seed: number): Mutate {
  const { tables, population } = c.account;
  const random = createRandom(seed ^ 0x6d757461);
  let step = 0;
  /** Drafts that nothing refers to: only these are deleted. */
  const drafts: string[] = [];

  function any(table: TableName, fits: (object: StripeObject) => boolean = () => true): StripeObject | undefined {
    for (let attempt = 0; attempt < 30; attempt++) {
      const object = tables[table].storedAt(random.below(tables[table].ranks));
      if (object && fits(object)) return object;
    }
    return undefined;
  }

  const living = () => any('subscription', (object) => !isOver(object));
  const recurringPrice = () => any('price', (object) => object['type'] === 'recurring' && tables.plan.rankOf(object.id) !== undefined)?.id;
  const change = (table: TableName, fields: (object: StripeObject) => Record<string, unknown>, fits?: (object: StripeObject) => boolean) => {
    const object = any(table, fits);
    if (object) c.update(table, object.id, fields(object));
  };
  const note = (object: StripeObject) => ({ metadata: { ...(object['metadata'] as object), changed: String(step) } });
  const setPriceActive = (id: string, active: boolean) => {
    c.update('price', id, { active });
    if (tables.plan.rankOf(id) !== undefined) c.update('plan', id, { active });
  };

  const CHANGES: readonly [number, () => void][] = [
    [14, () => change('customer', () => ({ name: `Renamed "${step}" Ünïcode 🙂`, email: `changed-${step}@example.com` }))],
    [6, () => change('customer', (o) => ({ balance: Number(o['balance']) - 100, ...note(o) }))],
    [8, () => {
      const { id } = createCustomer(c, { name: `New customer ${step}`, email: `new-${step}@example.com` });
      attachCard(c, id);
      if (random.chance(0.3)) c.create('tax_id', { customer: id, owner: { customer: id, customer_account: null, type: 'customer' } });
      if (random.chance(0.3)) c.create('setup_intent', { customer: id, payment_method: null }, ['setup_intent.created', 'setup_intent.succeeded']);
    }],
    [2, () => { const o = any('customer'); if (o) deleteCustomer(c, o.id); }],
    [6, () => {
      const [owner, price] = [any('customer'), recurringPrice()];
      if (owner && price) renew(c, createSubscription(c, owner.id, [price]).id);
    }],
    [8, () => change('subscription', note, (o) => !isOver(o))],
    [4, () => {
      const subscription = living();
      const item = subscription && itemsOf(subscription)[0];
      if (subscription && item) changeItem(c, subscription.id, item.id, { quantity: Number(item['quantity'] ?? 1) + 1 });
    }],
    [4, () => { const [o, price] = [living(), recurringPrice()]; if (o && price) addItem(c, o.id, price); }],
    [3, () => {
      const subscription = any('subscription', (o) => !isOver(o) && itemsOf(o).length > 1);
      const item = subscription && itemsOf(subscription).at(-1);
      if (subscription && item) removeItem(c, subscription.id, item.id);
    }],
    [3, () => { const o = living(); if (o) cancelSubscription(c, o.id); }],
    [2, () => change('subscription', () => ({ status: 'past_due' }), (o) => o['status'] === 'active')],
    [10, () => { const o = living(); if (o) renew(c, o.id); }],
    [2, () => { const o = living(); if (o) finalizeInvoice(c, draftInvoice(c, o.id).id); }],
    [2, () => { const o = any('invoice', (invoice) => invoice['status'] === 'open'); if (o) voidInvoice(c, o.id); }],
    [2, () => {
      const draft = drafts.shift();
      const o = living();
      if (draft !== undefined) c.remove('invoice', draft);
      else if (o) drafts.push(draftInvoice(c, o.id).id);
    }],
    [2, () => { const o = any('customer'); if (o) pay(c, o.id, (random.below(90) + 1) * 100); }],
    [2, () => { const o = any('charge', (charge) => charge['refunded'] === false); if (o) refundCharge(c, o.id); }],
    [1, () => { const o = any('charge', (charge) => charge['disputed'] === false); if (o) openDispute(c, o.id); }],
    [1, () => { const o = any('dispute', (dispute) => dispute['status'] === 'needs_response'); if (o) c.update('dispute', o.id, { status: 'lost' }, ['charge.dispute.updated', 'charge.dispute.closed']); }],
    [2, () => change('product', (o) => ({ name: `Product renamed ${step}`, updated: c.nowS(), metadata: o['metadata'] }))],
    [1, () => change('product', () => ({ active: false, updated: c.nowS() }), (o) => o['active'] === true)],
    [1, () => {
      const { id } = c.create('product', { name: `New product ${step}`, default_price: null, active: true, updated: c.nowS() });
      createPrice(c, id, 1900, 'month');
    }],
    [1, () => { const o = any('price', (price) => price['active'] === true); if (o) setPriceActive(o.id, false); }],
    [1, () => { const o = any('price', (price) => price['active'] === false); if (o) setPriceActive(o.id, true); }],
    [1, () => { const o = c.create('coupon', { name: `Coupon ${step}`, percent_off: 12.5 }); c.create('promotion_code', { active: true, code: `NEW${step}`, promotion: { coupon: o.id, type: 'coupon' } }); }],
    [1, () => { const o = any('coupon'); if (o && tables.coupon.living > 3) c.remove('coupon', o.id); }],
    [1, () => change('promotion_code', () => ({ active: false }), (o) => o['active'] === true)],
    [1, () => { const o = any('payment_method', (card) => card['customer'] !== null); if (o) detachCard(c, o.id); }],
    [2, () => { const o = any('payment_method', (card) => card['customer'] !== null); if (o) c.update('payment_method', o.id, note(o)); }],
    [1, () => { const o = any('customer'); if (o) c.create('tax_id', { customer: o.id, owner: { customer: o.id, customer_account: null, type: 'customer' } }); }],
    [1, () => { const o = any('tax_id', (taxId) => taxId['customer'] !== null); if (o) c.remove('tax_id', o.id); }],
    [1, () => { const o = any('customer'); if (o) c.create('invoice_item', { customer: o.id, invoice: null, date: c.nowS(), description: `Extra ${step}` }); }],
    [1, () => { const o = any('invoice_item', (item) => item['invoice'] === null); if (o) c.remove('invoice_item', o.id); }],
    [1, () => { const o = any('invoice', (invoice) => invoice['status'] === 'paid'); if (o) c.create('credit_note', creditNoteFields(o)); }],
    [1, () => change('quote', () => ({ status: 'accepted' }), (o) => o['status'] === 'open')],
    [1, () => { const o = any('customer'); if (o) c.create('quote', { customer: o.id, status: 'draft', number: null }); }],
    [1, () => change('tax_rate', () => ({ description: `VAT, changed ${step}` }))],
    [1, () => change('subscription_schedule', () => ({ status: 'canceled', canceled_at: c.nowS() }), (o) => o['status'] === 'active')],
    [1, () => {
      const id = tables.payout.nextId();
      const movement = c.create('balance_transaction', { amount: -5000, fee: 0, fee_details: [], net: -5000, reporting_category: 'payout', type: 'payout', source: id }, []);
      c.create('payout', { id, amount: 5000, status: 'pending', balance_transaction: movement.id });
      c.update('payout', id, { status: 'paid' }, ['payout.updated', 'payout.paid']);
    }],
    [1, () => {
      const owner = any('customer');
      if (!owner) return;
      const { intent } = pay(c, owner.id, 4200);
      const id = tables.checkout_session.nextId();
      const price = any('price', (o) => o['type'] === 'one_time');
      if (price) c.create('checkout_session', { id, customer: owner.id, payment_intent: intent, amount_total: 4200, amount_subtotal: 4200, line_items: checkoutLines(id, price) }, ['checkout.session.completed']);
    }],
    [1, () => { const o = any('charge'); if (o) c.create('early_fraud_warning', { charge: o.id, payment_intent: o['payment_intent'] }); }],
  ];
  const total = CHANGES.reduce((sum, [weight]) => sum + weight, 0);

  function creditNoteFields(invoice: StripeObject): Record<string, unknown> {
    const id = tables.credit_note.nextId();
    const model = JSON.parse(tables.credit_note.resource.write(0)) as { lines: { data: StripeObject[] } };
    const [line] = model.lines.data;
    const position = tables.credit_note.positionOf(id) ?? 0;
    const data = [{ ...line, id: population.partId('credit_note_line_item', position, 0), invoice_line_item: (invoice['lines'] as { data: StripeObject[] }).data[0]?.id ?? null }];
    return { id, invoice: invoice.id, customer: invoice['customer'], lines: { object: 'list', data, has_more: false, url: `/v1/credit_notes/${id}/lines` } };
  }

  function checkoutLines(session: string, price: StripeObject): object {
    const position = tables.checkout_session.positionOf(session) ?? 0;
    const line = {
      id: population.partId('checkout_line_item', position, 0), object: 'item', adjustable_quantity: null, amount_discount: 0, amount_subtotal: 4200, amount_tax: 0, amount_total: 4200, currency: 'usd', description: 'Sandbox', metadata: {}, price, quantity: 1,
    };
    return { object: 'list', data: [line], has_more: false, url: `/v1/checkout/sessions/${session}/line_items` };
  }

  return () => {
    step++;
    let draw = random.below(total);
    for (const [weight, run] of CHANGES) {
      if (draw < weight) {
        run();
        return;
      }
      draw -= weight;
    }
  };
}

/** A recurring price and the plan that is its older face. */
export function createPrice(c: Changes, product: string, amount: number, interval: 'month' | 'year'): StripeObject {
  const price = c.create('price', {
    active: true, product, unit_amount: amount, unit_amount_decimal: String(amount), type: 'recurring', metadata: {}, nickname: null, lookup_key: null,
    recurring: { interval, interval_count: 1, meter: null, trial_period_days: null, usage_type: 'licensed' },
  });
  c.create('plan', { id: price.id, active: true, product, amount, amount_decimal: String(amount), interval, metadata: {} });
  return price;
}
