import { stripeResource } from '../resource.ts';

/** A closed review is in no list, with no way to ask for it: what is known of those comes from their events. */
export const review = stripeResource('review', {
  path: '/v1/reviews',
  list: { hides: 'closed reviews' },
  events: ['review.opened', 'review.closed'],
  docs: 'https://docs.stripe.com/api/radar/reviews',
});
