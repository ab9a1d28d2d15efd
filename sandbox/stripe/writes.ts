import type { Changes } from './changes.ts';
import { missing, StripeProblem, unknownParameter } from './errors.ts';
import { type FormValue, parseForm } from './form.ts';
import { draftInvoice, finalizeInvoice, payInvoice, refundCharge, voidInvoice } from './operations/billing.ts';
import { createInlinePrice, createPrice, updatePrice } from './operations/catalogue.ts';
import { createCustomer, deleteCustomer } from './operations/customers.ts';
import { openCheckout } from './operations/sales.ts';
import {
  addItem,
  cancelSubscription,
  changeItem,
  createSubscription,
  itemsOf,
  removeItem,
} from './operations/subscriptions.ts';
import type { Parts } from './parts.ts';
import { TABLE_NAMES, type TableName } from './population.ts';
import type { StripeObject } from './resource.ts';

type Form = Readonly<Record<string, FormValue>>;

/** Answer of a write as an object, or `undefined` for a path that takes no writes. */
export type Write = (method: string, path: string, body: string) => object | undefined;

interface ItemForm {
  readonly price?: string;
  readonly price_data?: {
    readonly product?: string;
    readonly unit_amount?: string;
    readonly recurring?: { interval?: string };
  };
}

const ITEM_PATH = /^\/v1\/([a-z_]+(?:\/sessions)?)\/([^/]+)(?:\/([a-z_]+))?$/;
/** Written by nobody but Stripe. */
const READ_ONLY: ReadonlySet<TableName> = new Set(['balance_transaction', 'review', 'early_fraud_warning']);

/**
 * Changes on request of which Stripe makes no event. https://docs.stripe.com/api/events/types
 */
const SILENT: ReadonlySet<TableName> = new Set([
  'payment_intent',
  'setup_intent',
  'quote',
  'invoice_item',
  'checkout_session',
  'tax_id',
]);

