import { stripeResource } from '../resource.ts';

/** Comes with its invoice; more than ten are read per invoice. */
export const invoiceLineItem = stripeResource('invoice_line_item', {
  object: 'line_item',
  perParent: { path: '/v1/invoices/{parent}/lines' },
  created: false,
  parent: ['invoice'],
  events: [],
  docs: 'https://docs.stripe.com/api/invoice-line-item',
});
