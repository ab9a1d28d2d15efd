import { ACTIVE_AND_INACTIVE, stripeResource, WHEN_INACTIVE } from '../resource.ts';

export const product = stripeResource('product', {
  path: '/v1/products',
  list: { variants: ACTIVE_AND_INACTIVE, hides: 'products made inline' },
  archived: WHEN_INACTIVE,
  events: ['product.created', 'product.updated', 'product.deleted'],
  docs: 'https://docs.stripe.com/api/products',
});
