import type { Changes } from '../changes.ts';
import type { StripeObject } from '../resource.ts';
import { PAID_BY } from '../resources/invoice.ts';
import type { NestedList } from '../resources/nested-list.ts';
import { itemsOf } from './subscriptions.ts';

const MONTH_S = 30 * 86_400;

function amountOf(c: Changes, price: string): number {
  return Number(c.get('price', price)['unit_amount'] ?? 0);
}

/** A draft with a line for each item of the subscription. */
export function draftInvoice(c: Changes, subscriptionId: string): StripeObject {
  const { population, tables } = c.account;
  const subscription = c.get('subscription', subscriptionId);
  const now = c.nowS();
  const id = tables.invoice.nextId();
  const owner = tables.invoice.positionOf(id) ?? 0;
  const data = itemsOf(subscription)
    .slice(0, 1000)
    .map((item, place): StripeObject => {
      const price = String(item['price']);
      const quantity = Number(item['quantity'] ?? 1);
      const unit = amountOf(c, price);
      return {
        id: population.partId('invoice_line_item', owner, place),
        object: 'line_item',
        amount: unit * quantity,
        currency: 'usd',
        description: `${quantity} × ${price}`,
        discount_amounts: [],
        discountable: true,
        discounts: [],
        invoice: id,
        livemode: false,
        metadata: {},
        parent: {
          invoice_item_details: null,
          subscription_item_details: {
            invoice_item: null,
            proration: false,
            proration_details: { credited_items: null },
            subscription: subscriptionId,
            subscription_item: item.id,
          },
          type: 'subscription_item_details',
        },
        period: { end: now + MONTH_S, start: now },
        pretax_credit_amounts: [],
        pricing: {
          price_details: { price, product: c.get('price', price)['product'] },
          type: 'price_details',
          unit_amount_decimal: String(unit),
        },
        quantity,
        quantity_decimal: String(quantity),
        subscription: subscriptionId,
        subtotal: unit * quantity,
        taxes: [],
      };
    });
  const total = data.reduce((sum, line) => sum + Number(line['amount']), 0);
  const lines: NestedList = { object: 'list', data, has_more: false, url: `/v1/invoices/${id}/lines` };
  return c.create('invoice', {
    id,
    customer: subscription['customer'],
    lines,
    status: 'draft',
    amount_due: total,
    amount_paid: 0,
    amount_remaining: total,
    subtotal: total,
    subtotal_excluding_tax: total,
    total,
    total_excluding_tax: total,
    attempt_count: 0,
    attempted: false,
    auto_advance: true,
    customer_email: null,
    customer_name: null,
    effective_at: null,
    ending_balance: null,
    hosted_invoice_url: null,
    invoice_pdf: null,
    number: null,
    parent: {
      quote_details: null,
      subscription_details: { metadata: {}, subscription: subscriptionId },
      type: 'subscription_details',
    },
    period_end: now,
    period_start: now - MONTH_S,
    status_transitions: { finalized_at: null, marked_uncollectible_at: null, paid_at: null, voided_at: null },
    webhooks_delivered_at: null,
    metadata: {},
  });
}

export function finalizeInvoice(c: Changes, id: string): StripeObject {
  const now = c.nowS();
  const invoice = c.get('invoice', id);
  return c.update(
    'invoice',
    id,
    {
      status: 'open',
      auto_advance: true,
      effective_at: now,
      ending_balance: 0,
      number: `SBX-N${c.account.tables.invoice.positionOf(id)}`,
      hosted_invoice_url: `https://invoice.stripe.com/i/${id}`,
      invoice_pdf: `https://pay.stripe.com/invoice/${id}/pdf`,
      status_transitions: { ...(invoice['status_transitions'] as object), finalized_at: now },
      webhooks_delivered_at: now,
    },
    ['invoice.finalized', 'invoice.updated'],
  );
}

