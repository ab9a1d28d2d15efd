import { stripeResource } from '../resource.ts';

/**
 * Some API versions refuse the list without a customer: then it is read per customer. A detached one still exists
 * (charges name it), but no list shows it any more.
 */
export const paymentMethod = stripeResource('payment_method', {
  path: '/v1/payment_methods',
  ranged: false,
  list: {
    fallback: { parent: 'customer' },
    hides: 'detached payment methods',
  },
  perParent: { path: '/v1/customers/{parent}/payment_methods' },
  parent: ['customer'],
  events: [
    'payment_method.attached',
    'payment_method.updated',
    'payment_method.automatically_updated',
    'payment_method.detached',
  ],
  docs: 'https://docs.stripe.com/api/payment_methods',
});
