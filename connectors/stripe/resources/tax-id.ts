import { stripeResource } from '../resource.ts';

/** A customer's come with the customer, the account's own from the list. */
export const taxId = stripeResource('tax_id', {
  path: '/v1/tax_ids',
  ranged: false,
  list: { incomplete: "the list shows the account's own tax ids only; a customer's are compared with that customer" },
  perParent: { path: '/v1/customers/{parent}/tax_ids' },
  parent: ['customer'],
  incremental: { by: 'events', silent: { why: "the account's own make no events", by: 'list' } },
  events: ['customer.tax_id.created', 'customer.tax_id.updated', 'customer.tax_id.deleted'],
  docs: 'https://docs.stripe.com/api/tax_ids',
});
