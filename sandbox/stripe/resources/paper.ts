import { compileShape, number, plain, spelled } from '../../http/shape.ts';
import { id, partId } from '../id-slots.ts';
import type { Resource, World } from '../resource.ts';
import { invoiceCustomer, lineCount } from './invoice.ts';
import { itemPlan } from './subscription.ts';

/** https://docs.stripe.com/api/credit_notes/list */
export function creditNote(w: World): Resource {
  const owner = (i: number) => w.parent('credit_note', i, 'invoice');
  const amount = (i: number) => (w.random(i, 120) % 90) * 10 + 100;
  const lines = {
    object: 'list',
    data: [
      {
        id: partId(
          w,
          'credit_note_line_item',
          (i: number) => i,
          () => 0,
        ),
        object: 'credit_note_line_item',
        amount: number(amount),
        description: 'Goodwill',
        discount_amount: 0,
        discount_amounts: [],
        invoice_line_item: plain((i: number) =>
          w.partId('invoice_line_item', owner(i), w.random(i, 121) % lineCount(w, owner(i))),
        ),
        livemode: false,
        metadata: null,
        pretax_credit_amounts: [],
        quantity: 1,
        tax_rates: [],
        taxes: null,
        type: 'invoice_line_item',
        unit_amount: null,
        unit_amount_decimal: null,
      },
    ],
    has_more: false,
    url: spelled(
      '/v1/credit_notes/',
      id(w, 'credit_note', (i: number) => i),
      '/lines',
    ),
  };
  return {
    table: 'credit_note',
    object: 'credit_note',
    path: '/v1/credit_notes',
    events: 'credit_note',
    created: true,
    filters: { customer: { parent: 'customer' }, invoice: { parent: 'invoice' } },
    write: compileShape<number>({
      id: id(w, 'credit_note', (i: number) => i),
      object: 'credit_note',
      amount: number(amount),
      amount_shipping: 0,
      created: number((i: number) => w.at('credit_note', i)),
      currency: 'usd',
      customer: id(w, 'customer', (i: number) => invoiceCustomer(w, owner(i))),
      customer_account: null,
      customer_balance_transaction: null,
      discount_amount: 0,
      discount_amounts: [],
      effective_at: number((i: number) => w.at('credit_note', i)),
      invoice: id(w, 'invoice', (i: number) => owner(i)),
      lines,
      livemode: false,
      memo: null,
      metadata: {},
      number: plain((i: number) => `SBX-CN-${i}`),
      out_of_band_amount: null,
      pdf: spelled(
        'https://pay.stripe.com/credit_notes/',
        id(w, 'credit_note', (i: number) => i),
        '/pdf',
      ),
      post_payment_amount: 0,
      pre_payment_amount: number(amount),
      pretax_credit_amounts: [],
      reason: null,
      refunds: [],
      shipping_cost: null,
      status: 'issued',
      subtotal: number(amount),
      subtotal_excluding_tax: number(amount),
      total: number(amount),
      total_excluding_tax: number(amount),
      total_taxes: [],
      type: 'pre_payment',
      voided_at: null,
    }),
  };
}

