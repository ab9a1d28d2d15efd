import { StripeProblem } from './errors.ts';
import type { StripeObject } from './resource.ts';
import type { NestedList } from './resources/nested-list.ts';

/** What the `stripe` package 23 pins; objects are written in this shape. */
export const LATEST_VERSION = '2026-10-28.endive';
/** From here on billing periods are on items, and invoices have `parent` and `payments`. */
const BASIL = '2025-03-31';
/** From here on a promotion code and a discount name their coupon inside `promotion` and `source`. */
const CLOVER = '2025-09-30';
/** From here on a charge has its refunds only when expanded. */
const WITHOUT_REFUNDS = '2022-11-15';

export function parseVersion(text: string): string {
  if (!/^\d{4}-\d\d-\d\d(\.[a-z]+)?$/.test(text)) throw new StripeProblem(400, `Invalid Stripe API version: ${text}`);
  return text;
}

/** Whether objects in this version differ from those of the latest. */
export const isOlder = (version: string) => version.slice(0, 10) < CLOVER;

/** An object (or a list of them, or anything that holds them) in the shape of an older version. */
export function downgrade(value: unknown, version: string): unknown {
  if (Array.isArray(value)) return value.map((element) => downgrade(element, version));
  if (value === null || typeof value !== 'object') return value;
  const object = Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, downgrade(inner, version)]),
  ) as StripeObject;
  const date = version.slice(0, 10);
  if (date < CLOVER) beforeClover(object);
  if (date < BASIL) beforeBasil(object);
  if (date < WITHOUT_REFUNDS && object.object === 'charge') {
    object['refunds'] ??= { object: 'list', data: [], has_more: false, url: `/v1/charges/${object.id}/refunds` };
  }
  return object;
}

function beforeClover(object: StripeObject): void {
  if (object.object === 'promotion_code') {
    object['coupon'] = (object['promotion'] as { coupon: unknown }).coupon;
    delete object['promotion'];
  }
}

function beforeBasil(object: StripeObject): void {
  const parent = object['parent'] as
    | {
        subscription_details?: Record<string, unknown>;
        subscription_item_details?: Record<string, unknown>;
        invoice_item_details?: Record<string, unknown>;
        type?: string;
      }
    | null
    | undefined;
  const pricing = object['pricing'] as
    | { price_details?: { price?: string }; unit_amount_decimal?: string | null }
    | null
    | undefined;
  switch (object.object) {
    case 'subscription': {
      const items = object['items'] as NestedList;
      const [first] = items.data;
      object['current_period_start'] = first?.['current_period_start'] ?? object['start_date'];
      object['current_period_end'] = first?.['current_period_end'] ?? object['start_date'];
      object['discount'] = null;
      for (const item of items.data) withoutPeriod(item);
      return;
    }
    case 'subscription_item':
      withoutPeriod(object);
      return;
    case 'invoice': {
      const details = parent?.subscription_details;
      const paid = object['status'] === 'paid';
      Object.assign(object, {
        subscription: details?.['subscription'] ?? null,
        subscription_details: { metadata: details?.['metadata'] ?? null },
        quote: null,
        charge: null,
        payment_intent: null,
        discount: null,
        tax: null,
        total_tax_amounts: [],
        paid,
        paid_out_of_band: false,
        application_fee_amount: null,
        transfer_data: null,
      });
      for (const key of ['parent', 'amount_overpaid', 'total_taxes']) delete object[key];
      return;
    }
    case 'line_item': {
      const details = parent?.subscription_item_details ?? parent?.invoice_item_details;
      Object.assign(object, {
        price: pricing?.price_details?.price ?? null,
        proration: details?.['proration'] ?? false,
        proration_details: details?.['proration_details'] ?? null,
        subscription: details?.['subscription'] ?? null,
        invoice_item: details?.['invoice_item'] ?? null,
        tax_amounts: [],
        tax_rates: [],
        type: parent?.invoice_item_details ? 'invoiceitem' : 'subscription',
        unit_amount_excluding_tax: pricing?.unit_amount_decimal ?? null,
        ...(details?.['subscription_item'] !== undefined && { subscription_item: details['subscription_item'] }),
      });
      for (const key of ['parent', 'pricing', 'taxes', 'subtotal']) delete object[key];
      return;
    }
    case 'invoiceitem':
      Object.assign(object, {
        price: pricing?.price_details?.price ?? null,
        subscription: parent?.subscription_details?.['subscription'] ?? null,
        unit_amount: Number(pricing?.unit_amount_decimal ?? 0),
        unit_amount_decimal: pricing?.unit_amount_decimal ?? null,
      });
      for (const key of ['parent', 'pricing', 'net_amount']) delete object[key];
      return;
    case 'charge':
    case 'payment_intent':
      object['invoice'] = null;
      return;
    default:
  }
}

function withoutPeriod(item: StripeObject): void {
  delete item['current_period_start'];
  delete item['current_period_end'];
}
