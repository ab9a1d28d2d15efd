import type { Account } from './account.ts';
import { missing } from './errors.ts';
import type { Parts } from './parts.ts';
import { type PartName, TABLE_NAMES } from './population.ts';

const PART_PATHS: readonly [RegExp, PartName][] = [[/^\/v1\/subscription_items\/([^/]+)$/, 'subscription_item']];
/** `/v1/customers/:id/tax_ids/:id` and the like: the second id is what is asked for. */
const NESTED = /^\/v1\/customers\/[^/]+\/(tax_ids|payment_methods)\/([^/]+)$/;

/** JSON text of one object by its path; `undefined` for a path that Stripe does not have. */
export function createRetrieve(account: Account, parts: Parts): (path: string) => string | undefined {
  const { tables } = account;
  const byPath = new Map(TABLE_NAMES.map((name) => [tables[name].resource.path, tables[name]]));

  return (path) => {
    for (const [pattern, part] of PART_PATHS) {
      const id = pattern.exec(path)?.[1];
      if (id === undefined) continue;
      const found = parts.find(part, id);
      if (!found) throw missing(404, part, id);
      return JSON.stringify(found);
    }
    const nested = NESTED.exec(path);
    const slash = path.lastIndexOf('/');
    const table = byPath.get(nested ? `/v1/${nested[1]}` : path.slice(0, slash));
    if (!table) return undefined;
    const id = path.slice(slash + 1);
    const text = table.readId(id);
    if (text !== undefined) return text;
    if (table.resource.table === 'customer' && table.wasDeleted(id))
      return `{"id":"${id}","object":"customer","deleted":true}`;
    throw missing(404, table.resource.object, id);
  };
}
