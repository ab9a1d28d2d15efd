import { stripeResource } from '../resource.ts';

export const transfer = stripeResource('transfer', {
  path: '/v1/transfers',
  events: ['transfer.created', 'transfer.updated', 'transfer.reversed'],
  docs: 'https://docs.stripe.com/api/transfers',
});
