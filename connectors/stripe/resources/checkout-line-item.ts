import { stripeResource } from '../resource.ts';

/** Comes with its checkout session, but never in an event; more than ten are read per session. */
export const checkoutLineItem = stripeResource('checkout_line_item', {
  object: 'item',
  perParent: { path: '/v1/checkout/sessions/{parent}/line_items' },
  created: false,
  events: [],
  docs: 'https://docs.stripe.com/api/checkout/sessions/line_items',
});
