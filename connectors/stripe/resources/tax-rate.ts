import { ACTIVE_AND_INACTIVE, stripeResource, WHEN_INACTIVE } from '../resource.ts';

export const taxRate = stripeResource('tax_rate', {
  path: '/v1/tax_rates',
  list: { variants: ACTIVE_AND_INACTIVE },
  archived: WHEN_INACTIVE,
  events: ['tax_rate.created', 'tax_rate.updated'],
  docs: 'https://docs.stripe.com/api/tax_rates',
});
