import type { Changes } from '../changes.ts';
import { listTable } from '../list.ts';
import type { TableName } from '../population.ts';
import type { StripeObject } from '../resource.ts';
import { cancelSubscription, isOver } from './subscriptions.ts';

export function createCustomer(c: Changes, fields: Readonly<Record<string, unknown>>): StripeObject {
  return c.create('customer', {
    address: null,
    balance: 0,
    currency: null,
    delinquent: false,
    description: null,
    discount: null,
    email: null,
    name: null,
    phone: null,
    metadata: {},
    next_invoice_sequence: 1,
    preferred_locales: [],
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    ...fields,
  });
}

export function attachCard(c: Changes, customer: string): StripeObject {
  return c.create('payment_method', { customer, metadata: {} }, ['payment_method.attached']);
}

export function detachCard(c: Changes, id: string): StripeObject {
  return c.update('payment_method', id, { customer: null }, ['payment_method.detached']);
}

/** Cancels the subscriptions, detaches the cards and takes the tax ids along, as Stripe does. */
export function deleteCustomer(c: Changes, id: string): void {
  for (const subscription of belongings(c, 'subscription', id))
    if (!isOver(subscription)) cancelSubscription(c, subscription.id);
  for (const card of belongings(c, 'payment_method', id)) detachCard(c, card.id);
  for (const taxId of belongings(c, 'tax_id', id)) c.remove('tax_id', taxId.id);
  c.remove('customer', id);
}

/** Everything of a table that belongs to a customer. */
export function belongings(c: Changes, table: TableName, customer: string): StripeObject[] {
  const { resource } = c.account.tables[table];
  const values = new Map([
    ['customer', customer],
    ...(resource.defaults?.['status'] === undefined ? [] : [['status', 'all'] as const]),
  ]);
  const params = {
    limit: 10_000,
    startingAfter: undefined,
    endingBefore: undefined,
    created: undefined,
    values,
    ranges: new Map(),
    expand: [],
  };
  return listTable(c.account, c.account.tables[table], params)
    .texts()
    .map((text) => JSON.parse(text) as StripeObject);
}
