import { boolean, compileShape, number, plain, spelled, text } from '../../http/shape.ts';
import { id } from '../id-slots.ts';
import { latest } from '../latest.ts';
import type { Resource, World } from '../resource.ts';
import { email } from './customer.ts';
import { invoiceCustomer, invoiceTotal } from './invoice.ts';

/** A payment intent belongs to the invoice of its position, a charge to the payment intent of its position. */
export const chargeAmount = (w: World, i: number) => invoiceTotal(w, i);

const EMPTY_ADDRESS = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null };

/** https://docs.stripe.com/api/payment_intents/list */
export function paymentIntent(w: World): Resource {
  const amount = latest((i) => chargeAmount(w, i));
  const customerOf = latest((i) => invoiceCustomer(w, i));
  return {
    table: 'payment_intent',
    object: 'payment_intent',
    path: '/v1/payment_intents',
    events: 'payment_intent',
    created: true,
    filters: { customer: { parent: 'customer' } },
    write: compileShape<number>({
      id: id(w, 'payment_intent', (i: number) => i),
      object: 'payment_intent',
      amount: number(amount),
      amount_capturable: 0,
      amount_details: { tip: {} },
      amount_received: number(amount),
      application: null,
      application_fee_amount: null,
      automatic_payment_methods: null,
      canceled_at: null,
      cancellation_reason: null,
      capture_method: 'automatic',
      client_secret: spelled(
        id(w, 'payment_intent', (i: number) => i),
        '_secret_',
        text((i: number) => w.random(i, 60).toString(36)),
      ),
      confirmation_method: 'automatic',
      created: number((i: number) => w.at('payment_intent', i)),
      currency: 'usd',
      customer: id(w, 'customer', customerOf),
      customer_account: null,
      description: 'Subscription update',
      excluded_payment_method_types: null,
      last_payment_error: null,
      latest_charge: id(w, 'charge', (i: number) => i),
      livemode: false,
      managed_payments: null,
      metadata: {},
      next_action: null,
      on_behalf_of: null,
      payment_method: id(w, 'payment_method', customerOf),
      payment_method_configuration_details: null,
      payment_method_options: {},
      payment_method_types: ['card'],
      processing: null,
      receipt_email: null,
      review: null,
      setup_future_usage: 'off_session',
      shipping: null,
      source: null,
      statement_descriptor: null,
      statement_descriptor_suffix: null,
      status: 'succeeded',
      transfer_data: null,
      transfer_group: null,
    }),
  };
}

export function refundOf(w: World, charge: number): number | undefined {
  const [from, to] = w.children('charge', charge, 'refund');
  return to > from ? from : undefined;
}

/** Every other refund is a full one. */
export const refundAmount = (w: World, refund: number) => {
  const amount = chargeAmount(w, w.parent('refund', refund, 'charge'));
  return refund % 2 === 0 ? amount : Math.floor(amount / 2);
};

/** https://docs.stripe.com/api/charges/list */
export function charge(w: World): Resource {
  const amount = latest((i) => chargeAmount(w, i));
  const customerOf = latest((i) => invoiceCustomer(w, i));
  const refunded = latest((i) => {
    const refund = refundOf(w, i);
    return refund === undefined ? 0 : refundAmount(w, refund);
  });
  const reviewed = (i: number) => {
    const [from, to] = w.children('charge', i, 'review');
    return to > from ? w.id('review', from) : null;
  };
  return {
    table: 'charge',
    object: 'charge',
    path: '/v1/charges',
    events: 'charge',
    created: true,
    filters: { customer: { parent: 'customer' }, payment_intent: { parent: 'payment_intent' }, transfer_group: {} },
    write: compileShape<number>({
      id: id(w, 'charge', (i: number) => i),
      object: 'charge',
      amount: number(amount),
      amount_captured: number(amount),
      amount_refunded: number(refunded),
      application: null,
      application_fee: null,
      application_fee_amount: null,
      balance_transaction: id(w, 'balance_transaction', (i: number) => Math.floor(i / 16) * 20 + (i % 16)),
      billing_details: {
        address: EMPTY_ADDRESS,
        email: email(w, customerOf),
        name: null,
        phone: null,
        tax_id: null,
      },
      calculated_statement_descriptor: 'SANDBOX',
      captured: true,
      created: number((i: number) => w.at('charge', i)),
      currency: 'usd',
      customer: id(w, 'customer', customerOf),
      description: 'Subscription update',
      disputed: boolean((i: number) => w.children('charge', i, 'dispute')[1] > w.children('charge', i, 'dispute')[0]),
      failure_balance_transaction: null,
      failure_code: null,
      failure_message: null,
      fraud_details: {},
      livemode: false,
      metadata: {},
      on_behalf_of: null,
      outcome: {
        advice_code: null,
        network_advice_code: null,
        network_decline_code: null,
        network_status: 'approved_by_network',
        reason: null,
        risk_level: 'normal',
        seller_message: 'Payment complete.',
        type: 'authorized',
      },
      paid: true,
      payment_intent: id(w, 'payment_intent', (i: number) => i),
      payment_method: id(w, 'payment_method', customerOf),
      payment_method_details: {
        card: {
          amount_authorized: number(amount),
          authorization_code: null,
          brand: 'visa',
          checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
          country: 'US',
          exp_month: 8,
          exp_year: 2030,
          extended_authorization: { status: 'disabled' },
          fingerprint: plain((i: number) => w.random(i, 61).toString(36)),
          funding: 'credit',
          incremental_authorization: { status: 'unavailable' },
          installments: null,
          last4: '4242',
          mandate: null,
          multicapture: { status: 'unavailable' },
          network: 'visa',
          network_token: { used: false },
          network_transaction_id: null,
          overcapture: { maximum_amount_capturable: number(amount), status: 'unavailable' },
          regulated_status: 'unregulated',
          three_d_secure: null,
          transaction_link_id: null,
          wallet: null,
        },
        type: 'card',
      },
      receipt_email: null,
      receipt_number: null,
      receipt_url: spelled(
        'https://pay.stripe.com/receipts/',
        id(w, 'charge', (i: number) => i),
      ),
      refunded: boolean((i: number) => refunded(i) === amount(i)),
      review: plain(reviewed),
      shipping: null,
      source: null,
      source_transfer: null,
      statement_descriptor: null,
      statement_descriptor_suffix: null,
      status: 'succeeded',
      transfer_data: null,
      transfer_group: null,
    }),
  };
}
