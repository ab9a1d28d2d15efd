import { stripeResource } from '../resource.ts';

/** The link to the PDF is signed anew in every answer, as an invoice's is. */
export const creditNote = stripeResource('credit_note', {
  path: '/v1/credit_notes',
  volatile: ['pdf'],
  events: ['credit_note.created', 'credit_note.updated', 'credit_note.voided'],
  docs: 'https://docs.stripe.com/api/credit_notes',
});
