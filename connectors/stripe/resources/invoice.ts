import { stripeResource } from '../resource.ts';

/** The links to the hosted page and the PDF are signed anew in every answer. */
export const invoice = stripeResource('invoice', {
  path: '/v1/invoices',
  volatile: ['hosted_invoice_url', 'invoice_pdf'],
  children: [{ resource: 'invoice_line_item', path: ['lines', 'data'], more: ['lines', 'has_more'] }],
  events: [
    'invoice.created',
    'invoice.updated',
    'invoice.deleted',
    'invoice.finalized',
    'invoice.finalization_failed',
    'invoice.marked_uncollectible',
    'invoice.overdue',
    'invoice.overpaid',
    'invoice.paid',
    'invoice.payment_action_required',
    'invoice.payment_attempt_required',
    'invoice.payment_failed',
    'invoice.payment_succeeded',
    'invoice.sent',
    'invoice.voided',
    'invoice.will_be_due',
  ],
  docs: 'https://docs.stripe.com/api/invoices',
});
