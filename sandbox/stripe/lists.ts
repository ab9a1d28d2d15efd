import { asciiJson } from '../http/shape.ts';
import type { Account } from './account.ts';
import { missing, StripeProblem, unknownParameter } from './errors.ts';
import { invoicePaymentOf } from './invoice-payments.ts';
import { listTable, type Page, pageOfTexts } from './list.ts';
import { pick } from './list-cursor.ts';
import { type ListParams, parseListParams } from './list-params.ts';
import type { Parts } from './parts.ts';
import { type PartName, TABLE_NAMES, type TableName } from './population.ts';
import type { Filter, StripeObject } from './resource.ts';

export interface ListAnswer {
  readonly page: Page;
  readonly url: string;
  readonly expand: readonly string[];
}

export type AnswerList = (path: string, query: URLSearchParams) => ListAnswer | undefined;

/** Selections that an endpoint makes by itself and that are no parameters. */
const FIXED: Partial<Record<TableName, Readonly<Record<string, string>>>> = {
  payment_method: { attached: 'true' },
  review: { open: 'true' },
  tax_id: { own: 'true' },
};

/** `/v1/<owners>/:id/<children>`: the table, the field that names the owner. */
const CHILDREN: Readonly<Record<string, { table: TableName; owner: TableName; by: string }>> = {
  'customers/tax_ids': { table: 'tax_id', owner: 'customer', by: 'customer' },
  'customers/payment_methods': { table: 'payment_method', owner: 'customer', by: 'customer' },
  'customers/subscriptions': { table: 'subscription', owner: 'customer', by: 'customer' },
  'charges/refunds': { table: 'refund', owner: 'charge', by: 'charge' },
};

const PART_LISTS: Readonly<Record<string, { part: PartName; owner: TableName }>> = {
  'invoices/lines': { part: 'invoice_line_item', owner: 'invoice' },
  'credit_notes/lines': { part: 'credit_note_line_item', owner: 'credit_note' },
  'checkout/sessions/line_items': { part: 'checkout_line_item', owner: 'checkout_session' },
};

const CHILD_PATH = /^\/v1\/(customers|charges|invoices|credit_notes|checkout\/sessions)\/([^/]+)\/([a-z_]+)$/;

export interface ListSettings {
  /** Whether `/v1/payment_methods` answers without a customer, which has differed between versions. */
  readonly paymentMethodsWithoutCustomer: () => boolean;
}

