import { compileShape, number, plain } from '../../http/shape.ts';
import { id } from '../id-slots.ts';
import type { Resource, World } from '../resource.ts';
import { email } from './customer.ts';

const EMPTY_ADDRESS = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null };

/** https://docs.stripe.com/api/payment_methods/list */
export function paymentMethod(w: World): Resource {
  return {
    table: 'payment_method',
    object: 'payment_method',
    path: '/v1/payment_methods',
    events: 'payment_method',
    created: false,
    filters: {
      customer: { parent: 'customer' },
      type: {},
      allow_redisplay: {},
      attached: { base: () => true, stored: (object) => object['customer'] !== null },
    },
    write: compileShape<number>({
      id: id(w, 'payment_method', (i: number) => i),
      object: 'payment_method',
      allow_redisplay: 'unspecified',
      billing_details: {
        address: EMPTY_ADDRESS,
        email: email(w, (i: number) => i),
        name: null,
        phone: null,
        tax_id: null,
      },
      card: {
        brand: 'visa',
        checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
        country: 'US',
        display_brand: 'visa',
        exp_month: number((i: number) => (w.random(i, 90) % 12) + 1),
        exp_year: 2030,
        fingerprint: plain((i: number) => w.random(i, 91).toString(36)),
        funding: 'credit',
        generated_from: null,
        last4: plain((i: number) => String(1000 + (w.random(i, 92) % 9000))),
        networks: { available: ['visa'], preferred: null },
        regulated_status: 'unregulated',
        three_d_secure_usage: { supported: true },
        wallet: null,
      },
      created: number((i: number) => w.at('payment_method', i)),
      customer: id(w, 'customer', (i: number) => i),
      customer_account: null,
      livemode: false,
      metadata: {},
      type: 'card',
    }),
  };
}

/** https://docs.stripe.com/api/setup_intents/list */
export function setupIntent(w: World): Resource {
  const owner = (i: number) => w.parent('setup_intent', i, 'customer');
  return {
    table: 'setup_intent',
    object: 'setup_intent',
    path: '/v1/setup_intents',
    events: 'setup_intent',
    created: true,
    filters: {
      customer: { parent: 'customer' },
      payment_method: {},
      attach_to_self: { kind: 'boolean', stored: (_object, value) => value === 'false' },
    },
    write: compileShape<number>({
      id: id(w, 'setup_intent', (i: number) => i),
      object: 'setup_intent',
      application: null,
      automatic_payment_methods: null,
      cancellation_reason: null,
      client_secret: plain((i: number) => `${w.id('setup_intent', i)}_secret_${w.random(i, 93).toString(36)}`),
      created: number((i: number) => w.at('setup_intent', i)),
      customer: id(w, 'customer', (i: number) => owner(i)),
      customer_account: null,
      description: null,
      excluded_payment_method_types: null,
      flow_directions: null,
      last_setup_error: null,
      latest_attempt: null,
      livemode: false,
      mandate: null,
      metadata: {},
      next_action: null,
      on_behalf_of: null,
      payment_method: id(w, 'payment_method', (i: number) => owner(i)),
      payment_method_configuration_details: null,
      payment_method_options: {},
      payment_method_types: ['card'],
      single_use_mandate: null,
      status: 'succeeded',
      usage: 'off_session',
    }),
  };
}

/** The first two are the account's own; the plain list shows only those. https://docs.stripe.com/api/tax_ids/list */
export const OWN_TAX_IDS = 2;

export function taxId(w: World): Resource {
  const customerId = (i: number) => (i < OWN_TAX_IDS ? null : w.id('customer', w.parent('tax_id', i, 'customer')));
  return {
    table: 'tax_id',
    object: 'tax_id',
    path: '/v1/tax_ids',
    events: 'customer.tax_id',
    created: false,
    filters: {
      customer: { parent: 'customer' },
      own: { base: (i) => i < OWN_TAX_IDS, stored: (object) => object['customer'] === null },
    },
    write: compileShape<number>({
      id: id(w, 'tax_id', (i: number) => i),
      object: 'tax_id',
      country: 'DE',
      created: number((i: number) => w.at('tax_id', i)),
      customer: plain(customerId),
      customer_account: null,
      livemode: false,
      owner: {
        customer: plain(customerId),
        customer_account: null,
        type: plain((i: number) => (i < OWN_TAX_IDS ? 'self' : 'customer')),
      },
      type: 'eu_vat',
      value: plain((i: number) => `DE${100000000 + (w.random(i, 94) % 900000000)}`),
      verification: { status: 'pending', verified_address: null, verified_name: null },
    }),
  };
}
