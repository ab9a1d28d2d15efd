import { compileShape, json, number, plain, spelled } from '../../http/shape.ts';
import { id } from '../id-slots.ts';
import type { Resource, World } from '../resource.ts';
import { chargeAmount, refundAmount } from './payment.ts';

interface Movement {
  readonly type: 'charge' | 'refund' | 'payout' | 'transfer';
  readonly source: string;
  readonly amount: number;
}

const payoutAmount = (w: World, i: number) => (w.random(i, 70) % 90000) + 10000;
const transferAmount = (w: World, i: number) => (w.random(i, 71) % 9000) + 1000;

/** Of twenty balance transactions sixteen are charges, two refunds, one a payout and one a transfer. */
function movement(w: World, i: number): Movement {
  const block = Math.floor(i / 20);
  const place = i % 20;
  if (place < 16) {
    const charge = block * 16 + place;
    return { type: 'charge', source: w.id('charge', charge), amount: chargeAmount(w, charge) };
  }
  if (place < 18) {
    const refund = block * 2 + place - 16;
    return { type: 'refund', source: w.id('refund', refund), amount: -refundAmount(w, refund) };
  }
  if (place === 18) return { type: 'payout', source: w.id('payout', block), amount: -payoutAmount(w, block) };
  return { type: 'transfer', source: w.id('transfer', block), amount: -transferAmount(w, block) };
}

/** https://docs.stripe.com/api/balance_transactions/list */
export function balanceTransaction(w: World): Resource {
  const fee = (i: number) => {
    const { type, amount } = movement(w, i);
    return type === 'charge' ? Math.round(amount * 0.029) + 30 : 0;
  };
  return {
    table: 'balance_transaction',
    object: 'balance_transaction',
    path: '/v1/balance_transactions',
    created: true,
    filters: { currency: {}, payout: { stored: () => false }, source: {}, type: {} },
    write: compileShape<number>({
      id: id(w, 'balance_transaction', (i: number) => i),
      object: 'balance_transaction',
      amount: number((i: number) => movement(w, i).amount),
      available_on: number((i: number) => w.at('balance_transaction', i) + 2 * 86_400),
      balance_type: 'payments',
      created: number((i: number) => w.at('balance_transaction', i)),
      currency: 'usd',
      description: null,
      exchange_rate: null,
      fee: number(fee),
      fee_details: json((i: number) =>
        fee(i) === 0
          ? []
          : [
              {
                amount: fee(i),
                application: null,
                currency: 'usd',
                description: 'Stripe processing fees',
                type: 'stripe_fee',
              },
            ],
      ),
      net: number((i: number) => movement(w, i).amount - fee(i)),
      reporting_category: plain((i: number) => movement(w, i).type),
      source: plain((i: number) => movement(w, i).source),
      status: 'available',
      type: plain((i: number) => movement(w, i).type),
    }),
  };
}

/** https://docs.stripe.com/api/payouts/list */
export function payout(w: World): Resource {
  return {
    table: 'payout',
    object: 'payout',
    path: '/v1/payouts',
    events: 'payout',
    created: true,
    filters: { arrival_date: { kind: 'range' }, destination: {}, status: {} },
    write: compileShape<number>({
      id: id(w, 'payout', (i: number) => i),
      object: 'payout',
      amount: number((i: number) => payoutAmount(w, i)),
      application_fee: null,
      application_fee_amount: null,
      arrival_date: number((i: number) => w.at('payout', i) + 86_400),
      automatic: true,
      balance_transaction: id(w, 'balance_transaction', (i: number) => i * 20 + 18),
      created: number((i: number) => w.at('payout', i)),
      currency: 'usd',
      description: 'STRIPE PAYOUT',
      destination: 'ba_1SandboxAccount00',
      failure_balance_transaction: null,
      failure_code: null,
      failure_message: null,
      livemode: false,
      metadata: {},
      method: 'standard',
      original_payout: null,
      payout_method: null,
      reconciliation_status: 'completed',
      reversed_by: null,
      source_type: 'card',
      statement_descriptor: null,
      status: 'paid',
      trace_id: null,
      type: 'bank_account',
    }),
  };
}

/** https://docs.stripe.com/api/transfers/list */
export function transfer(w: World): Resource {
  return {
    table: 'transfer',
    object: 'transfer',
    path: '/v1/transfers',
    events: 'transfer',
    created: true,
    filters: { destination: {}, transfer_group: {} },
    write: compileShape<number>({
      id: id(w, 'transfer', (i: number) => i),
      object: 'transfer',
      amount: number((i: number) => transferAmount(w, i)),
      amount_reversed: 0,
      balance_transaction: id(w, 'balance_transaction', (i: number) => i * 20 + 19),
      created: number((i: number) => w.at('transfer', i)),
      currency: 'usd',
      description: null,
      destination: 'acct_1SandboxConnected',
      destination_payment: plain((i: number) => `py_${w.random(i, 72).toString(36)}`),
      livemode: false,
      metadata: {},
      reversals: {
        object: 'list',
        data: [],
        has_more: false,
        url: spelled(
          '/v1/transfers/',
          id(w, 'transfer', (i: number) => i),
          '/reversals',
        ),
      },
      reversed: false,
      source_transaction: null,
      source_type: 'card',
      transfer_group: null,
    }),
  };
}
