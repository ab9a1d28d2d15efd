import type { Account } from './account.ts';
import { StripeProblem } from './errors.ts';
import { invoicePaymentOf } from './invoice-payments.ts';
import { listTable } from './list.ts';
import type { Parts } from './parts.ts';
import { TABLE_NAMES, type TableName } from './population.ts';
import type { StripeObject } from './resource.ts';

export type Expand = (object: StripeObject, paths: readonly string[]) => StripeObject;

/** Lists that are left out of an object unless they are asked for, by object and field. */
const CHILD_LISTS: Readonly<Record<string, { table: TableName; by: string; url: (id: string) => string }>> = {
  'customer.subscriptions': { table: 'subscription', by: 'customer', url: (id) => `/v1/customers/${id}/subscriptions` },
  'customer.tax_ids': { table: 'tax_id', by: 'customer', url: (id) => `/v1/customers/${id}/tax_ids` },
  'charge.refunds': { table: 'refund', by: 'charge', url: (id) => `/v1/charges/${id}/refunds` },
};

/** https://docs.stripe.com/api/expanding_objects */
export function createExpand(account: Account, parts: Parts): Expand {
  const { tables } = account;

  function lookUp(id: string): StripeObject | undefined {
    for (const name of TABLE_NAMES) {
      if (name === 'plan') continue;
      const text = tables[name].readId(id);
      if (text !== undefined) return JSON.parse(text) as StripeObject;
      if (tables[name].wasDeleted(id)) return { id, object: tables[name].resource.object, deleted: true };
    }
    return undefined;
  }

  function list(objects: readonly unknown[], hasMore: boolean, url: string): object {
    return { object: 'list', data: objects, has_more: hasMore, url };
  }

  function childList(object: StripeObject, field: string): object | undefined {
    const key = `${object.object}.${field}`;
    const known = CHILD_LISTS[key];
    if (known) {
      const params = {
        limit: 10,
        startingAfter: undefined,
        endingBefore: undefined,
        created: undefined,
        values: new Map([[known.by, object.id]]),
        ranges: new Map(),
        expand: [],
      };
      const page = listTable(account, tables[known.table], params);
      return list(
        page.texts().map((text) => JSON.parse(text) as unknown),
        page.hasMore,
        known.url(object.id),
      );
    }
    if (key === 'customer.sources') return list([], false, `/v1/customers/${object.id}/sources`);
    if (key === 'checkout.session.line_items') {
      const all = parts.of('checkout_line_item', object.id) ?? [];
      return list(all.slice(0, 10), all.length > 10, `/v1/checkout/sessions/${object.id}/line_items`);
    }
    if (key === 'invoice.payments') {
      const payment = invoicePaymentOf(account, object);
      return list(payment ? [payment] : [], false, `/v1/invoice_payments?invoice=${object.id}`);
    }
    return undefined;
  }

  function expandPath(target: unknown, path: readonly string[], whole: string): void {
    const [field, ...rest] = path;
    if (field === undefined || target === null || typeof target !== 'object') return;
    if (Array.isArray(target)) {
      for (const element of target) expandPath(element, path, whole);
      return;
    }
    const object = target as StripeObject;
    const value = object[field];
    if (typeof value === 'string') {
      const found = lookUp(value);
      if (!found) throw new StripeProblem(400, `This property cannot be expanded (${field}).`, { param: 'expand' });
      object[field] = found;
    } else if (value === undefined) {
      const child = childList(object, field);
      if (child) object[field] = child;
      else if (!(field in object))
        throw new StripeProblem(400, `This property cannot be expanded (${field}).`, { param: 'expand' });
    }
    expandPath(object[field], rest, whole);
  }

  return (object, paths) => {
    for (const path of paths) {
      const steps = path.split('.');
      if (steps.filter((step) => step !== 'data').length > 4)
        throw new StripeProblem(400, `You cannot expand more than 4 levels of a property (${path}).`, {
          param: 'expand',
        });
      expandPath(object, steps, path);
    }
    return object;
  };
}
