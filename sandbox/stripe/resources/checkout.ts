import { compileShape, number, spelled, written } from '../../http/shape.ts';
import { id, partId } from '../id-slots.ts';
import type { Resource, StripeObject, World } from '../resource.ts';
import { email } from './customer.ts';
import { invoiceCustomer } from './invoice.ts';
import { priceAmount } from './price.ts';

export function checkoutLineCount(w: World, i: number): number {
  return i % 50 === 4 ? 13 : (w.random(i, 110) % 3) + 1;
}

const linePrice = (w: World, i: number, place: number) => (w.random(i, 111 + place) % w.size.product) * 3 + 2;

interface LineFacts {
  readonly i: number;
  readonly place: number;
}

/** A line item of a checkout session; never part of the session, it has a list of its own. */
export function checkoutLine(w: World): (facts: LineFacts) => string {
  const amount = (f: LineFacts) => priceAmount(w, linePrice(w, f.i, f.place));
  return compileShape<LineFacts>({
    id: partId(
      w,
      'checkout_line_item',
      (f: LineFacts) => f.i,
      (f: LineFacts) => f.place,
    ),
    object: 'item',
    adjustable_quantity: null,
    amount_discount: 0,
    amount_subtotal: number(amount),
    amount_tax: 0,
    amount_total: number(amount),
    currency: 'usd',
    description: spelled(
      'Product ',
      number((f: LineFacts) => Math.floor(linePrice(w, f.i, f.place) / 3)),
    ),
    metadata: {},
    price: written((ink, f: LineFacts) => w.writeCurrent(ink, 'price', linePrice(w, f.i, f.place))),
    quantity: 1,
  });
}

/** https://docs.stripe.com/api/checkout/sessions/list */
export function checkoutSession(w: World): Resource {
  const intent = (i: number) => w.parent('checkout_session', i, 'payment_intent');
  const customerOf = (i: number) => invoiceCustomer(w, intent(i));
  const total = (i: number) => {
    let sum = 0;
    for (let place = checkoutLineCount(w, i) - 1; place >= 0; place--) sum += priceAmount(w, linePrice(w, i, place));
    return sum;
  };
  return {
    table: 'checkout_session',
    object: 'checkout.session',
    path: '/v1/checkout/sessions',
    events: 'checkout.session',
    created: true,
    filters: {
      customer: {},
      payment_intent: { parent: 'payment_intent' },
      payment_link: {},
      status: {},
      subscription: {},
      customer_details: {
        kind: 'hash',
        stored: (object: StripeObject, value) =>
          (object['customer_details'] as { email?: string } | null)?.email === value,
      },
    },
    write: compileShape<number>({
      id: id(w, 'checkout_session', (i: number) => i),
      object: 'checkout.session',
      adaptive_pricing: { enabled: false },
      after_expiration: null,
      allow_promotion_codes: null,
      amount_subtotal: number(total),
      amount_total: number(total),
      automatic_tax: { enabled: false, liability: null, provider: null, status: null },
      billing_address_collection: null,
      cancel_url: 'https://example.com/cancel',
      client_reference_id: null,
      client_secret: null,
      collected_information: null,
      consent: null,
      consent_collection: null,
      created: number((i: number) => w.at('checkout_session', i)),
      currency: 'usd',
      currency_conversion: null,
      custom_fields: [],
      custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
      customer: id(w, 'customer', (i: number) => customerOf(i)),
      customer_account: null,
      customer_creation: null,
      customer_details: {
        address: null,
        business_name: null,
        email: email(w, (i: number) => customerOf(i)),
        individual_name: null,
        name: null,
        phone: null,
        tax_exempt: 'none',
        tax_ids: null,
      },
      customer_email: null,
      discounts: null,
      expires_at: number((i: number) => w.at('checkout_session', i) + 86_400),
      integration_identifier: null,
      invoice: null,
      invoice_creation: null,
      livemode: false,
      locale: null,
      managed_payments: null,
      metadata: {},
      mode: 'payment',
      origin_context: null,
      payment_intent: id(w, 'payment_intent', (i: number) => intent(i)),
      payment_link: null,
      payment_method_collection: null,
      payment_method_configuration_details: null,
      payment_method_options: {},
      payment_method_types: ['card'],
      payment_status: 'paid',
      permissions: null,
      phone_number_collection: { enabled: false },
      recovered_from: null,
      saved_payment_method_options: null,
      setup_intent: null,
      shipping_address_collection: null,
      shipping_cost: null,
      shipping_options: [],
      status: 'complete',
      submit_type: null,
      subscription: null,
      success_url: 'https://example.com/success',
      total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
      ui_mode: 'hosted',
      url: null,
      wallet_options: null,
    }),
    present: ({ line_items: _apart, ...object }) => object as StripeObject,
  };
}
