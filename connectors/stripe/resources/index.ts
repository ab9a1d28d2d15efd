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
export const stripeResources = {
  customer,
  product,
  price,
  plan,
  subscription,
  subscription_item: subscriptionItem,
  invoice,
  invoice_line_item: invoiceLineItem,
  invoice_item: invoiceItem,
  payment_method: paymentMethod,
  charge,
  refund,
  payment_intent: paymentIntent,
  setup_intent: setupIntent,
  checkout_session: checkoutSession,
  checkout_line_item: checkoutLineItem,
  subscription_schedule: subscriptionSchedule,
  coupon,
  promotion_code: promotionCode,
  credit_note: creditNote,
  quote,
  tax_rate: taxRate,
  tax_id: taxId,
  dispute,
  review,
  early_fraud_warning: earlyFraudWarning,
  balance_transaction: balanceTransaction,
  payout,
  transfer,
} satisfies Readonly<Record<string, StripeResource>>;

/** The same, for names that come from elsewhere. */
export const resources: Readonly<Record<string, StripeResource>> = { ...stripeResources };
