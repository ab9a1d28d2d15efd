import { HOUR_MS, stripeResource } from '../resource.ts';

export const checkoutSession = stripeResource('checkout_session', {
  object: 'checkout.session',
  path: '/v1/checkout/sessions',
  expand: 'line_items',
  detach: ['line_items'],
  children: [{ resource: 'checkout_line_item', path: ['line_items', 'data'], more: ['line_items', 'has_more'] }],
  snapshotLacks: 'its line items',
  // A session is open for a day at most, so that each run reads every open one. https://docs.stripe.com/api/checkout/sessions/create
  incremental: {
    by: 'events',
    silent: { why: 'opening a session and changing an open one make no event', by: 'window', overlapMs: 25 * HOUR_MS },
  },
  events: [
    'checkout.session.completed',
    'checkout.session.expired',
    'checkout.session.async_payment_succeeded',
    'checkout.session.async_payment_failed',
  ],
  docs: 'https://docs.stripe.com/api/checkout/sessions',
});
