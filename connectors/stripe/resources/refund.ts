import { stripeResource } from '../resource.ts';

export const refund = stripeResource('refund', {
  path: '/v1/refunds',
  events: ['refund.created', 'refund.updated', 'refund.failed', 'charge.refund.updated'],
  docs: 'https://docs.stripe.com/api/refunds',
});
