import { stripeResource } from '../resource.ts';

/** A customer's `discount` and `default_source` change with events of other objects. */
export const customer = stripeResource('customer', {
  path: '/v1/customers',
  list: { hides: 'customers of a test clock' },
  expand: 'tax_ids',
  detach: ['tax_ids'],
  children: [{ resource: 'tax_id', path: ['tax_ids', 'data'], more: ['tax_ids', 'has_more'] }],
  events: [
    'customer.created',
    'customer.updated',
    'customer.deleted',
    'customer.discount.created',
    'customer.discount.updated',
    'customer.discount.deleted',
    'customer.source.created',
    'customer.source.updated',
    'customer.source.deleted',
  ],
  docs: 'https://docs.stripe.com/api/customers',
});
