import { stripeResource } from '../resource.ts';

/** Comes with its subscription; more than ten are read per subscription. */
export const subscriptionItem = stripeResource('subscription_item', {
  perParent: { path: '/v1/subscription_items', query: { subscription: '{parent}' } },
  retrieve: '/v1/subscription_items/{id}',
  parent: ['subscription'],
  events: [],
  docs: 'https://docs.stripe.com/api/subscription_items',
});
