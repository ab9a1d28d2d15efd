import { boolean, compileShape, nullIf, number, plain, spelled, text } from '../../http/shape.ts';
import { id, partId } from '../id-slots.ts';
import { latest } from '../latest.ts';
import type { Resource, StripeObject, World } from '../resource.ts';
import { email, nameOf } from './customer.ts';
import { cutList, NESTED_LIMIT, type NestedList, type Nesting, nested } from './nested-list.ts';
import { priceAmount } from './price.ts';
import { itemCount, itemPlan } from './subscription.ts';

const DRAW = [
  ...Array(85).fill('paid'),
  ...Array(6).fill('open'),
  ...Array(3).fill('draft'),
  ...Array(3).fill('void'),
  ...Array(3).fill('uncollectible'),
] as string[];
/** Kept with a stored invoice, never shown: the payment intent that paid it. */
export const PAID_BY = '$paid_by';
const MONTH_S = 30 * 86_400;

export const invoiceStatus = (w: World, i: number) => DRAW[w.random(i, 50) % 100] as string;
export const invoiceCustomer = (w: World, i: number) =>
  w.parent('subscription', w.parent('invoice', i, 'subscription'), 'customer');

export function lineCount(w: World, i: number): number {
  if (i === 11) return 250;
  if (i % 400 === 7) return 25;
  const r = w.random(i, 51) % 10;
  return r < 7 ? 1 : r < 9 ? 2 : 4;
}

/** What is known of a line. */
interface LineFacts {
  readonly i: number;
  readonly place: number;
  readonly subscription: number;
  /** Place of the subscription item that it bills. */
  readonly item: number;
  readonly plan: number;
  readonly amount: number;
}

function lineFacts(w: World, i: number, place: number): LineFacts {
  const subscription = w.parent('invoice', i, 'subscription');
  const item = place % itemCount(w, subscription);
  const plan = itemPlan(w, subscription, item);
  return { i, place, subscription, item, plan, amount: priceAmount(w, (plan >> 1) * 3 + (plan & 1)) };
}

export function invoiceTotal(w: World, i: number): number {
  let total = 0;
  for (let place = lineCount(w, i) - 1; place >= 0; place--) total += lineFacts(w, i, place).amount;
  return total;
}

function lineShape(w: World) {
  const at = latest((i) => w.at('invoice', i));
  const subscription = id(w, 'subscription', (f: LineFacts) => f.subscription);
  const amount = number((f: LineFacts) => f.amount);
  return compileShape<LineFacts>({
    id: partId(
      w,
      'invoice_line_item',
      (f: LineFacts) => f.i,
      (f: LineFacts) => f.place,
    ),
    object: 'line_item',
    amount,
    currency: 'usd',
    description: spelled(
      '1 \\u00d7 Product ',
      number((f: LineFacts) => f.plan >> 1),
    ),
    discount_amounts: [],
    discountable: true,
    discounts: [],
    invoice: id(w, 'invoice', (f: LineFacts) => f.i),
    livemode: false,
    metadata: {},
    parent: {
      invoice_item_details: null,
      subscription_item_details: {
        invoice_item: null,
        proration: false,
        proration_details: { credited_items: null },
        subscription,
        subscription_item: partId(
          w,
          'subscription_item',
          (f: LineFacts) => f.subscription,
          (f: LineFacts) => f.item,
        ),
      },
      type: 'subscription_item_details',
    },
    period: {
      end: number((f: LineFacts) => at(f.i) + MONTH_S),
      start: number((f: LineFacts) => at(f.i)),
    },
    pretax_credit_amounts: [],
    pricing: {
      price_details: {
        price: id(w, 'plan', (f: LineFacts) => f.plan),
        product: id(w, 'product', (f: LineFacts) => f.plan >> 1),
      },
      type: 'price_details',
      unit_amount_decimal: spelled(amount),
    },
    quantity: 1,
    quantity_decimal: '1',
    subscription,
    subtotal: amount,
    taxes: [],
  });
}