/** https://docs.stripe.com/api/quotes/list */
export function quote(w: World): Resource {
  const amount = (i: number) => (w.random(i, 122) % 900) * 100;
  const status = (i: number) => ['draft', 'open', 'accepted', 'canceled'][w.random(i, 123) % 4] as string;
  const noDetails = { amount_discount: 0, amount_shipping: 0, amount_tax: 0 };
  return {
    table: 'quote',
    object: 'quote',
    path: '/v1/quotes',
    events: 'quote',
    created: false,
    filters: { customer: { parent: 'customer' }, status: {}, test_clock: { base: (_, value) => value === '' } },
    write: compileShape<number>({
      id: id(w, 'quote', (i: number) => i),
      object: 'quote',
      amount_subtotal: number(amount),
      amount_total: number(amount),
      application: null,
      application_fee_amount: null,
      application_fee_percent: null,
      automatic_tax: { enabled: false, liability: null, provider: null, status: null },
      collection_method: 'charge_automatically',
      computed: {
        recurring: null,
        upfront: { amount_subtotal: number(amount), amount_total: number(amount), total_details: noDetails },
      },
      created: number((i: number) => w.at('quote', i)),
      currency: 'usd',
      customer: id(w, 'customer', (i: number) => w.parent('quote', i, 'customer')),
      customer_account: null,
      default_tax_rates: [],
      description: null,
      discounts: [],
      expires_at: number((i: number) => w.at('quote', i) + 30 * 86_400),
      footer: null,
      from_quote: null,
      header: null,
      invoice: null,
      invoice_settings: {
        custom_fields: null,
        days_until_due: null,
        description: null,
        footer: null,
        issuer: { type: 'self' },
      },
      livemode: false,
      metadata: {},
      number: plain((i: number) => (status(i) === 'draft' ? null : `QT-${i}-1`)),
      on_behalf_of: null,
      status: plain(status),
      status_transitions: { accepted_at: null, canceled_at: null, finalized_at: null },
      subscription: null,
      subscription_data: {
        billing_mode: { type: 'classic' },
        description: null,
        effective_date: null,
        metadata: null,
        trial_period_days: null,
      },
      subscription_schedule: null,
      test_clock: null,
      total_details: noDetails,
      transfer_data: null,
    }),
  };
}

/** https://docs.stripe.com/api/subscription_schedules/list */
export function subscriptionSchedule(w: World): Resource {
  const owner = (i: number) => w.parent('subscription_schedule', i, 'subscription');
  const at = (i: number) => w.at('subscription_schedule', i);
  const plan = (i: number) => w.id('plan', itemPlan(w, owner(i), 0));
  const invoiceSettings = {
    account_tax_ids: null,
    custom_fields: null,
    days_until_due: null,
    description: null,
    footer: null,
    issuer: { type: 'self' },
  };
  return {
    table: 'subscription_schedule',
    object: 'subscription_schedule',
    path: '/v1/subscription_schedules',
    events: 'subscription_schedule',
    created: true,
    filters: {
      customer: { parent: 'customer' },
      scheduled: { kind: 'boolean', stored: (object, value) => String(object['status'] === 'not_started') === value },
      canceled_at: { kind: 'range' },
      completed_at: { kind: 'range' },
      released_at: { kind: 'range' },
    },
    write: compileShape<number>({
      id: id(w, 'subscription_schedule', (i: number) => i),
      object: 'subscription_schedule',
      application: null,
      billing_mode: { flexible: null, type: 'classic' },
      canceled_at: null,
      completed_at: null,
      created: number(at),
      current_phase: { end_date: number((i: number) => at(i) + 365 * 86_400), start_date: number(at) },
      customer: id(w, 'customer', (i: number) => w.parent('subscription', owner(i), 'customer')),
      customer_account: null,
      default_settings: {
        application_fee_percent: null,
        automatic_tax: { disabled_reason: null, enabled: false, liability: null },
        billing_cycle_anchor: 'automatic',
        billing_thresholds: null,
        collection_method: 'charge_automatically',
        default_payment_method: null,
        description: null,
        invoice_settings: invoiceSettings,
        on_behalf_of: null,
        transfer_data: null,
      },
      end_behavior: 'release',
      livemode: false,
      metadata: {},
      phases: [
        {
          add_invoice_items: [],
          application_fee_percent: null,
          billing_cycle_anchor: null,
          billing_thresholds: null,
          collection_method: null,
          currency: 'usd',
          default_payment_method: null,
          default_tax_rates: [],
          description: null,
          discounts: [],
          end_date: number((i: number) => at(i) + 365 * 86_400),
          invoice_settings: null,
          items: [
            {
              billing_thresholds: null,
              discounts: [],
              metadata: {},
              plan: plain(plan),
              price: plain(plan),
              quantity: 1,
              tax_rates: [],
            },
          ],
          metadata: {},
          on_behalf_of: null,
          proration_behavior: 'create_prorations',
          start_date: number(at),
          transfer_data: null,
          trial_end: null,
        },
      ],
      released_at: null,
      released_subscription: null,
      status: 'active',
      subscription: id(w, 'subscription', (i: number) => owner(i)),
      test_clock: null,
    }),
  };
}
