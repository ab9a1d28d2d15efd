import { stripeResource } from '../resource.ts';

/** The link to the receipt is signed anew in every answer. */
export const charge = stripeResource('charge', {
  path: '/v1/charges',
  volatile: ['receipt_url'],
  events: [
    'charge.succeeded',
    'charge.pending',
    'charge.failed',
    'charge.captured',
    'charge.expired',
    'charge.refunded',
    'charge.updated',
  ],
  docs: 'https://docs.stripe.com/api/charges',
});
