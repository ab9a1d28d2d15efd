import type { Ink } from '../http/ink.ts';
import { hashText } from '../http/random.ts';
import { asciiJson } from '../http/shape.ts';
import type { Population } from './population.ts';
import type { Resource, StripeObject } from './resource.ts';

/** One row that differs from the population: changed, created since, or deleted (`text` undefined). */
interface Row {
  readonly id: string;
  readonly created: number;
  text: string | undefined;
}

/**
 * The objects of one resource: the population by position, and over it what has changed since.
 * New objects come after the population; the newest has the highest rank, and inside one second ranks do not
 * follow creation, as with Stripe.
 */
export interface Table {
  readonly resource: Resource;
  readonly living: number;
  /** Number of ranks; rank 0 is the oldest object. */
  readonly ranks: number;
  rankOf(id: string): number | undefined;
  idAt(rank: number): string | undefined;
  createdAt(rank: number): number;
  firstSince(seconds: number): number;
  /** JSON text (ASCII) of a living object as the API shows it. */
  read(rank: number): string | undefined;
  readId(id: string): string | undefined;
  exists(rank: number): boolean;
  /** Writes what `read` says. */
  write(ink: Ink, rank: number): void;
  /** True if the object is as at the beginning, so that its position tells everything. */
  untouched(rank: number): boolean;
  /** A copy to change: complete nested lists, references instead of copies. */
  stored(id: string): StripeObject | undefined;
  storedAt(rank: number): StripeObject | undefined;
  present(stored: StripeObject): StripeObject;
  put(object: StripeObject): void;
  remove(id: string): void;
  wasDeleted(id: string): boolean;
  /** From now on no list shows the object; its id still does. */
  unlist(id: string): void;
  isUnlisted(rank: number): boolean;
  nextId(): string;
  /** Position for ids of parts (subscription items, invoice lines). */
  positionOf(id: string): number | undefined;
  readonly touched: Iterable<string>;
  clear(): void;
}

export function createTable(population: Population, resource: Resource): Table {
  const base = population.size[resource.table];
  const codec = population.codec[resource.table];
  const timeline = population.timeline[resource.table];
  const changed = new Map<string, Row>();
  const unlisted = new Set<string>();
  let extras: Row[] = [];
  let counter = 0;
  let living = base;
  const present = resource.present ?? ((object: StripeObject) => object);

  function basePosition(id: string): number | undefined {
    const position = codec.positionOf(id);
    return position !== undefined && position < base ? position : undefined;
  }

  function firstExtraSince(seconds: number): number {
    let low = 0;
    let high = extras.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((extras[middle] as Row).created >= seconds) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  function insertExtra(row: Row): void {
    let at = extras.length;
    const key = hashText(7, row.id);
    while (at > 0) {
      const before = extras[at - 1] as Row;
      if (before.created < row.created || (before.created === row.created && hashText(7, before.id) <= key)) break;
      at--;
    }
    extras.splice(at, 0, row);
  }

  const rowAt = (rank: number): Row | undefined =>
    rank >= base ? extras[rank - base] : changed.size === 0 ? undefined : changed.get(codec.of(rank));

  const table: Table = {
    resource,
    get living() {
      return living;
    },
    get ranks() {
      return base + extras.length;
    },
    rankOf(id) {
      const row = changed.get(id);
      if (row?.text === undefined && row) return undefined;
      return basePosition(id) ?? (row ? base + extras.indexOf(row, firstExtraSince(row.created)) : undefined);
    },
    idAt: (rank) => (rank < base ? codec.of(rank) : extras[rank - base]?.id),
    createdAt: (rank) => (rank < base ? timeline.at(rank) : (extras[rank - base]?.created ?? Number.POSITIVE_INFINITY)),
    firstSince(seconds) {
      const first = timeline.firstSince(seconds);
      return first < base ? first : base + firstExtraSince(seconds);
    },
    read(rank) {
      const row = rowAt(rank);
      if (!row) return rank < base ? resource.write(rank) : undefined;
      if (row.text === undefined) return undefined;
      return resource.present ? asciiJson(present(JSON.parse(row.text) as StripeObject)) : row.text;
    },
    readId(id) {
      const rank = table.rankOf(id);
      return rank === undefined ? undefined : table.read(rank);
    },
    exists(rank) {
      const row = rowAt(rank);
      return row ? row.text !== undefined : rank < base;
    },
    write(ink, rank) {
      if (table.untouched(rank)) resource.write.into(ink, rank);
      else ink.ascii(table.read(rank) ?? '');
    },
    untouched: (rank) => rank < base && rowAt(rank) === undefined,
    stored(id) {
      const rank = table.rankOf(id);
      return rank === undefined ? undefined : table.storedAt(rank);
    },
    storedAt(rank) {
      const row = rowAt(rank);
      if (row) return row.text === undefined ? undefined : (JSON.parse(row.text) as StripeObject);
      if (rank >= base) return undefined;
      return resource.whole ? resource.whole(rank) : (JSON.parse(resource.write(rank)) as StripeObject);
    },
    present,
    put(object) {
      const row = changed.get(object.id);
      const text = asciiJson(object);
      if (row) {
        if (row.text === undefined) living++;
        row.text = text;
        return;
      }
      const fresh: Row = { id: object.id, created: object.created ?? Number(object['date'] ?? 0), text };
      changed.set(object.id, fresh);
      if (basePosition(object.id) !== undefined) return;
      insertExtra(fresh);
      living++;
    },
    remove(id) {
      const row = changed.get(id);
      if (row?.text === undefined && row) return;
      if (row) row.text = undefined;
      else changed.set(id, { id, created: 0, text: undefined });
      if (basePosition(id) === undefined) extras = extras.filter((extra) => extra.id !== id);
      living--;
    },
    wasDeleted: (id) => {
      const row = changed.get(id);
      return row !== undefined && row.text === undefined;
    },
    unlist: (id) => void unlisted.add(id),
    isUnlisted: (rank) => unlisted.size > 0 && unlisted.has(table.idAt(rank) ?? ''),
    nextId: () => codec.of(base + counter++),
    positionOf: (id) => codec.positionOf(id),
    get touched() {
      return changed.keys();
    },
    clear() {
      changed.clear();
      unlisted.clear();
      extras = [];
      counter = 0;
      living = base;
    },
  };
  return table;
}
