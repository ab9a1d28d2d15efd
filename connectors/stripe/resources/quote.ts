import { stripeResource } from '../resource.ts';

export const quote = stripeResource('quote', {
  path: '/v1/quotes',
  ranged: false,
  list: { hides: 'quotes of a test clock' },
  incremental: {
    by: 'events',
    silent: {
      why: 'an edit of a quote that is not accepted yet makes no event',
      by: 'list',
      variants: [{ status: 'draft' }, { status: 'open' }],
    },
  },
  events: ['quote.created', 'quote.finalized', 'quote.accepted', 'quote.canceled'],
  docs: 'https://docs.stripe.com/api/quotes',
});
