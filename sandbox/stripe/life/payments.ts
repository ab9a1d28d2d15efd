import { openDispute, pay, refundCharge } from '../operations/billing.ts';
import { payOut, sellAtCheckout } from '../operations/sales.ts';
import type { StripeObject } from '../resource.ts';
import type { Happening, Life } from './life.ts';

export function paymentLife({ c, random, any, on }: Life): readonly Happening[] {
  const isNot = (field: string) => (o: StripeObject) => o[field] === false;

  function lose(dispute: StripeObject): void {
    c.update('dispute', dispute.id, { status: 'lost' }, ['charge.dispute.updated', 'charge.dispute.closed']);
  }

  function warn(charge: StripeObject): void {
    c.create('early_fraud_warning', { charge: charge.id, payment_intent: charge['payment_intent'] });
  }

  function sell(customer: StripeObject): void {
    const price = any('price', (o) => o['type'] === 'one_time');
    if (price) sellAtCheckout(c, customer.id, price);
  }

  return [
    [2, () => on('customer', (o) => pay(c, o.id, (random.below(90) + 1) * 100))],
    [2, () => on('charge', (o) => refundCharge(c, o.id), isNot('refunded'))],
    [1, () => on('charge', (o) => openDispute(c, o.id), isNot('disputed'))],
    [1, () => on('dispute', lose, (o) => o['status'] === 'needs_response')],
    [1, () => payOut(c, 5_000)],
    [1, () => on('customer', sell)],
    [1, () => on('charge', warn)],
  ];
}
