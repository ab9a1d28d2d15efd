import { ACTIVE_AND_INACTIVE, stripeResource, WHEN_INACTIVE } from '../resource.ts';

/** Listed without `active`, only the active ones are shown; inline prices (`price_data`) are in no list. */
export const price = stripeResource('price', {
  path: '/v1/prices',
  list: { variants: ACTIVE_AND_INACTIVE },
  archived: WHEN_INACTIVE,
  events: ['price.created', 'price.updated', 'price.deleted'],
  docs: 'https://docs.stripe.com/api/prices',
});
