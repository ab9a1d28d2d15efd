import { ACTIVE_AND_INACTIVE, stripeResource, WHEN_INACTIVE } from '../resource.ts';

/** The older face of a recurring price; it has the price's id. */
export const plan = stripeResource('plan', {
  path: '/v1/plans',
  list: { variants: ACTIVE_AND_INACTIVE, hides: 'plans of inline prices' },
  archived: WHEN_INACTIVE,
  events: ['plan.created', 'plan.updated', 'plan.deleted'],
  docs: 'https://docs.stripe.com/api/plans',
});
