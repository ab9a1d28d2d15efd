import { boolean, compileShape, number, plain } from '../../http/shape.ts';
import { id } from '../id-slots.ts';
import type { Resource, World } from '../resource.ts';

/** https://docs.stripe.com/api/coupons/list */
export function coupon(w: World): Resource {
  const percent = (i: number) => (w.random(i, 100) % 10) * 5 + 5;
  return {
    table: 'coupon',
    object: 'coupon',
    path: '/v1/coupons',
    events: 'coupon',
    created: true,
    filters: {},
    write: compileShape<number>({
      id: id(w, 'coupon', (i: number) => i),
      object: 'coupon',
      amount_off: null,
      created: number((i: number) => w.at('coupon', i)),
      currency: null,
      duration: 'repeating',
      duration_in_months: 3,
      livemode: false,
      max_redemptions: null,
      metadata: {},
      name: plain((i: number) => `${percent(i)}% off`),
      percent_off: number(percent),
      redeem_by: null,
      times_redeemed: number((i: number) => w.random(i, 101) % 50),
      valid: true,
    }),
  };
}

/** https://docs.stripe.com/api/promotion_codes/list */
export function promotionCode(w: World): Resource {
  return {
    table: 'promotion_code',
    object: 'promotion_code',
    path: '/v1/promotion_codes',
    events: 'promotion_code',
    created: true,
    filters: {
      active: { kind: 'boolean' },
      code: {},
      coupon: {
        parent: 'coupon',
        stored: (object, value) => (object['promotion'] as { coupon: string | null }).coupon === value,
      },
      customer: {},
    },
    write: compileShape<number>({
      id: id(w, 'promotion_code', (i: number) => i),
      object: 'promotion_code',
      active: boolean((i: number) => w.random(i, 102) % 5 !== 0),
      code: plain((i: number) => `SAVE${i}${w.random(i, 103).toString(36).toUpperCase().slice(0, 4)}`),
      created: number((i: number) => w.at('promotion_code', i)),
      customer: null,
      customer_account: null,
      expires_at: null,
      livemode: false,
      max_redemptions: null,
      metadata: {},
      promotion: {
        coupon: id(w, 'coupon', (i: number) => w.parent('promotion_code', i, 'coupon')),
        type: 'coupon',
      },
      restrictions: { first_time_transaction: false, minimum_amount: null, minimum_amount_currency: null },
      times_redeemed: 0,
    }),
  };
}

/** https://docs.stripe.com/api/tax_rates/list */
export function taxRate(w: World): Resource {
  return {
    table: 'tax_rate',
    object: 'tax_rate',
    path: '/v1/tax_rates',
    events: 'tax_rate',
    created: true,
    filters: { active: { kind: 'boolean' }, inclusive: { kind: 'boolean' } },
    write: compileShape<number>({
      id: id(w, 'tax_rate', (i: number) => i),
      object: 'tax_rate',
      active: boolean((i: number) => i % 4 !== 3),
      country: 'DE',
      created: number((i: number) => w.at('tax_rate', i)),
      description: 'VAT Germany',
      display_name: 'VAT',
      effective_percentage: null,
      flat_amount: null,
      inclusive: boolean((i: number) => i % 2 === 0),
      jurisdiction: 'DE',
      jurisdiction_level: null,
      livemode: false,
      metadata: {},
      percentage: number((i: number) => 7 + i),
      rate_type: null,
      state: null,
      tax_type: 'vat',
    }),
  };
}
