import type { Changes } from '../changes.ts';
import type { StripeObject } from '../resource.ts';
import type { NestedList } from '../resources/nested-list.ts';

const MONTH_S = 30 * 86_400;

export const isOver = (subscription: StripeObject) =>
  subscription['status'] === 'canceled' || subscription['status'] === 'incomplete_expired';

export function itemsOf(subscription: StripeObject): readonly StripeObject[] {
  return (subscription['items'] as NestedList).data;
}

/** A new item in its stored form: price and plan by id. */
function newItem(c: Changes, subscription: string, place: number, price: string, quantity: number): StripeObject {
  const { population, tables } = c.account;
  const owner = tables.subscription.positionOf(subscription) ?? 0;
  const now = c.nowS();
  return {
    id: population.partId('subscription_item', owner, place),
    object: 'subscription_item',
    billing_thresholds: null,
    created: now,
    current_period_end: now + MONTH_S,
    current_period_start: now,
    discounts: [],
    metadata: {},
    plan: price,
    price,
    quantity,
    subscription,
    tax_rates: [],
  };
}

/** Places are never used twice, so that a removed item does not come back under its id. */
const lastPlace = new WeakMap<Changes, Map<string, number>>();

function nextPlace(c: Changes, id: string, items: readonly StripeObject[]): number {
  let places = lastPlace.get(c);
  if (!places) {
    places = new Map();
    lastPlace.set(c, places);
  }
  // Of the population no more than 25 items belong to one subscription; its own places come first.
  const place = (places.get(id) ?? Math.max(25, items.length)) + 1;
  places.set(id, place);
  return place;
}

export function createSubscription(
  c: Changes,
  customer: string,
  prices: readonly string[],
  fields: Readonly<Record<string, unknown>> = {},
): StripeObject {
  const now = c.nowS();
  const id = c.account.tables.subscription.nextId();
  const items: NestedList = {
    object: 'list',
    data: prices.map((price, place) => newItem(c, id, place, price, 1)),
    has_more: false,
    url: `/v1/subscription_items?subscription=${id}`,
  };
  return c.create('subscription', {
    id,
    customer,
    items,
    status: 'active',
    billing_cycle_anchor: now,
    start_date: now,
    canceled_at: null,
    ended_at: null,
    cancellation_details: { comment: null, feedback: null, reason: null },
    default_payment_method: null,
    latest_invoice: null,
    trial_end: null,
    trial_start: null,
    metadata: {},
    ...fields,
  });
}

function withItems(subscription: StripeObject, data: readonly StripeObject[]): { items: NestedList } {
  return { items: { ...(subscription['items'] as NestedList), data: [...data] } };
}

export function addItem(c: Changes, id: string, price: string, quantity = 1): StripeObject {
  const subscription = c.get('subscription', id);
  const items = itemsOf(subscription);
  const item = newItem(c, id, nextPlace(c, id, items), price, quantity);
  c.update('subscription', id, withItems(subscription, [...items, item]));
  return item;
}

export function changeItem(c: Changes, id: string, itemId: string, fields: Readonly<Record<string, unknown>>): void {
  const subscription = c.get('subscription', id);
  c.update(
    'subscription',
    id,
    withItems(
      subscription,
      itemsOf(subscription).map((item) => (item.id === itemId ? { ...item, ...fields } : item)),
    ),
  );
}

/** Deleting an item is an update of the subscription; there is no event of the item's own. */
export function removeItem(c: Changes, id: string, itemId: string): void {
  const subscription = c.get('subscription', id);
  c.update(
    'subscription',
    id,
    withItems(
      subscription,
      itemsOf(subscription).filter((item) => item.id !== itemId),
    ),
  );
}

export function cancelSubscription(c: Changes, id: string): StripeObject {
  const now = c.nowS();
  return c.update(
    'subscription',
    id,
    {
      status: 'canceled',
      canceled_at: now,
      ended_at: now,
      cancellation_details: { comment: null, feedback: null, reason: 'cancellation_requested' },
    },
    ['customer.subscription.deleted'],
  );
}
