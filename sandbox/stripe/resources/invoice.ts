import type { Resource, StripeObject, World } from '../resource.ts';
import { boolean, compileShape, number, plain, text } from '../shape.ts';
import { emailOf, nameOf } from './customer.ts';
import { cutList, NESTED_LIMIT, type NestedList, nestedText } from './nested-list.ts';
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

const linePlan = (w: World, i: number, place: number) => {
  const subscription = w.parent('invoice', i, 'subscription');
  return itemPlan(w, subscription, place % itemCount(w, subscription));
};

const lineAmount = (w: World, i: number, place: number) => {
  const plan = linePlan(w, i, place);
  return priceAmount(w, (plan >> 1) * 3 + (plan & 1));
};

export function invoiceTotal(w: World, i: number): number {
  let total = 0;
  for (let place = lineCount(w, i) - 1; place >= 0; place--) total += lineAmount(w, i, place);
  return total;
}

interface LineFacts {
  readonly i: number;
  readonly place: number;
}

function lineShape(w: World) {
  const subscriptionOf = (f: LineFacts) => w.id('subscription', w.parent('invoice', f.i, 'subscription'));
  return compileShape<LineFacts>({
    id: plain((f: LineFacts) => w.partId('invoice_line_item', f.i, f.place)),
    object: 'line_item',
    amount: number((f: LineFacts) => lineAmount(w, f.i, f.place)),
    currency: 'usd',
    description: plain((f: LineFacts) => `1 \\u00d7 Product ${linePlan(w, f.i, f.place) >> 1}`),
    discount_amounts: [],
    discountable: true,
    discounts: [],
    invoice: plain((f: LineFacts) => w.id('invoice', f.i)),
    livemode: false,
    metadata: {},
    parent: {
      invoice_item_details: null,
      subscription_item_details: {
        invoice_item: null,
        proration: false,
        proration_details: { credited_items: null },
        subscription: plain(subscriptionOf),
        subscription_item: plain((f: LineFacts) => {
          const owner = w.parent('invoice', f.i, 'subscription');
          return w.partId('subscription_item', owner, f.place % itemCount(w, owner));
        }),
      },
      type: 'subscription_item_details',
    },
    period: {
      end: number((f: LineFacts) => w.at('invoice', f.i) + MONTH_S),
      start: number((f: LineFacts) => w.at('invoice', f.i)),
    },
    pretax_credit_amounts: [],
    pricing: {
      price_details: {
        price: plain((f: LineFacts) => w.id('plan', linePlan(w, f.i, f.place))),
        product: plain((f: LineFacts) => w.id('product', linePlan(w, f.i, f.place) >> 1)),
      },
      type: 'price_details',
      unit_amount_decimal: plain((f: LineFacts) => `${lineAmount(w, f.i, f.place)}`),
    },
    quantity: 1,
    quantity_decimal: '1',
    subscription: plain(subscriptionOf),
    subtotal: number((f: LineFacts) => lineAmount(w, f.i, f.place)),
    taxes: [],
  });
}

/** https://docs.stripe.com/api/invoices/list */
export function invoice(w: World): Resource {
  const line = lineShape(w);
  const at = (i: number) => w.at('invoice', i);
  const total = (i: number) => invoiceTotal(w, i);
  const paid = (i: number) => (invoiceStatus(w, i) === 'paid' ? total(i) : 0);
  const finalized = (i: number) => (invoiceStatus(w, i) === 'draft' ? null : at(i) + 3600);
  const list = (limit: number) => (i: number) => {
    const count = lineCount(w, i);
    const elements = Array.from({ length: Math.min(count, limit) }, (_, place) => line({ i, place }));
    return nestedText(elements, count, `/v1/invoices/${w.id('invoice', i)}/lines`);
  };
  const shape = (lines: (i: number) => string) =>
    compileShape<number>({
      id: plain((i: number) => w.id('invoice', i)),
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
      customer: plain((i: number) => w.id('customer', invoiceCustomer(w, i))),
      customer_account: null,
      customer_address: null,
      customer_email: plain((i: number) => emailOf(w, invoiceCustomer(w, i))),
      customer_name: text((i: number) => nameOf(w, invoiceCustomer(w, i))),
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
      hosted_invoice_url: plain((i: number) =>
        finalized(i) === null ? null : `https://invoice.stripe.com/i/${w.id('invoice', i)}`,
      ),
      invoice_pdf: plain((i: number) =>
        finalized(i) === null ? null : `https://pay.stripe.com/invoice/${w.id('invoice', i)}/pdf`,
      ),
      issuer: { type: 'self' },
      last_finalization_error: null,
      latest_revision: null,
      lines: text(lines),
      livemode: false,
      metadata: {},
      next_payment_attempt: null,
      number: plain((i: number) => (finalized(i) === null ? null : `SBX-${String(i).padStart(7, '0')}`)),
      on_behalf_of: null,
      parent: {
        quote_details: null,
        subscription_details: {
          metadata: {},
          subscription: plain((i: number) => w.id('subscription', w.parent('invoice', i, 'subscription'))),
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
      status: plain((i: number) => invoiceStatus(w, i)),
      status_transitions: {
        finalized_at: number(finalized),
        marked_uncollectible_at: number((i: number) =>
          invoiceStatus(w, i) === 'uncollectible' ? at(i) + 90_000 : null,
        ),
        paid_at: number((i: number) => (paid(i) > 0 ? at(i) + 3601 : null)),
        voided_at: number((i: number) => (invoiceStatus(w, i) === 'void' ? at(i) + 7200 : null)),
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
  const whole = shape(list(1000));
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
    write: shape(list(NESTED_LIMIT)),
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
      id: plain((i: number) => w.id('invoice_item', i)),
      object: 'invoiceitem',
      amount: number(amount),
      currency: 'usd',
      customer: plain((i: number) => w.id('customer', invoiceCustomer(w, owner(i)))),
      customer_account: null,
      date: number((i: number) => w.at('invoice_item', i)),
      description: 'One-time setup',
      discountable: true,
      discounts: [],
      invoice: plain((i: number) => w.id('invoice', owner(i))),
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
          price: plain((i: number) => w.id('price', (w.random(i, 56) % w.size.product) * 3 + 2)),
          product: plain((i: number) => w.id('product', w.random(i, 56) % w.size.product)),
        },
        type: 'price_details',
        unit_amount_decimal: plain((i: number) => `${amount(i)}`),
      },
      proration: false,
      quantity: 1,
      quantity_decimal: '1',
      tax_rates: [],
      test_clock: null,
    }),
  };
}
