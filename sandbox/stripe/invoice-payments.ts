import type { Account } from './account.ts';
import type { StripeObject } from './resource.ts';
import { PAID_BY } from './resources/invoice.ts';

/**
 * From 2025-03-31.basil on, the link between a paid invoice and its payment intent.
 * An invoice of the population is paid by the payment intent of its position; a later one keeps it beside what the API shows.
 */
export function invoicePaymentOf(account: Account, invoice: StripeObject): StripeObject | undefined {
  if (invoice['status'] !== 'paid') return undefined;
  const position = account.population.codec.invoice.positionOf(invoice.id);
  const named = account.tables.invoice.stored(invoice.id)?.[PAID_BY] as string | undefined;
  const inPopulation = position !== undefined && position < account.population.size.invoice;
  const intent = named ?? (inPopulation ? account.population.id('payment_intent', position) : undefined);
  if (intent === undefined) return undefined;
  const transitions = invoice['status_transitions'] as { paid_at: number | null };
  return {
    id: `inpay_${invoice.id.slice(3)}`,
    object: 'invoice_payment',
    amount_paid: invoice['amount_paid'],
    amount_requested: invoice['amount_due'],
    created: invoice.created ?? 0,
    currency: invoice['currency'],
    invoice: invoice.id,
    is_default: true,
    livemode: false,
    payment: { payment_intent: intent, type: 'payment_intent' },
    status: 'paid',
    status_transitions: { canceled_at: null, paid_at: transitions.paid_at },
  };
}