/** Payment intent, charge and balance transaction of a payment, with the events of each. */
export function pay(c: Changes, customer: unknown, amount: number): { intent: string; charge: string } {
  const { tables } = c.account;
  const intent = tables.payment_intent.nextId();
  const charge = tables.charge.nextId();
  c.create('payment_intent', {
    id: intent,
    customer,
    amount,
    amount_received: 0,
    status: 'requires_confirmation',
    latest_charge: null,
    payment_method: null,
    client_secret: `${intent}_secret_sandbox`,
  });
  const movement = c.create(
    'balance_transaction',
    {
      amount,
      available_on: c.nowS() + 2 * 86_400,
      fee: 0,
      fee_details: [],
      net: amount,
      reporting_category: 'charge',
      type: 'charge',
      source: charge,
    },
    [],
  );
  c.create(
    'charge',
    {
      id: charge,
      customer,
      amount,
      amount_captured: amount,
      amount_refunded: 0,
      balance_transaction: movement.id,
      payment_intent: intent,
      payment_method: null,
      refunded: false,
      disputed: false,
      review: null,
      billing_details: {
        address: { city: null, country: null, line1: null, line2: null, postal_code: null, state: null },
        email: null,
        name: null,
        phone: null,
        tax_id: null,
      },
      receipt_url: `https://pay.stripe.com/receipts/${charge}`,
    },
    ['charge.succeeded'],
  );
  c.update('payment_intent', intent, { status: 'succeeded', amount_received: amount, latest_charge: charge }, [
    'payment_intent.succeeded',
  ]);
  return { intent, charge };
}

export function payInvoice(c: Changes, id: string): StripeObject {
  const invoice = c.get('invoice', id);
  const amount = Number(invoice['amount_due']);
  const paidBy = amount > 0 ? { [PAID_BY]: pay(c, invoice['customer'], amount).intent } : {};
  const transitions = { ...(invoice['status_transitions'] as object), paid_at: c.nowS() };
  return c.update(
    'invoice',
    id,
    {
      status: 'paid',
      amount_paid: amount,
      amount_remaining: 0,
      attempt_count: 1,
      attempted: true,
      auto_advance: false,
      status_transitions: transitions,
      ...paidBy,
    },
    ['invoice.updated', 'invoice.paid', 'invoice.payment_succeeded'],
  );
}

export function voidInvoice(c: Changes, id: string): StripeObject {
  const transitions = { ...(c.get('invoice', id)['status_transitions'] as object), voided_at: c.nowS() };
  return c.update(
    'invoice',
    id,
    { status: 'void', amount_remaining: 0, auto_advance: false, status_transitions: transitions },
    ['invoice.voided', 'invoice.updated'],
  );
}

/** Draft, finalized, paid; the subscription's period moves on. */
export function renew(c: Changes, subscriptionId: string): void {
  const invoice = draftInvoice(c, subscriptionId);
  finalizeInvoice(c, invoice.id);
  payInvoice(c, invoice.id);
  const subscription = c.get('subscription', subscriptionId);
  const now = c.nowS();
  const items = subscription['items'] as NestedList;
  const data = items.data.map((item) => ({ ...item, current_period_start: now, current_period_end: now + MONTH_S }));
  c.update('subscription', subscriptionId, { latest_invoice: invoice.id, items: { ...items, data } });
}

/** A full refund of what is left of a charge. */
export function refundCharge(c: Changes, chargeId: string): StripeObject | undefined {
  const charge = c.get('charge', chargeId);
  const left = Number(charge['amount']) - Number(charge['amount_refunded']);
  if (left <= 0) return undefined;
  const id = c.account.tables.refund.nextId();
  const movement = c.create(
    'balance_transaction',
    { amount: -left, fee: 0, fee_details: [], net: -left, reporting_category: 'refund', type: 'refund', source: id },
    [],
  );
  const refund = c.create('refund', {
    id,
    amount: left,
    charge: chargeId,
    payment_intent: charge['payment_intent'],
    balance_transaction: movement.id,
  });
  c.update('charge', chargeId, { amount_refunded: charge['amount'], refunded: true }, ['charge.refunded']);
  return refund;
}

export function openDispute(c: Changes, chargeId: string): StripeObject {
  const charge = c.get('charge', chargeId);
  const dispute = c.create('dispute', {
    amount: charge['amount'],
    charge: chargeId,
    payment_intent: charge['payment_intent'],
    status: 'needs_response',
  });
  c.update('charge', chargeId, { disputed: true });
  return dispute;
}
