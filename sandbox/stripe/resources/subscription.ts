import type { Resource, StripeObject, World } from '../resource.ts';
import { compileShape, number, plain, text } from '../shape.ts';
import { cutList, NESTED_LIMIT, type NestedList, nestedText } from './nested-list.ts';

/** A hundred shares, from which the status of a subscription is drawn. */
const STATUSES: readonly [string, number][] = [
  ['active', 70],
  ['canceled', 12],
  ['trialing', 6],
  ['past_due', 5],
  ['unpaid', 2],
  ['incomplete', 2],
  ['incomplete_expired', 1],
  ['paused', 2],
];
const DRAW = STATUSES.flatMap(([status, share]) => Array.from({ length: share }, () => status));
const ENDED = new Set(['canceled', 'incomplete_expired']);
const MONTH_S = 30 * 86_400;

export const subscriptionStatus = (w: World, i: number) => DRAW[w.random(i, 40) % 100] as string;

export function itemCount(w: World, i: number): number {
  if (i % 500 === 3) return 12;
  if (i === 17) return 25;
  const r = w.random(i, 41) % 10;
  return r < 7 ? 1 : r < 9 ? 2 : 3;
}

/** A recurring price: as a plan, so that every item has both. */
export const itemPlan = (w: World, i: number, place: number) => (w.random(i, 42) + place * 3) % w.size.plan;

interface ItemFacts {
  readonly i: number;
  readonly place: number;
}

export const periodStart = (w: World, i: number) => w.untilS - (w.random(i, 43) % MONTH_S);

/** An item: with price and plan by reference (`whole`) or as they are now. */
function itemShape(w: World, whole: boolean) {
  return compileShape<ItemFacts>({
    id: plain((f: ItemFacts) => w.partId('subscription_item', f.i, f.place)),
    object: 'subscription_item',
    billing_thresholds: null,
    created: number((f: ItemFacts) => w.at('subscription', f.i)),
    current_period_end: number((f: ItemFacts) => periodStart(w, f.i) + MONTH_S),
    current_period_start: number((f: ItemFacts) => periodStart(w, f.i)),
    discounts: [],
    metadata: {},
    plan: whole
      ? plain((f: ItemFacts) => w.id('plan', itemPlan(w, f.i, f.place)))
      : text((f: ItemFacts) => w.current('plan', itemPlan(w, f.i, f.place))),
    price: whole
      ? plain((f: ItemFacts) => w.id('plan', itemPlan(w, f.i, f.place)))
      : text((f: ItemFacts) => {
          const planned = itemPlan(w, f.i, f.place);
          return w.current('price', (planned >> 1) * 3 + (planned & 1));
        }),
    quantity: number((f: ItemFacts) => (w.random(f.i, 44 + f.place) % 5) + 1),
    subscription: plain((f: ItemFacts) => w.id('subscription', f.i)),
    tax_rates: [],
  });
}

