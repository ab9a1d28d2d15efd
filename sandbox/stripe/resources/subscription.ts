import { compileShape, number, plain, spelled, type Write, written } from '../../http/shape.ts';
import { id, partId } from '../id-slots.ts';
import { latest } from '../latest.ts';
import type { Resource, StripeObject, World } from '../resource.ts';
import { cutList, NESTED_LIMIT, type NestedList, type Nesting, nested } from './nested-list.ts';

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
const itself = (i: number) => i;

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
  readonly plan: number;
}

export const periodStart = (w: World, i: number) => w.untilS - (w.random(i, 43) % MONTH_S);

/** An item: with price and plan by reference (`whole`) or as they are now. */
function itemShape(w: World, whole: boolean) {
  const at = latest((i) => w.at('subscription', i));
  const start = latest((i) => periodStart(w, i));
  return compileShape<ItemFacts>({
    id: partId(
      w,
      'subscription_item',
      (f: ItemFacts) => f.i,
      (f: ItemFacts) => f.place,
    ),
    object: 'subscription_item',
    billing_thresholds: null,
    created: number((f: ItemFacts) => at(f.i)),
    current_period_end: number((f: ItemFacts) => start(f.i) + MONTH_S),
    current_period_start: number((f: ItemFacts) => start(f.i)),
    discounts: [],
    metadata: {},
    plan: whole
      ? id(w, 'plan', (f: ItemFacts) => f.plan)
      : written((ink, f: ItemFacts) => w.writeCurrent(ink, 'plan', f.plan)),
    price: whole
      ? id(w, 'plan', (f: ItemFacts) => f.plan)
      : written((ink, f: ItemFacts) => w.writeCurrent(ink, 'price', (f.plan >> 1) * 3 + (f.plan & 1))),
    quantity: number((f: ItemFacts) => (w.random(f.i, 44 + f.place) % 5) + 1),
    subscription: id(w, 'subscription', (f: ItemFacts) => f.i),
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
  const ended = latest((i) => ENDED.has(subscriptionStatus(w, i)));
  const at = latest((i) => w.at('subscription', i));
  const customerOf = (i: number) => w.parent('subscription', i, 'customer');
  const items: Omit<Nesting<ItemFacts>, 'element'> = {
    count: (i) => itemCount(w, i),
    facts: (i, place) => ({ i, place, plan: itemPlan(w, i, place) }),
    url: spelled('/v1/subscription_items?subscription=', id(w, 'subscription', itself)),
  };
  const shape = (element: Write<ItemFacts>, limit: number) =>
    compileShape<number>({
      id: id(w, 'subscription', (i: number) => i),
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
      customer: id(w, 'customer', customerOf),
      customer_account: null,
      days_until_due: null,
      default_payment_method: id(w, 'payment_method', customerOf),
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
      items: nested({ ...items, element }, limit),
      latest_invoice: id(w, 'invoice', (i: number) => w.children('subscription', i, 'invoice')[1] - 1),
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
  const whole = shape(stored.into, 1000);
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
      test_clock: { base: (_, value) => value === '' },
    },
    defaults: { status: '' },
    write: shape(shown.into, NESTED_LIMIT),
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
