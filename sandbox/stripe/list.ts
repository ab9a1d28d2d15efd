import type { Ink } from '../http/ink.ts';
import type { Account } from './account.ts';
import { cursorOf } from './list-cursor.ts';
import type { ListParams, Range } from './list-params.ts';
import type { TableName } from './population.ts';
import type { Filter, StripeObject } from './resource.ts';
import type { Table } from './table.ts';

export interface Page {
  readonly hasMore: boolean;
  /** JSON texts, newest first. */
  texts(): string[];
  /** The same, with commas between them. */
  write(ink: Ink): void;
}

const COMMA = 44;

export function pageOfTexts(texts: string[], hasMore: boolean): Page {
  return { hasMore, texts: () => texts, write: (ink) => ink.ascii(texts.join(',')) };
}

function pageOfRanks(table: Table, ranks: readonly number[], hasMore: boolean): Page {
  return {
    hasMore,
    texts: () => ranks.map((rank) => table.read(rank) as string),
    write(ink) {
      for (let i = 0; i < ranks.length; i++) {
        if (i > 0) ink.byte(COMMA);
        table.write(ink, ranks[i] as number);
      }
    },
  };
}

/** Stages between an object and a distant owner; `charge` belongs to `customer` through these. */
const THROUGH: Partial<Record<TableName, readonly TableName[]>> = {
  invoice: ['subscription'],
  subscription_schedule: ['subscription'],
  invoice_item: ['subscription', 'invoice'],
  payment_intent: ['subscription', 'invoice'],
  charge: ['subscription', 'invoice'],
  credit_note: ['subscription', 'invoice'],
};

/** One page of a table, read in time proportional to the page where the filters allow it. */
export function listTable(
  account: Account,
  table: Table,
  params: ListParams,
  fixed: Readonly<Record<string, string>> = {},
): Page {
  const { resource } = table;
  const values = new Map<string, string>([
    ...Object.entries(resource.defaults ?? {}),
    ...params.values,
    ...Object.entries(fixed),
  ]);
  const matches = matcher(table, values, params.ranges);

  let low = params.created ? table.firstSince(params.created.from) : 0;
  let high = params.created ? table.firstSince(params.created.to) : table.ranks;
  const cursor = cursorOf(params, resource.object, (id) => {
    const rank = table.rankOf(id);
    const unnamed = Object.entries(resource.defaults ?? {}).filter(([name]) => !params.values.has(name));
    const visible = matcher(table, new Map(unnamed), new Map());
    return rank === undefined || visible?.(rank) === false ? undefined : rank;
  });
  const backward = cursor?.backward ?? false;
  if (cursor?.backward) low = Math.max(low, cursor.place + 1);
  else if (cursor) high = Math.min(high, cursor.place);

  const found: number[] = [];
  const page = (hasMore: boolean) => pageOfRanks(table, backward ? found.reverse() : found, hasMore);
  const windows = windowsOf(account, table, values)
    .map(([from, to]) => [Math.max(from, low), Math.min(to, high)] as const)
    .filter(([from, to]) => from < to);
  if (!backward) windows.reverse();
  for (const [from, to] of windows) {
    for (let rank = backward ? from : to - 1; rank >= from && rank < to; rank += backward ? 1 : -1) {
      if (matches && !matches(rank)) continue;
      if (!table.exists(rank) || table.isUnlisted(rank)) continue;
      if (found.length === params.limit) return page(true);
      found.push(rank);
    }
  }
  return page(false);
}

/** Rank ranges, ascending, that can hold matches: children of a parent lie together, new objects at the end. */
function windowsOf(account: Account, table: Table, values: ReadonlyMap<string, string>): (readonly [number, number])[] {
  const { population } = account;
  const name = table.resource.table;
  const base = population.size[name];
  for (const [field, value] of values) {
    const parent = table.resource.filters[field]?.parent;
    if (!parent) continue;
    const position = population.codec[parent].positionOf(value);
    if (position === undefined || position >= population.size[parent]) return [[base, table.ranks]];
    let from = position;
    let to = position + 1;
    let at = parent;
    const stages = THROUGH[name] ?? [];
    const above = parent === 'customer' ? 0 : stages.includes(parent) ? stages.indexOf(parent) + 1 : stages.length;
    for (const stage of [...stages.slice(above), name]) {
      from = Math.ceil((from * population.size[stage]) / population.size[at]);
      to = Math.ceil((to * population.size[stage]) / population.size[at]);
      at = stage;
    }
    return [
      [from, to],
      [base, table.ranks],
    ];
  }
  return [[0, table.ranks]];
}

function matcher(
  table: Table,
  values: ReadonlyMap<string, string>,
  ranges: ReadonlyMap<string, Range>,
): ((rank: number) => boolean) | undefined {
  if (values.size === 0 && ranges.size === 0) return undefined;
  const { filters } = table.resource;
  const checks = [...values].map(([name, value]) => ({ name, value, filter: filters[name] ?? {} }));
  const quick = checks.filter(({ filter }) => filter.base);
  const slow = checks.filter(({ filter }) => !filter.base);
  return (rank) => {
    const untouched = table.untouched(rank);
    if (untouched && !quick.every(({ filter, value }) => filter.base?.(rank, value))) return false;
    if (untouched && slow.length === 0 && ranges.size === 0) return true;
    const text = table.read(rank);
    if (text === undefined) return false;
    const object = JSON.parse(text) as StripeObject;
    const left = untouched ? slow : checks;
    return (
      left.every(({ filter, name, value }) => holds(filter, name, object, value)) &&
      [...ranges].every(([name, range]) => lies(filters[name]?.number?.(object) ?? object[name], range))
    );
  };
}

const lies = (field: unknown, range: Range) => typeof field === 'number' && field >= range.from && field < range.to;

function holds(filter: Filter, name: string, object: StripeObject, value: string): boolean {
  if (filter.stored) return filter.stored(object, value);
  const field = object[name];
  return (field === null || field === undefined ? '' : String(field)) === value;
}
