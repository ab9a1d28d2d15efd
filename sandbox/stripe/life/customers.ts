import { attachCard, createCustomer, deleteCustomer, detachCard } from '../operations/customers.ts';
import type { StripeObject } from '../resource.ts';
import { type Happening, type Life, noted } from './life.ts';

export function customerLife({ c, random, step, on }: Life): readonly Happening[] {
  const attached = (card: StripeObject) => card['customer'] !== null;
  const addTaxId = (customer: string) =>
    c.create('tax_id', { customer, owner: { customer, customer_account: null, type: 'customer' } });

  function welcome(): void {
    const { id } = createCustomer(c, { name: `New customer ${step()}`, email: `new-${step()}@example.com` });
    attachCard(c, id);
    if (random.chance(0.3)) addTaxId(id);
    if (random.chance(0.3)) {
      const events = ['setup_intent.created', 'setup_intent.succeeded'];
      c.create('setup_intent', { customer: id, payment_method: null }, events);
    }
  }

  function rename(customer: StripeObject): void {
    c.update('customer', customer.id, {
      name: `Renamed "${step()}" Ünïcode 🙂`,
      email: `changed-${step()}@example.com`,
    });
  }

  return [
    [14, () => on('customer', rename)],
    [
      6,
      () =>
        on('customer', (o) => c.update('customer', o.id, { balance: Number(o['balance']) - 100, ...noted(o, step()) })),
    ],
    [8, welcome],
    [2, () => on('customer', (o) => deleteCustomer(c, o.id))],
    [1, () => on('payment_method', (o) => detachCard(c, o.id), attached)],
    [2, () => on('payment_method', (o) => c.update('payment_method', o.id, noted(o, step())), attached)],
    [1, () => on('customer', (o) => addTaxId(o.id))],
    [1, () => on('tax_id', (o) => c.remove('tax_id', o.id), attached)],
  ];
}
