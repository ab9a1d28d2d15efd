import { asciiBytes } from '../http/ink.ts';
import { createPopulation, type Population, type PopulationOptions, type TableName } from './population.ts';
import type { Resource, StripeObject, World } from './resource.ts';
import { balanceTransaction, payout, transfer } from './resources/balance.ts';
import { checkoutSession } from './resources/checkout.ts';
import { customer } from './resources/customer.ts';
import { paymentMethod, setupIntent, taxId } from './resources/customer-belongings.ts';
import { coupon, promotionCode, taxRate } from './resources/discount.ts';
import { invoice, invoiceItem } from './resources/invoice.ts';
import { creditNote, quote, subscriptionSchedule } from './resources/paper.ts';
import { charge, paymentIntent } from './resources/payment.ts';
import { plan, price } from './resources/price.ts';
import { product } from './resources/product.ts';
import { subscription } from './resources/subscription.ts';
import { dispute, earlyFraudWarning, refund, review } from './resources/trouble.ts';
import { createTable, type Table } from './table.ts';

/** A Stripe account: all its tables. */
export interface Account {
  readonly population: Population;
  readonly world: World;
  readonly tables: Readonly<Record<TableName, Table>>;
}

export function createAccount(options: PopulationOptions): Account {
  const population = createPopulation(options);
  const tables = {} as Record<TableName, Table>;
  /** As at the beginning; prices and plans are few, and every subscription shows them. */
  const first: Partial<Record<TableName, (Uint8Array | undefined)[]>> = {};

  const world: World = {
    ...population,
    writeCurrent(ink, name, position) {
      const table = tables[name];
      if (!table.untouched(position)) {
        ink.ascii(table.read(position) ?? 'null');
        return;
      }
      first[name] ??= [];
      const known = first[name];
      known[position] ??= asciiBytes(table.resource.write(position));
      ink.copy(known[position]);
    },
  };
  const lookUp = (name: 'price' | 'plan', id: string) => {
    const text = tables[name].readId(id);
    return text === undefined ? undefined : (JSON.parse(text) as StripeObject);
  };
  const resources: Resource[] = [
    customer(world),
    product(world),
    price(world),
    plan(world),
    coupon(world),
    promotionCode(world),
    taxRate(world),
    paymentMethod(world),
    setupIntent(world),
    taxId(world),
    subscription(world, lookUp),
    subscriptionSchedule(world),
    invoice(world),
    invoiceItem(world),
    paymentIntent(world),
    charge(world),
    balanceTransaction(world),
    refund(world),
    dispute(world),
    review(world),
    earlyFraudWarning(world),
    payout(world),
    transfer(world),
    checkoutSession(world),
    creditNote(world),
    quote(world),
  ];
  for (const resource of resources) tables[resource.table] = createTable(population, resource);
  return { population, world, tables };
}