/** https://docs.stripe.com/api/subscriptions/list */
export function subscription(
  w: World,
  lookUp: (table: 'price' | 'plan', id: string) => StripeObject | undefined,
): Resource {
  const shown = itemShape(w, false);
  const stored = itemShape(w, true);
  const ended = (i: number) => ENDED.has(subscriptionStatus(w, i));
  const at = (i: number) => w.at('subscription', i);
  const customerOf = (i: number) => w.parent('subscription', i, 'customer');
  const shape = (items: (i: number) => string) =>
    compileShape<number>({
      id: plain((i: number) => w.id('subscription', i)),
      object: 'subscription',
      application: null,
      application_fee_percent: null,
      automatic_tax: { disabled_reason: null, enabled: false, liability: null },
      billing_cycle_anchor: number(at),
      billing_cycle_anchor_config: null,
      billing_mode: { flexible: null, type: 'classic' },
      billing_schedules: [],
      billing_thresholds: null,
      cancel_at: null,
      cancel_at_period_end: false,
      canceled_at: number((i: number) => (ended(i) ? at(i) + MONTH_S : null)),
      cancellation_details: {
        comment: null,
        feedback: null,
        reason: plain((i: number) => (ended(i) ? 'cancellation_requested' : null)),
      },
      collection_method: 'charge_automatically',
      created: number(at),
      currency: 'usd',
      customer: plain((i: number) => w.id('customer', customerOf(i))),
      customer_account: null,
      days_until_due: null,
      default_payment_method: plain((i: number) => w.id('payment_method', customerOf(i))),
      default_source: null,
      default_tax_rates: [],
      description: null,
      discounts: [],
      ended_at: number((i: number) => (ended(i) ? at(i) + MONTH_S : null)),
      invoice_settings: {
        account_tax_ids: null,
        custom_fields: null,
        description: null,
        footer: null,
        issuer: { type: 'self' },
      },
      items: text(items),
      latest_invoice: plain((i: number) => w.id('invoice', w.children('subscription', i, 'invoice')[1] - 1)),
      livemode: false,
      managed_payments: null,
      metadata: {},
      next_pending_invoice_item_invoice: null,
      on_behalf_of: null,
      pause_collection: null,
      payment_settings: {
        payment_method_options: null,
        payment_method_types: null,
        save_default_payment_method: 'off',
      },
      pending_invoice_item_interval: null,
      pending_setup_intent: null,
      pending_update: null,
      schedule: null,
      start_date: number(at),
      status: plain((i: number) => subscriptionStatus(w, i)),
      test_clock: null,
      transfer_data: null,
      trial_end: number((i: number) => (subscriptionStatus(w, i) === 'trialing' ? w.untilS + MONTH_S : null)),
      trial_settings: { end_behavior: { missing_payment_method: 'create_invoice' } },
      trial_start: number((i: number) => (subscriptionStatus(w, i) === 'trialing' ? at(i) : null)),
    });
  const list = (write: (facts: ItemFacts) => string, limit: number) => (i: number) => {
    const total = itemCount(w, i);
    const elements = Array.from({ length: Math.min(total, limit) }, (_, place) => write({ i, place }));
    return nestedText(elements, total, `/v1/subscription_items?subscription=${w.id('subscription', i)}`);
  };
  const whole = shape(list(stored, 1000));
  const statusOf = {
    base: (i: number, value: string) => statusMatches(subscriptionStatus(w, i), value),
    stored: (object: StripeObject, value: string) => statusMatches(String(object['status']), value),
  };
  const hasPrice = (object: StripeObject, value: string) =>
    (object['items'] as NestedList).data.some(
      (item) => (item['price'] as { id?: string })?.id === value || item['price'] === value,
    );
  return {
    table: 'subscription',
    object: 'subscription',
    path: '/v1/subscriptions',
    events: 'customer.subscription',
    created: true,
    filters: {
      status: statusOf,
      customer: { parent: 'customer' },
      price: { stored: hasPrice },
      plan: { stored: hasPrice },
      collection_method: {},
      automatic_tax: { kind: 'hash', stored: (object) => (object['automatic_tax'] as { enabled: boolean }).enabled },
      current_period_start: { kind: 'range', number: (object) => firstItem(object)?.['current_period_start'] },
      current_period_end: { kind: 'range', number: (object) => firstItem(object)?.['current_period_end'] },
      test_clock: {},
    },
    defaults: { status: '' },
    write: shape(list(shown, NESTED_LIMIT)),
    whole: (i) => JSON.parse(whole(i)) as StripeObject,
    present: (object) => ({
      ...object,
      items: cutList(object['items'] as NestedList, (item) => showItem(item, lookUp)),
    }),
  };
}

export function showItem(
  item: StripeObject,
  lookUp: (table: 'price' | 'plan', id: string) => StripeObject | undefined,
): StripeObject {
  const id = String(item['price']);
  return { ...item, price: lookUp('price', id) ?? null, plan: lookUp('plan', id) ?? null };
}

const firstItem = (object: StripeObject) => (object['items'] as NestedList).data[0];

/** Without a status the list leaves canceled subscriptions out; `ended` is those that are over. */
function statusMatches(status: string, wanted: string): boolean {
  if (wanted === '') return status !== 'canceled';
  if (wanted === 'all') return true;
  if (wanted === 'ended') return ENDED.has(status);
  return status === wanted;
}