/** The writes that tests and later work need; each makes the events that Stripe makes. */
export function createWrites(c: Changes, parts: Parts): Write {
  const { tables } = c.account;
  const byPath = new Map(TABLE_NAMES.map((name) => [tables[name].resource.path, name]));
  const show = (table: TableName, object: StripeObject) => tables[table].present(object);

  function create(table: TableName, form: Form): StripeObject {
    switch (table) {
      case 'customer':
        return createCustomer(c, coerce(c.account.tables.customer.resource.write(0), form, undefined));
      case 'product':
        return c.create('product', {
          default_price: null,
          active: true,
          updated: c.nowS(),
          ...coerce(tables.product.resource.write(0), require(form, 'name'), undefined),
        });
      case 'price':
        return createPrice(
          c,
          String(require(form, 'product')['product']),
          Number(require(form, 'unit_amount')['unit_amount']),
          (form['recurring'] as { interval?: string } | undefined)?.interval === 'year' ? 'year' : 'month',
        );
      case 'subscription': {
        const customer = String(require(form, 'customer')['customer']);
        if (tables.customer.rankOf(customer) === undefined) throw missing(400, 'customer', customer, 'customer');
        const items = (require(form, 'items')['items'] as ItemForm[]).map((item) =>
          item.price_data === undefined
            ? String(item.price)
            : createInlinePrice(
                c,
                String(item.price_data.product),
                Number(item.price_data.unit_amount),
                item.price_data.recurring?.interval === 'year' ? 'year' : 'month',
              ).id,
        );
        for (const price of items)
          if (tables.price.rankOf(price) === undefined) throw missing(400, 'price', price, 'items[0][price]');
        const clock = c.get('customer', customer)['test_clock'];
        return createSubscription(c, customer, items, {
          ...(typeof clock === 'string' && { test_clock: clock }),
          ...(form['metadata'] !== undefined && { metadata: form['metadata'] }),
        });
      }
      case 'invoice':
        return draftInvoice(c, String(require(form, 'subscription')['subscription']));
      case 'refund': {
        const refund = refundCharge(c, String(require(form, 'charge')['charge']));
        if (!refund)
          throw new StripeProblem(400, `Charge ${String(form['charge'])} has already been refunded.`, {
            code: 'charge_already_refunded',
          });
        return refund;
      }
      case 'checkout_session':
        return openCheckout(c, String(require(form, 'customer')['customer']));
      case 'invoice_item':
        return c.create('invoice_item', {
          customer: String(require(form, 'customer')['customer']),
          invoice: null,
          description: form['description'] ?? null,
        });
      case 'tax_id':
        // The account's own: only a customer's has events.
        return c.create(
          'tax_id',
          { customer: null, owner: { type: 'self' }, ...coerce(tables.tax_id.resource.write(0), form, undefined) },
          [],
        );
      case 'coupon':
      case 'tax_rate':
        return c.create(table, coerce(tables[table].resource.write(0), form, undefined));
      default:
        throw new StripeProblem(400, `The sandbox creates no ${table} on request.`);
    }
  }

  function item(method: string, id: string, form: Form): object {
    const owner = parts.ownerIdOf('subscription_item', id);
    const found = owner === undefined ? undefined : parts.find('subscription_item', id);
    if (!found || owner === undefined) throw missing(404, 'subscription_item', id, 'item');
    if (method === 'DELETE') {
      removeItem(c, owner, id);
      return { id, object: 'subscription_item', deleted: true };
    }
    changeItem(c, owner, id, {
      ...(form['quantity'] !== undefined && { quantity: Number(form['quantity']) }),
      ...(form['price'] !== undefined && { price: String(form['price']), plan: String(form['price']) }),
      ...(form['metadata'] !== undefined && { metadata: form['metadata'] }),
    });
    return parts.find('subscription_item', id) ?? {};
  }

  function remove(table: TableName, id: string): object {
    if (table === 'subscription') return show('subscription', cancelSubscription(c, id));
    const object = c.get(table, id);
    if (table === 'customer') deleteCustomer(c, id);
    else if (table === 'invoice' && object['status'] !== 'draft') {
      throw new StripeProblem(400, 'You can only delete draft invoices.', { code: 'invoice_not_editable' });
    } else c.remove(table, id);
    return { id, object: object.object, deleted: true };
  }

  function invoiceAction(id: string, action: string): StripeObject | undefined {
    if (action === 'finalize') return finalizeInvoice(c, id);
    if (action === 'pay') return payInvoice(c, id);
    if (action === 'void') return voidInvoice(c, id);
    return undefined;
  }

  return (method, path, body) => {
    const form = parseForm(body);
    delete form['expand'];
    const table = byPath.get(path);
    if (method === 'POST' && table) return show(table, create(table, form));
    if (method === 'POST' && path === '/v1/subscription_items') {
      const added = addItem(
        c,
        String(require(form, 'subscription')['subscription']),
        String(require(form, 'price')['price']),
        Number(form['quantity'] ?? 1),
      );
      return parts.find('subscription_item', added.id);
    }
    const match = ITEM_PATH.exec(path);
    if (!match) return undefined;
    const [, collection, id = '', action] = match;
    if (collection === 'subscription_items' && action === undefined) return item(method, id, form);
    const target = byPath.get(`/v1/${collection}`);
    if (!target || READ_ONLY.has(target)) return undefined;
    if (method === 'DELETE' && action === undefined) return remove(target, id);
    if (method !== 'POST') return undefined;
    if (action !== undefined) {
      const answer = target === 'invoice' ? invoiceAction(id, action) : undefined;
      return answer && show('invoice', answer);
    }
    const before = c.get(target, id);
    const fields = coerce(JSON.stringify(before), form, before);
    const updated =
      target === 'price'
        ? updatePrice(c, id, fields)
        : c.update(target, id, fields, SILENT.has(target) ? [] : undefined);
    return show(target, updated);
  };

  function require(form: Form, name: string): Form {
    if (form[name] === undefined)
      throw new StripeProblem(400, `Missing required param: ${name}.`, { code: 'parameter_missing', param: name });
    return form;
  }
}

/** Texts of a form in the types that the object's fields have. */
function coerce(model: string, form: Form, before: StripeObject | undefined): Record<string, unknown> {
  const like = JSON.parse(model) as Record<string, unknown>;
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(form)) {
    if (name === 'items' && Array.isArray(value) && before) {
      fields['items'] = {
        ...(before['items'] as object),
        data: changedItems(before, value as { id?: string; quantity?: string; price?: string }[]),
      };
    } else if (name === 'metadata') {
      const merged = {
        ...((before?.['metadata'] as Record<string, string> | undefined) ?? {}),
        ...(typeof value === 'object' ? (value as Record<string, string>) : {}),
      };
      fields['metadata'] =
        value === '' ? {} : Object.fromEntries(Object.entries(merged).filter(([, text]) => text !== ''));
    } else if (!(name in like)) throw unknownParameter(name);
    else if (typeof value !== 'string') fields[name] = { ...((like[name] as object | null) ?? {}), ...value };
    else if (typeof like[name] === 'number') fields[name] = Number(value);
    else if (typeof like[name] === 'boolean') fields[name] = value === 'true';
    else fields[name] = value === '' ? null : value;
  }
  return fields;
}

function changedItems(
  before: StripeObject,
  changes: readonly { id?: string; quantity?: string; price?: string }[],
): StripeObject[] {
  return itemsOf(before).map((item) => {
    const change = changes.find((one) => one.id === item.id);
    if (!change) return item;
    return {
      ...item,
      ...(change.quantity !== undefined && { quantity: Number(change.quantity) }),
      ...(change.price !== undefined && { price: change.price, plan: change.price }),
    };
  });
}