export function createLists(account: Account, parts: Parts, settings: ListSettings): AnswerList {
  const { tables } = account;
  const byPath = new Map(TABLE_NAMES.map((name) => [tables[name].resource.path, tables[name]]));
  const publicFilters = new Map(TABLE_NAMES.map((name) => [name, without(tables[name].resource.filters, FIXED[name])]));

  function tableList(
    name: TableName,
    query: URLSearchParams,
    url: string,
    fixed: Readonly<Record<string, string>>,
  ): ListAnswer {
    const table = tables[name];
    const params = parseListParams(query, without(publicFilters.get(name) ?? {}, fixed), table.resource.created);
    const customer = params.values.get('customer');
    if (customer !== undefined) requireCustomer(customer, 400, 'customer');
    const chosen = { ...withoutClocks(name, params.values, fixed), ...fixed };
    return { page: listTable(account, table, params, chosen), url, expand: params.expand };
  }

  function requireCustomer(id: string, status: 400 | 404, param: string): void {
    const table = tables.customer;
    if (table.rankOf(id) === undefined && !table.wasDeleted(id)) throw missing(status, 'customer', id, param);
  }

  function partList(
    part: PartName,
    ownerId: string,
    owner: TableName,
    query: URLSearchParams,
    url: string,
    filters: Record<string, Filter>,
  ): ListAnswer {
    const params = parseListParams(query, filters, false);
    const all = parts.of(part, ownerId);
    if (!all) throw missing(404, tables[owner].resource.object, ownerId, owner);
    return { page: pageOf(all, params, part), url, expand: params.expand };
  }

  function taxIds(query: URLSearchParams): ListAnswer {
    const rest = new URLSearchParams(query);
    const type = rest.get('owner[type]') ?? 'self';
    const customer = rest.get('owner[customer]');
    rest.delete('owner[type]');
    rest.delete('owner[customer]');
    if (type === 'self') return tableList('tax_id', rest, '/v1/tax_ids', { own: 'true' });
    if (customer === null)
      throw new StripeProblem(400, 'Missing required param: owner[customer].', {
        code: 'parameter_missing',
        param: 'owner[customer]',
      });
    requireCustomer(customer, 400, 'owner[customer]');
    return tableList('tax_id', rest, '/v1/tax_ids', { customer });
  }

  function invoicePayments(query: URLSearchParams): ListAnswer {
    const params = parseListParams(query, { invoice: {}, status: {} }, false);
    const id = params.values.get('invoice');
    if (id === undefined) throw unknownParameter('(list without invoice is not emulated)');
    const text = tables.invoice.readId(id);
    if (text === undefined) throw missing(400, 'invoice', id, 'invoice');
    const payment = invoicePaymentOf(account, JSON.parse(text) as StripeObject);
    return {
      page: pageOf(payment ? [payment] : [], params, 'invoice_payment'),
      url: '/v1/invoice_payments',
      expand: params.expand,
    };
  }

  return (path, query) => {
    const table = byPath.get(path);
    if (path === '/v1/tax_ids') return taxIds(query);
    if (path === '/v1/payment_methods' && !query.has('customer') && !settings.paymentMethodsWithoutCustomer()) {
      throw new StripeProblem(400, 'Missing required param: customer.', {
        code: 'parameter_missing',
        param: 'customer',
      });
    }
    if (table) return tableList(table.resource.table, query, path, FIXED[table.resource.table] ?? {});
    if (path === '/v1/subscription_items') {
      const owner = query.get('subscription');
      if (owner === null)
        throw new StripeProblem(400, 'Missing required param: subscription.', {
          code: 'parameter_missing',
          param: 'subscription',
        });
      if (tables.subscription.rankOf(owner) === undefined) throw missing(400, 'subscription', owner, 'subscription');
      return partList('subscription_item', owner, 'subscription', query, path, { subscription: {} });
    }
    if (path === '/v1/invoice_payments') return invoicePayments(query);
    const match = CHILD_PATH.exec(path);
    if (!match) return undefined;
    const [, owners, id = '', children] = match;
    const child = CHILDREN[`${owners}/${children}`];
    if (child) {
      if (child.owner === 'customer') requireCustomer(id, 404, 'customer');
      else if (tables[child.owner].rankOf(id) === undefined)
        throw missing(404, tables[child.owner].resource.object, id, child.owner);
      return tableList(child.table, query, path, { [child.by]: id });
    }
    const list = PART_LISTS[`${owners}/${children}`];
    return list && partList(list.part, id, list.owner, query, path, {});
  };
}

/**
 * Objects of test clocks are only listed where the clock or (beside customers) the customer is named.
 * https://docs.stripe.com/api/customers/list https://docs.stripe.com/api/subscriptions/list https://docs.stripe.com/api/quotes/list
 */
function withoutClocks(
  name: TableName,
  values: ReadonlyMap<string, string>,
  fixed: Readonly<Record<string, string>>,
): Record<string, string> {
  if (!['customer', 'subscription', 'quote'].includes(name)) return {};
  return values.has('test_clock') || values.has('customer') || 'customer' in fixed ? {} : { test_clock: '' };
}

function pageOf(all: readonly StripeObject[], params: ListParams, object: string): Page {
  const { chosen, hasMore } = pick(all, params, object);
  return pageOfTexts(chosen.map(asciiJson), hasMore);
}

function without(
  filters: Readonly<Record<string, Filter>>,
  names: Readonly<Record<string, unknown>> = {},
): Record<string, Filter> {
  return Object.fromEntries(Object.entries(filters).filter(([name]) => !(name in names)));
}
