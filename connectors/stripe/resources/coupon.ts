import { stripeResource } from '../resource.ts';

/** `valid: false` is an expired or used-up coupon, not an archived one. */
export const coupon = stripeResource('coupon', {
  path: '/v1/coupons',
  events: ['coupon.created', 'coupon.updated', 'coupon.deleted'],
  docs: 'https://docs.stripe.com/api/coupons',
});