/** https://docs.stripe.com/api/invoices/list */
export function invoice(w: World): Resource {
  const line = lineShape(w);
  const at = latest((i) => w.at('invoice', i));
  const total = latest((i) => invoiceTotal(w, i));
  const status = latest((i) => invoiceStatus(w, i));
  const customerOf = latest((i) => invoiceCustomer(w, i));
  const paid = (i: number) => (status(i) === 'paid' ? total(i) : 0);
  const isDraft = (i: number) => status(i) === 'draft';
  const finalized = (i: number) => (isDraft(i) ? null : at(i) + 3600);
  const ownId = id(w, 'invoice', (i: number) => i);
  const lines: Nesting<LineFacts> = {
    count: (i) => lineCount(w, i),
    facts: (i, place) => lineFacts(w, i, place),
    element: line.into,
    url: spelled('/v1/invoices/', ownId, '/lines'),
  };
  const shape = (limit: number) =>
    compileShape<number>({
      id: ownId,
      object: 'invoice',
      account_country: 'US',
      account_name: 'Sandbox',
      account_tax_ids: null,
      amount_due: number(total),
      amount_overpaid: 0,
      amount_paid: number(paid),
      amount_remaining: number((i: number) => total(i) - paid(i)),
      amount_shipping: 0,
      application: null,
      attempt_count: number((i: number) => (paid(i) > 0 ? 1 : 0)),
      attempted: boolean((i: number) => paid(i) > 0),
      auto_advance: false,
      automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
      automatically_finalizes_at: null,
      billing_reason: 'subscription_cycle',
      collection_method: 'charge_automatically',
      created: number(at),
      currency: 'usd',
      custom_fields: null,
      customer: id(w, 'customer', customerOf),
      customer_account: null,
      customer_address: null,
      customer_email: email(w, customerOf),
      customer_name: text((i: number) => nameOf(w, customerOf(i))),
      customer_phone: null,
      customer_shipping: null,
      customer_tax_exempt: 'none',
      customer_tax_ids: [],
      default_payment_method: null,
      default_source: null,
      default_tax_rates: [],
      description: null,
      discounts: [],
      due_date: null,
      effective_at: number(finalized),
      ending_balance: number((i: number) => (finalized(i) === null ? null : 0)),
      footer: null,
      from_invoice: null,
      hosted_invoice_url: nullIf(isDraft, spelled('https://invoice.stripe.com/i/', ownId)),
      invoice_pdf: nullIf(isDraft, spelled('https://pay.stripe.com/invoice/', ownId, '/pdf')),
      issuer: { type: 'self' },
      last_finalization_error: null,
      latest_revision: null,
      lines: nested(lines, limit),
      livemode: false,
      metadata: {},
      next_payment_attempt: null,
      number: plain((i: number) => (finalized(i) === null ? null : `SBX-${String(i).padStart(7, '0')}`)),
      on_behalf_of: null,
      parent: {
        quote_details: null,
        subscription_details: {
          metadata: {},
          subscription: id(w, 'subscription', (i: number) => w.parent('invoice', i, 'subscription')),
        },
        type: 'subscription_details',
      },
      payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
      period_end: number(at),
      period_start: number((i: number) => at(i) - MONTH_S),
      post_payment_credit_notes_amount: 0,
      pre_payment_credit_notes_amount: 0,
      receipt_number: null,
      rendering: null,
      shipping_cost: null,
      shipping_details: null,
      starting_balance: 0,
      statement_descriptor: null,
      status: plain(status),
      status_transitions: {
        finalized_at: number(finalized),
        marked_uncollectible_at: number((i: number) => (status(i) === 'uncollectible' ? at(i) + 90_000 : null)),
        paid_at: number((i: number) => (paid(i) > 0 ? at(i) + 3601 : null)),
        voided_at: number((i: number) => (status(i) === 'void' ? at(i) + 7200 : null)),
      },
      subtotal: number(total),
      subtotal_excluding_tax: number(total),
      test_clock: null,
      total: number(total),
      total_discount_amounts: [],
      total_excluding_tax: number(total),
      total_pretax_credit_amounts: [],
      total_taxes: [],
      webhooks_delivered_at: number(finalized),
    });
  const whole = shape(1000);
  return {
    table: 'invoice',
    object: 'invoice',
    path: '/v1/invoices',
    events: 'invoice',
    created: true,
    filters: {
      status: { base: (i, value) => invoiceStatus(w, i) === value },
      customer: { parent: 'customer' },
      subscription: { parent: 'subscription', stored: (object, value) => subscriptionOf(object) === value },
      collection_method: {},
      due_date: { kind: 'range' },
    },
    write: shape(NESTED_LIMIT),
    whole: (i) => JSON.parse(whole(i)) as StripeObject,
    present: ({ [PAID_BY]: _hidden, ...object }) =>
      ({ ...object, lines: cutList(object['lines'] as NestedList) }) as StripeObject,
  };
}

export function subscriptionOf(invoiceOrItem: StripeObject): string | null {
  const parent = invoiceOrItem['parent'] as { subscription_details?: { subscription?: string } } | null;
  return parent?.subscription_details?.subscription ?? null;
}

/** https://docs.stripe.com/api/invoiceitems/list */
export function invoiceItem(w: World): Resource {
  const owner = (i: number) => w.parent('invoice_item', i, 'invoice');
  const amount = (i: number) => (w.random(i, 55) % 90) * 100 + 100;
  return {
    table: 'invoice_item',
    object: 'invoiceitem',
    path: '/v1/invoiceitems',
    events: 'invoiceitem',
    created: true,
    filters: {
      customer: { parent: 'customer' },
      invoice: { parent: 'invoice' },
      pending: { kind: 'boolean', stored: (object, value) => String(object['invoice'] === null) === value },
    },
    write: compileShape<number>({
      id: id(w, 'invoice_item', (i: number) => i),
      object: 'invoiceitem',
      amount: number(amount),
      currency: 'usd',
      customer: id(w, 'customer', (i: number) => invoiceCustomer(w, owner(i))),
      customer_account: null,
      date: number((i: number) => w.at('invoice_item', i)),
      description: 'One-time setup',
      discountable: true,
      discounts: [],
      invoice: id(w, 'invoice', (i: number) => owner(i)),
      livemode: false,
      metadata: {},
      net_amount: number(amount),
      parent: null,
      period: {
        end: number((i: number) => w.at('invoice_item', i)),
        start: number((i: number) => w.at('invoice_item', i)),
      },
      pricing: {
        price_details: {
          price: id(w, 'price', (i: number) => (w.random(i, 56) % w.size.product) * 3 + 2),
          product: id(w, 'product', (i: number) => w.random(i, 56) % w.size.product),
        },
        type: 'price_details',
        unit_amount_decimal: spelled(number(amount)),
      },
      proration: false,
      quantity: 1,
      quantity_decimal: '1',
      tax_rates: [],
      test_clock: null,
    }),
  };
}
