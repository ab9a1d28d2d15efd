import { HttpError } from '../http-error.ts';
import { isObject } from '../shape/contact.ts';
import type { OrderIndex } from '../state/order-index.ts';
import type { Table } from '../state/table.ts';
import { type Cursor, type PageSize, pagesOf, parseCursor, parsePerPage } from './cursor.ts';
import type { Calendar } from './day.ts';
import { boundsOf, createMatcher, isOnlyAbout } from './matcher.ts';
import { type FieldType, parseQuery, type Query } from './query.ts';

/** What a search needs to know of a resource. */
export interface Searchable {
  readonly table: Table;
  /** Objects by (updated_at, index): the table's own, or an index that lags behind it. */
  readonly byUpdated: OrderIndex;
  readonly defaultSort: 'created_at' | 'updated_at';
  readonly pageSize: PageSize;
  readonly calendar?: Calendar;
  fieldType(field: string): FieldType | undefined;
  updatedAt(index: number): number | undefined;
  object(index: number): Record<string, unknown>;
  /** Attributes that are cheap to read or named otherwise than in the object. */
  read?(index: number, field: string): unknown;
}

export interface Found {
  readonly objects: readonly number[];
  readonly total: number;
  readonly pages: Record<string, unknown>;
}

export function search(target: Searchable, body: unknown): Found {
  if (!isObject(body)) throw new HttpError(400, 'bad_request', 'The body must be a JSON object');
  const query = parseQuery(body['query'], (field) => target.fieldType(field));
  const paging = isObject(body['pagination']) ? body['pagination'] : {};
  const perPage = parsePerPage(paging['per_page'], target.pageSize);
  const after = typeof paging['starting_after'] === 'string' ? parseCursor(paging['starting_after']) : undefined;
  const sort = parseSort(body['sort'], target.defaultSort);
  if (sort.field === 'updated_at' && isOnlyAbout(query, 'updated_at'))
    return slice(target, query, sort, after, perPage);
  const matches = matcherOf(target, query);
  const key = (index: number): number =>
    sort.field === 'updated_at' ? (target.updatedAt(index) ?? 0) : target.table.createdAt(index);

  const objects: number[] = [];
  let total = 0;
  let last: Cursor | undefined;
  let more = false;
  for (const index of candidates(target, query, sort)) {
    if (!matches(index)) continue;
    total += 1;
    if (after && !comesAfter(key(index), index, after, sort.descending)) continue;
    if (objects.length < perPage) {
      objects.push(index);
      last = { second: key(index), index, page: (after?.page ?? 1) + 1 };
    } else more = true;
  }
  return { objects, total, pages: pagesOf(after?.page ?? 1, perPage, total, more ? last : undefined) };
}

/** A search by time alone is a piece of the index: O(page), however large the workspace. */
function slice(target: Searchable, query: Query, sort: Sort, after: Cursor | undefined, perPage: number): Found {
  const { byUpdated, table } = target;
  const { from, to } = boundsOf(query, 'updated_at', target.calendar);
  const first = byUpdated.rank(from, 0);
  const end = Math.max(first, to === Number.POSITIVE_INFINITY ? byUpdated.size : byUpdated.rank(to, 0));
  let low = first;
  let high = end;
  if (after && sort.descending) high = Math.min(high, byUpdated.rank(after.second, after.index));
  if (after && !sort.descending) low = Math.max(low, byUpdated.rank(after.second, after.index + 1));
  const objects: number[] = [];
  let last: Cursor | undefined;
  while (low < high && objects.length < perPage) {
    const { second, id } = byUpdated.at(sort.descending ? --high : low++);
    if (!table.isLive(id)) continue;
    objects.push(id);
    last = { second, index: id, page: (after?.page ?? 1) + 1 };
  }
  const total = end - first;
  return { objects, total, pages: pagesOf(after?.page ?? 1, perPage, total, low < high ? last : undefined) };
}

function matcherOf(target: Searchable, query: Query): (index: number) => boolean {
  const matches = createMatcher(
    query,
    (index, field) => {
      if (field === 'updated_at') return target.updatedAt(index);
      if (field === 'created_at') return target.table.createdAt(index);
      if (field === 'id') return String(target.object(index)['id']);
      const own = target.read?.(index, field);
      if (own !== undefined) return own;
      return field
        .split('.')
        .reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), target.object(index));
    },
    target.calendar,
  );
  return (index) => target.table.isLive(index) && matches(index);
}

/** In the order of the sort; a bound on updated_at saves the rest from being looked at. */
function* candidates(target: Searchable, query: Query, sort: Sort): Iterable<number> {
  if (sort.field === 'created_at') {
    const { from, to } = boundsOf(query, 'created_at', target.calendar);
    const { table } = target;
    for (let i = 0; i < table.length; i += 1) {
      const index = sort.descending ? table.length - 1 - i : i;
      const at = table.createdAt(index);
      if (target.updatedAt(index) !== undefined && at >= from && at < to) yield index;
    }
    return;
  }
  const { from, to } = boundsOf(query, 'updated_at', target.calendar);
  const first = target.byUpdated.rank(from, 0);
  const end = to === Number.POSITIVE_INFINITY ? target.byUpdated.size : target.byUpdated.rank(to, 0);
  for (let i = first; i < end; i += 1) yield target.byUpdated.at(sort.descending ? end - 1 - (i - first) : i).id;
}

interface Sort {
  readonly field: 'created_at' | 'updated_at';
  readonly descending: boolean;
}

function parseSort(value: unknown, fallback: 'created_at' | 'updated_at'): Sort {
  if (value === undefined || value === null) return { field: fallback, descending: true };
  if (!isObject(value)) throw new HttpError(400, 'parameter_invalid', 'sort must be an object');
  const field = value['field'] ?? fallback;
  if (field !== 'created_at' && field !== 'updated_at')
    throw new HttpError(400, 'parameter_invalid', `Cannot sort by ${String(field)}`);
  const order = value['order'] ?? 'descending';
  if (order !== 'ascending' && order !== 'descending')
    throw new HttpError(400, 'parameter_invalid', 'order must be ascending or descending');
  return { field, descending: order === 'descending' };
}

function comesAfter(second: number, index: number, after: Cursor, descending: boolean): boolean {
  if (second !== after.second) return descending ? second < after.second : second > after.second;
  return descending ? index < after.index : index > after.index;
}
