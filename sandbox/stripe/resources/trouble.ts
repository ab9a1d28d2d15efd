import { compileShape, number, plain } from '../../http/shape.ts';
import { id } from '../id-slots.ts';
import type { Resource, World } from '../resource.ts';
import { chargeAmount, refundAmount } from './payment.ts';

/** https://docs.stripe.com/api/refunds/list */
export function refund(w: World): Resource {
  const owner = (i: number) => w.parent('refund', i, 'charge');
  return {
    table: 'refund',
    object: 'refund',
    path: '/v1/refunds',
    events: 'refund',
    created: true,
    filters: { charge: { parent: 'charge' }, payment_intent: { parent: 'payment_intent' } },
    write: compileShape<number>({
      id: id(w, 'refund', (i: number) => i),
      object: 'refund',
      amount: number((i: number) => refundAmount(w, i)),
      balance_transaction: id(w, 'balance_transaction', (i: number) => Math.floor(i / 2) * 20 + 16 + (i % 2)),
      charge: id(w, 'charge', (i: number) => owner(i)),
      created: number((i: number) => w.at('refund', i)),
      currency: 'usd',
      customer: null,
      customer_account: null,
      destination_details: { card: { type: 'refund' }, type: 'card' },
      metadata: {},
      payment_intent: id(w, 'payment_intent', (i: number) => owner(i)),
      payment_method: null,
      reason: 'requested_by_customer',
      receipt_number: null,
      source_transfer_reversal: null,
      status: 'succeeded',
      transfer_reversal: null,
    }),
  };
}

const NO_EVIDENCE = Object.fromEntries(
  [
    'access_activity_log',
    'billing_address',
    'cancellation_policy',
    'cancellation_policy_disclosure',
    'cancellation_rebuttal',
    'customer_communication',
    'customer_email_address',
    'customer_name',
    'customer_purchase_ip',
    'customer_signature',
    'duplicate_charge_documentation',
    'duplicate_charge_explanation',
    'duplicate_charge_id',
    'product_description',
    'receipt',
    'refund_policy',
    'refund_policy_disclosure',
    'refund_refusal_explanation',
    'service_date',
    'service_documentation',
    'shipping_address',
    'shipping_carrier',
    'shipping_date',
    'shipping_documentation',
    'shipping_tracking_number',
    'uncategorized_file',
    'uncategorized_text',
  ].map((field) => [field, null]),
);

/** https://docs.stripe.com/api/disputes/list */
export function dispute(w: World): Resource {
  const owner = (i: number) => w.parent('dispute', i, 'charge');
  return {
    table: 'dispute',
    object: 'dispute',
    path: '/v1/disputes',
    events: 'charge.dispute',
    created: true,
    filters: { charge: { parent: 'charge' }, payment_intent: { parent: 'payment_intent' } },
    write: compileShape<number>({
      id: id(w, 'dispute', (i: number) => i),
      object: 'dispute',
      amount: number((i: number) => chargeAmount(w, owner(i))),
      balance_transactions: [],
      charge: id(w, 'charge', (i: number) => owner(i)),
      created: number((i: number) => w.at('dispute', i)),
      currency: 'usd',
      enhanced_eligibility_types: [],
      evidence: { ...NO_EVIDENCE, enhanced_evidence: {} },
      evidence_details: {
        due_by: number((i: number) => w.at('dispute', i) + 10 * 86_400),
        enhanced_eligibility: {},
        has_evidence: false,
        past_due: false,
        submission_count: 0,
      },
      is_charge_refundable: false,
      livemode: false,
      metadata: {},
      payment_intent: id(w, 'payment_intent', (i: number) => owner(i)),
      payment_method_details: {
        card: { brand: 'visa', case_type: 'chargeback', network: 'visa', network_reason_code: '10.4' },
        type: 'card',
      },
      reason: 'fraudulent',
      status: plain((i: number) => ['needs_response', 'under_review', 'won', 'lost'][w.random(i, 80) % 4] as string),
    }),
  };
}

/** The list shows open reviews only. https://docs.stripe.com/api/radar/reviews/list */
export function review(w: World): Resource {
  const owner = (i: number) => w.parent('review', i, 'charge');
  return {
    table: 'review',
    object: 'review',
    path: '/v1/reviews',
    events: 'review',
    created: true,
    filters: { open: { base: () => true } },
    write: compileShape<number>({
      id: id(w, 'review', (i: number) => i),
      object: 'review',
      billing_zip: null,
      charge: id(w, 'charge', (i: number) => owner(i)),
      closed_reason: null,
      created: number((i: number) => w.at('review', i)),
      ip_address: null,
      ip_address_location: null,
      livemode: false,
      open: true,
      opened_reason: 'rule',
      payment_intent: id(w, 'payment_intent', (i: number) => owner(i)),
      reason: 'rule',
      session: null,
    }),
  };
}

/** https://docs.stripe.com/api/radar/early_fraud_warnings/list */
export function earlyFraudWarning(w: World): Resource {
  const owner = (i: number) => w.parent('early_fraud_warning', i, 'charge');
  return {
    table: 'early_fraud_warning',
    object: 'radar.early_fraud_warning',
    path: '/v1/radar/early_fraud_warnings',
    events: 'radar.early_fraud_warning',
    created: true,
    filters: { charge: { parent: 'charge' }, payment_intent: { parent: 'payment_intent' } },
    write: compileShape<number>({
      id: id(w, 'early_fraud_warning', (i: number) => i),
      object: 'radar.early_fraud_warning',
      actionable: true,
      charge: id(w, 'charge', (i: number) => owner(i)),
      created: number((i: number) => w.at('early_fraud_warning', i)),
      fraud_type: 'misc',
      livemode: false,
      payment_intent: id(w, 'payment_intent', (i: number) => owner(i)),
    }),
  };
}
