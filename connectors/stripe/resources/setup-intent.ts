import { HOUR_MS, stripeResource } from '../resource.ts';

export const setupIntent = stripeResource('setup_intent', {
  path: '/v1/setup_intents',
  incremental: {
    by: 'events',
    silent: { why: 'an edit (metadata, amount, description) makes no event', by: 'window', overlapMs: HOUR_MS },
  },
  events: [
    'setup_intent.created',
    'setup_intent.requires_action',
    'setup_intent.succeeded',
    'setup_intent.setup_failed',
    'setup_intent.canceled',
  ],
  docs: 'https://docs.stripe.com/api/setup_intents',
});
