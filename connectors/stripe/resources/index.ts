import type { StripeResource } from '../resource.ts';
import { balanceTransaction } from './balance-transaction.ts';
import { charge } from './charge.ts';
import { checkoutLineItem } from './checkout-line-item.ts';
import { checkoutSession } from './checkout-session.ts';
import { coupon } from './coupon.ts';
import { creditNote } from './credit-note.ts';
import { customer } from './customer.ts';
import { dispute } from './dispute.ts';
import { earlyFraudWarning } from './early-fraud-warning.ts';
import { invoice } from './invoice.ts';
import { invoiceItem } from './invoice-item.ts';
import { invoiceLineItem } from './invoice-line-item.ts';
import { paymentIntent } from './payment-intent.ts';
import { paymentMethod } from './payment-method.ts';
import { payout } from './payout.ts';
import { plan } from './plan.ts';
import { price } from './price.ts';
import { product } from './product.ts';
import { promotionCode } from './promotion-code.ts';
import { quote } from './quote.ts';
import { refund } from './refund.ts';
import { review } from './review.ts';
import { setupIntent } from './setup-intent.ts';
import { subscription } from './subscription.ts';
import { subscriptionItem } from './subscription-item.ts';
import { subscriptionSchedule } from './subscription-schedule.ts';
import { taxId } from './tax-id.ts';
import { taxRate } from './tax-rate.ts';
import { transfer } from './transfer.ts';

/** In the order in which they are read: what others refer to comes first. */
const inOrder: readonly StripeResource[] = [
  customer,
  product,
  price,
  plan,
  subscription,
  subscriptionItem,
  invoice,
  invoiceLineItem,
  invoiceItem,
  paymentMethod,
  charge,
  refund,
  paymentIntent,
  setupIntent,
  checkoutSession,
  checkoutLineItem,
  subscriptionSchedule,
  coupon,
  promotionCode,
  creditNote,
  quote,
  taxRate,
  taxId,
  dispute,
  review,
  earlyFraudWarning,
  balanceTransaction,
  payout,
  transfer,
];

export const resources: Readonly<Record<string, StripeResource>> = Object.fromEntries(
  inOrder.map((resource) => [resource.name, resource]),
);
