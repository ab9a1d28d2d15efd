import { ACTIVE_AND_INACTIVE, stripeResource, WHEN_INACTIVE } from '../resource.ts';

/**
 * Listed without `active`, only the active ones are shown. Prices made inline (`price_data` of an invoice, a subscription, a
 * checkout session) are in no list. https://docs.stripe.com/api/prices/list
 */
export const price = stripeResource('price', {
  path: '/v1/prices',
  list: { variants: ACTIVE_AND_INACTIVE, hides: 'inline prices' },
  archived: WHEN_INACTIVE,
  events: ['price.created', 'price.updated', 'price.deleted'],
  docs: 'https://docs.stripe.com/api/prices',
});
