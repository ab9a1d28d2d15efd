import { boolean, compileShape, json, number, plain } from '../../http/shape.ts';
import { id } from '../id-slots.ts';
import type { Resource, World } from '../resource.ts';

export const priceActive = (w: World, i: number) => w.random(i, 30) % 12 !== 0;
export const priceAmount = (w: World, i: number) => ((w.random(i, 31) % 200) + 5) * 100 * (i % 3 === 1 ? 10 : 1);
const INTERVALS = ['month', 'year'] as const;

/** Of the three prices of a product: monthly, yearly, once. https://docs.stripe.com/api/prices/list */
export function price(w: World): Resource {
  return {
    table: 'price',
    object: 'price',
    path: '/v1/prices',
    events: 'price',
    created: true,
    filters: {
      active: { kind: 'boolean', base: (i, value) => String(priceActive(w, i)) === value },
      currency: {},
      lookup_keys: { kind: 'list', stored: (object, value) => value.split(',').includes(String(object['lookup_key'])) },
      product: { parent: 'product' },
      recurring: { kind: 'hash', stored: (object) => object['recurring'] !== null },
      type: {},
    },
    defaults: { active: 'true' },
    write: compileShape<number>({
      id: id(w, 'price', (i: number) => i),
      object: 'price',
      active: boolean((i: number) => priceActive(w, i)),
      billing_scheme: 'per_unit',
      created: number((i: number) => w.at('price', i)),
      currency: 'usd',
      custom_unit_amount: null,
      livemode: false,
      lookup_key: null,
      metadata: {},
      nickname: null,
      product: id(w, 'product', (i: number) => Math.floor(i / 3)),
      recurring: json((i: number) => {
        const interval = INTERVALS[i % 3];
        return interval
          ? { interval, interval_count: 1, meter: null, trial_period_days: null, usage_type: 'licensed' }
          : null;
      }),
      tax_behavior: 'unspecified',
      tiers_mode: null,
      transform_quantity: null,
      type: plain((i: number) => (i % 3 === 2 ? 'one_time' : 'recurring')),
      unit_amount: number((i: number) => priceAmount(w, i)),
      unit_amount_decimal: plain((i: number) => `${priceAmount(w, i)}`),
    }),
  };
}

const priceOfPlan = (i: number) => (i >> 1) * 3 + (i & 1);

/** https://docs.stripe.com/api/plans/list */
export function plan(w: World): Resource {
  return {
    table: 'plan',
    object: 'plan',
    path: '/v1/plans',
    events: 'plan',
    created: true,
    filters: {
      active: { kind: 'boolean', base: (i, value) => String(priceActive(w, priceOfPlan(i))) === value },
      product: { parent: 'product' },
    },
    write: compileShape<number>({
      id: id(w, 'plan', (i: number) => i),
      object: 'plan',
      active: boolean((i: number) => priceActive(w, priceOfPlan(i))),
      amount: number((i: number) => priceAmount(w, priceOfPlan(i))),
      amount_decimal: plain((i: number) => `${priceAmount(w, priceOfPlan(i))}`),
      billing_scheme: 'per_unit',
      created: number((i: number) => w.at('price', priceOfPlan(i))),
      currency: 'usd',
      interval: plain((i: number) => INTERVALS[i & 1] as string),
      interval_count: 1,
      livemode: false,
      metadata: {},
      meter: null,
      nickname: null,
      product: id(w, 'product', (i: number) => i >> 1),
      tiers_mode: null,
      transform_usage: null,
      trial_period_days: null,
      usage_type: 'licensed',
    }),
  };
}
