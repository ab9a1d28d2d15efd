import { stripeResource } from '../resource.ts';

export const dispute = stripeResource('dispute', {
  path: '/v1/disputes',
  events: [
    'charge.dispute.created',
    'charge.dispute.updated',
    'charge.dispute.closed',
    'charge.dispute.funds_withdrawn',
    'charge.dispute.funds_reinstated',
  ],
  docs: 'https://docs.stripe.com/api/disputes',
});
