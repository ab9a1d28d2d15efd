import { draftInvoice, finalizeInvoice, renew, voidInvoice } from '../operations/billing.ts';
import {
  addItem,
  cancelSubscription,
  changeItem,
  createSubscription,
  isOver,
  itemsOf,
  removeItem,
} from '../operations/subscriptions.ts';
import type { StripeObject } from '../resource.ts';
import { type Happening, type Life, noted } from './life.ts';

export function subscriptionLife({ c, step, any, on }: Life): readonly Happening[] {
  /** Drafts that nothing refers to: only these are deleted. */
  const drafts: string[] = [];
  const running = (o: StripeObject) => !isOver(o);
  const hasStatus = (status: string) => (o: StripeObject) => o['status'] === status;
  const { plan } = c.account.tables;
  const recurringPrice = () => any('price', (o) => o['type'] === 'recurring' && plan.rankOf(o.id) !== undefined)?.id;
  const withPrice = (act: (price: string) => void) => {
    const price = recurringPrice();
    if (price !== undefined) act(price);
  };

  function raiseQuantity(subscription: StripeObject): void {
    const [item] = itemsOf(subscription);
    if (item) changeItem(c, subscription.id, item.id, { quantity: Number(item['quantity'] ?? 1) + 1 });
  }

  function dropLastItem(subscription: StripeObject): void {
    const item = itemsOf(subscription).at(-1);
    if (item) removeItem(c, subscription.id, item.id);
  }

  function draftOrDelete(): void {
    const draft = drafts.shift();
    if (draft !== undefined) c.remove('invoice', draft);
    else on('subscription', (o) => drafts.push(draftInvoice(c, o.id).id), running);
  }

  return [
    [6, () => on('customer', (o) => withPrice((price) => renew(c, createSubscription(c, o.id, [price]).id)))],
    [8, () => on('subscription', (o) => c.update('subscription', o.id, noted(o, step())), running)],
    [4, () => on('subscription', raiseQuantity, running)],
    [4, () => on('subscription', (o) => withPrice((price) => addItem(c, o.id, price)), running)],
    [3, () => on('subscription', dropLastItem, (o) => running(o) && itemsOf(o).length > 1)],
    [3, () => on('subscription', (o) => cancelSubscription(c, o.id), running)],
    [2, () => on('subscription', (o) => c.update('subscription', o.id, { status: 'past_due' }), hasStatus('active'))],
    [10, () => on('subscription', (o) => renew(c, o.id), running)],
    [2, () => on('subscription', (o) => finalizeInvoice(c, draftInvoice(c, o.id).id), running)],
    [2, () => on('invoice', (o) => voidInvoice(c, o.id), hasStatus('open'))],
    [2, draftOrDelete],
    [
      1,
      () => {
        const over = { status: 'canceled', canceled_at: c.nowS() };
        on('subscription_schedule', (o) => c.update('subscription_schedule', o.id, over), hasStatus('active'));
      },
    ],
  ];
}
