import { ACTIVE_AND_INACTIVE, DISCOUNT_EVENTS, stripeResource, WHEN_INACTIVE } from '../resource.ts';

export const promotionCode = stripeResource('promotion_code', {
  path: '/v1/promotion_codes',
  list: { variants: ACTIVE_AND_INACTIVE },
  archived: WHEN_INACTIVE,
  events: ['promotion_code.created', 'promotion_code.updated', ...DISCOUNT_EVENTS],
  docs: 'https://docs.stripe.com/api/promotion_codes',
});
