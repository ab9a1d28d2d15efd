import { stripeResource } from '../resource.ts';

/** Has no events. Once written only `status` changes, from pending to available, which takes up to about a week. */
export const balanceTransaction = stripeResource('balance_transaction', {
  path: '/v1/balance_transactions',
  events: [],
  incremental: { by: 'window', overlapMs: 8 * 86_400_000 },
  docs: 'https://docs.stripe.com/api/balance_transactions',
});
