import type { Changes } from '../changes.ts';
import type { StripeObject } from '../resource.ts';

/** A recurring price and the plan that is its older face. */
export function createPrice(c: Changes, product: string, amount: number, interval: 'month' | 'year'): StripeObject {
  const text = String(amount);
  const price = c.create('price', {
    active: true,
    product,
    unit_amount: amount,
    unit_amount_decimal: text,
    type: 'recurring',
    metadata: {},
    nickname: null,
    lookup_key: null,
    recurring: { interval, interval_count: 1, meter: null, trial_period_days: null, usage_type: 'licensed' },
  });
  c.create('plan', { id: price.id, active: true, product, amount, amount_decimal: text, interval, metadata: {} });
  return price;
}

/**
 * A price made inline (`price_data`): it belongs to one subscription, invoice or session, cannot be used again, and is in
 * no list. https://docs.stripe.com/api/prices/list https://docs.stripe.com/products-prices/manage-prices
 */
export function createInlinePrice(
  c: Changes,
  product: string,
  amount: number,
  interval: 'month' | 'year',
): StripeObject {
  const { id } = createPrice(c, product, amount, interval);
  c.account.tables.price.unlist(id);
  c.account.tables.plan.unlist(id);
  return c.get('price', id);
}

/** Changes a price, and its plan with it. */
export function updatePrice(c: Changes, id: string, fields: Readonly<Record<string, unknown>>): StripeObject {
  const price = c.update('price', id, fields);
  if (c.account.tables.plan.rankOf(id) !== undefined) {
    c.update('plan', id, { active: price['active'], nickname: price['nickname'], metadata: price['metadata'] });
  }
  return price;
}
