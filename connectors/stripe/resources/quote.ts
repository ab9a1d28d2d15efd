import { stripeResource } from '../resource.ts';

export const quote = stripeResource('quote', {
  path: '/v1/quotes',
  ranged: false,
  list: { hides: 'quotes of a test clock' },
  events: ['quote.created', 'quote.finalized', 'quote.accepted', 'quote.canceled'],
  docs: 'https://docs.stripe.com/api/quotes',
});
