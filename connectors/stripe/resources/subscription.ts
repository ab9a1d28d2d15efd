import { stripeResource } from '../resource.ts';

/** Listed without `status`, the canceled ones are hidden. A canceled one still exists: `…subscription.deleted` is an update. */
export const subscription = stripeResource('subscription', {
  path: '/v1/subscriptions',
  list: { query: { status: 'all' }, hides: 'subscriptions of a test clock' },
  children: [{ resource: 'subscription_item', path: ['items', 'data'], more: ['items', 'has_more'] }],
  events: [
    'customer.subscription.created',
    'customer.subscription.updated',
    'customer.subscription.deleted',
    'customer.subscription.paused',
    'customer.subscription.resumed',
    'customer.subscription.pending_update_applied',
    'customer.subscription.pending_update_expired',
    'customer.subscription.trial_will_end',
    'customer.discount.created',
    'customer.discount.updated',
    'customer.discount.deleted',
  ],
  docs: 'https://docs.stripe.com/api/subscriptions',
});
