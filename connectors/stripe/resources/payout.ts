import { stripeResource } from '../resource.ts';

export const payout = stripeResource('payout', {
  path: '/v1/payouts',
  events: [
    'payout.created',
    'payout.updated',
    'payout.paid',
    'payout.failed',
    'payout.canceled',
    'payout.reconciliation_completed',
  ],
  docs: 'https://docs.stripe.com/api/payouts',
});
