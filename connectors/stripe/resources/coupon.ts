import { DISCOUNT_EVENTS, stripeResource } from '../resource.ts';

/**
 * `valid: false` is an expired or used-up coupon, not an archived one. A redemption changes `times_redeemed` and is no event
 * of the coupon: the discount's event names it.
 */
export const coupon = stripeResource('coupon', {
  path: '/v1/coupons',
  events: ['coupon.created', 'coupon.updated', 'coupon.deleted', ...DISCOUNT_EVENTS],
  docs: 'https://docs.stripe.com/api/coupons',
});
