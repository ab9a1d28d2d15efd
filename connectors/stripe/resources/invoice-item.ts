import { stripeResource } from '../resource.ts';

/** No event tells that an item was changed or billed: the events of the invoice that names it do. */
export const invoiceItem = stripeResource('invoice_item', {
  object: 'invoiceitem',
  path: '/v1/invoiceitems',
  // Its time of creation is called `date`; the filter is called `created` all the same.
  created: 'date',
  incremental: {
    by: 'events',
    silent: { why: 'an edit of a pending item makes no event', by: 'list', variants: [{ pending: 'true' }] },
  },
  events: ['invoiceitem.created', 'invoiceitem.deleted', 'invoice.created', 'invoice.updated', 'invoice.deleted'],
  docs: 'https://docs.stripe.com/api/invoiceitems',
});
