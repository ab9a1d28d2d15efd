import type { Changes } from '../changes.ts';
import type { StripeObject } from '../resource.ts';
import { pay } from './billing.ts';

/** A finished checkout of one thing, with its payment. */
export function sellAtCheckout(c: Changes, customer: string, price: StripeObject): StripeObject {
  const { population, tables } = c.account;
  const amount = Number(price['unit_amount']);
  const { intent } = pay(c, customer, amount);
  const id = tables.checkout_session.nextId();
  const line = {
    id: population.partId('checkout_line_item', tables.checkout_session.positionOf(id) ?? 0, 0),
    object: 'item',
    adjustable_quantity: null,
    amount_discount: 0,
    amount_subtotal: amount,
    amount_tax: 0,
    amount_total: amount,
    currency: 'usd',
    description: 'Bought once',
    metadata: {},
    price,
    quantity: 1,
  };
  const lines = { object: 'list', data: [line], has_more: false, url: `/v1/checkout/sessions/${id}/line_items` };
  const fields = { id, customer, payment_intent: intent, amount_total: amount, amount_subtotal: amount };
  return c.create('checkout_session', { ...fields, line_items: lines }, ['checkout.session.completed']);
}

/** A session that waits for its customer. Opening one makes no event. https://docs.stripe.com/api/events/types */
export function openCheckout(c: Changes, customer: string): StripeObject {
  const { population, tables } = c.account;
  const id = tables.checkout_session.nextId();
  const model = tables.checkout_session.storedAt(0) as StripeObject & { line_items?: { data: StripeObject[] } };
  const [like] = model.line_items?.data ?? [];
  const line = { ...like, id: population.partId('checkout_line_item', tables.checkout_session.positionOf(id) ?? 0, 0) };
  const lines = { object: 'list', data: [line], has_more: false, url: `/v1/checkout/sessions/${id}/line_items` };
  const open = { status: 'open', payment_status: 'unpaid', payment_intent: null, expires_at: c.nowS() + 86_400 };
  return c.create('checkout_session', { id, customer, ...open, line_items: lines }, []);
}

export function payOut(c: Changes, amount: number): StripeObject {
  const id = c.account.tables.payout.nextId();
  const kind = { reporting_category: 'payout', type: 'payout', source: id };
  const movement = c.create(
    'balance_transaction',
    { amount: -amount, fee: 0, fee_details: [], net: -amount, ...kind },
    [],
  );
  c.create('payout', { id, amount, status: 'pending', balance_transaction: movement.id });
  return c.update('payout', id, { status: 'paid' }, ['payout.updated', 'payout.paid']);
}

/** A credit note over the first line of an invoice. */
export function issueCreditNote(c: Changes, invoice: StripeObject): StripeObject {
  const { population, tables } = c.account;
  const id = tables.credit_note.nextId();
  const model = JSON.parse(tables.credit_note.resource.write(0)) as { lines: { data: StripeObject[] } };
  const line = {
    ...model.lines.data[0],
    id: population.partId('credit_note_line_item', tables.credit_note.positionOf(id) ?? 0, 0),
    invoice_line_item: (invoice['lines'] as { data: StripeObject[] }).data[0]?.id ?? null,
  };
  const lines = { object: 'list', data: [line], has_more: false, url: `/v1/credit_notes/${id}/lines` };
  return c.create('credit_note', { id, invoice: invoice.id, customer: invoice['customer'], lines });
}
