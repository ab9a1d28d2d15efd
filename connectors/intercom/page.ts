import type { Position, ProviderRequest, Resource } from '../../src/kit/index.ts';

/** No local day is longer than 25 hours; one more for good measure. */
const LONGEST_DAY_SECONDS = 26 * 3_600;

/** The request of one page. What a page's size is differs by endpoint and changed over time, so it is always sent. */
export function page(resource: Resource, position: Position): ProviderRequest {
  const { list } = resource;
  if (list === undefined) throw new Error(`Intercom's ${resource.name} has no list`);
  if (list.next.style === 'scroll') return { path: list.path, query: { scroll_param: position.cursor } };
  if (position.since !== undefined && resource.incremental.by === 'search')
    return changedSince(resource, position, position.since);
  if (list.method === 'POST') return createdWithin(list.path, position);
  if (list.next.style === 'none') return { path: list.path, query: { ...list.query } };
  const query = list.next.style === 'page' ? { page: position.cursor ?? 1 } : { starting_after: position.cursor };
  return { path: list.path, query: { ...list.query, per_page: position.limit, ...query } };
}

/**
 * What changed since a moment, oldest change first: an object that changes while we page moves ahead of the cursor.
 *
 * Contacts are searched by whole days of the workspace's timezone, and "after" means after that day has ended, so
 * the question is put more than one day earlier: whatever the timezone, the day of `since` is then included.
 */
function changedSince(resource: Resource, position: Position, sinceMs: number): ProviderRequest {
  const since = Math.floor(sinceMs / 1000);
  const path = resource.list?.method === 'POST' ? resource.list.path : `${resource.list?.path}/search`;
  const after = path === '/contacts/search' ? since - LONGEST_DAY_SECONDS : since - 1;
  return search(path, position, condition('updated_at', '>', Math.max(0, after)), {
    field: 'updated_at',
    order: 'ascending',
  });
}

/** All of them, or those created in [from, to), newest first: their order never changes. */
function createdWithin(path: string, position: Position): ProviderRequest {
  const { from, to } = position;
  const since = condition('created_at', '>', Math.max(0, (from ?? 1) - 1));
  const query = to === undefined ? since : { operator: 'AND', value: [since, condition('created_at', '<', to)] };
  return search(path, position, query, { field: 'created_at', order: 'descending' });
}

function search(
  path: string,
  position: Position,
  query: unknown,
  sort: { readonly field: string; readonly order: string },
): ProviderRequest {
  const after = position.cursor === undefined ? {} : { starting_after: position.cursor };
  return { method: 'POST', path, body: { query, sort, pagination: { per_page: position.limit, ...after } } };
}

function condition(
  field: string,
  operator: '>' | '<',
  value: number,
): { field: string; operator: string; value: number } {
  return { field, operator, value };
}
