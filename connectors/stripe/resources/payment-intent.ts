import { HOUR_MS, stripeResource } from '../resource.ts';

export const paymentIntent = stripeResource('payment_intent', {
  path: '/v1/payment_intents',
  incremental: {
    by: 'events',
    silent: { why: 'an edit (metadata, amount, description) makes no event', by: 'window', overlapMs: HOUR_MS },
  },
  events: [
    'payment_intent.created',
    'payment_intent.processing',
    'payment_intent.requires_action',
    'payment_intent.amount_capturable_updated',
    'payment_intent.partially_funded',
    'payment_intent.succeeded',
    'payment_intent.payment_failed',
    'payment_intent.canceled',
  ],
  docs: 'https://docs.stripe.com/api/payment_intents',
});
