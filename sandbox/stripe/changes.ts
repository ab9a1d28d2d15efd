import type { Account } from './account.ts';
import type { Announcer } from './announce.ts';
import { missing } from './errors.ts';
import type { TableName } from './population.ts';
import type { StripeObject } from './resource.ts';

/** The only way in which objects change: the table and the event log move together. */
export interface Changes {
  readonly account: Account;
  nowS(): number;
  /** A living object, whole and free to change. */
  get(table: TableName, id: string): StripeObject;
  /** A new object that resembles one of the population, with these fields instead. */
  create(table: TableName, fields: Readonly<Record<string, unknown>>, events?: readonly string[]): StripeObject;
  /** Changes fields; `events` default to `<prefix>.updated`. Nothing is announced when nothing changed. */
  update(
    table: TableName,
    id: string,
    fields: Readonly<Record<string, unknown>>,
    events?: readonly string[],
  ): StripeObject;
  remove(table: TableName, id: string, event?: string): void;
  /** Tells the world about an object without changing it. */
  announce(table: TableName, id: string, type: string): void;
}

export function createChanges(account: Account, announcer: Announcer, nowMs: () => number): Changes {
  const { tables, population } = account;
  const nowS = () => Math.floor(nowMs() / 1000);
  let created = 0;

  function typesOf(table: TableName, verb: string, events: readonly string[] | undefined): readonly string[] {
    const prefix = tables[table].resource.events;
    return events ?? (prefix === undefined ? [] : [`${prefix}.${verb}`]);
  }

  const changes: Changes = {
    account,
    nowS,
    get(table, id) {
      const object = tables[table].stored(id);
      if (!object) throw missing(404, tables[table].resource.object, id, table);
      return object;
    },
    create(table, fields, events) {
      const { resource } = tables[table];
      const model = population.random(created++, 900) % population.size[table];
      const like = resource.whole?.(model) ?? (JSON.parse(resource.write(model)) as StripeObject);
      const object: StripeObject = {
        ...like,
        id: tables[table].nextId(),
        ['created' in like ? 'created' : 'date']: nowS(),
        ...fields,
      };
      tables[table].put(object);
      for (const type of typesOf(table, 'created', events)) announcer.announce(type, tables[table].present(object));
      return object;
    },
    update(table, id, fields, events) {
      const before = changes.get(table, id);
      const changed = Object.entries(fields).filter(
        ([key, value]) => JSON.stringify(before[key]) !== JSON.stringify(value),
      );
      if (changed.length === 0) return before;
      const shownBefore = tables[table].present(before);
      const after: StripeObject = { ...before, ...Object.fromEntries(changed) };
      tables[table].put(after);
      const previous = Object.fromEntries(
        changed
          .filter(([key]) => !key.startsWith('$'))
          .map(([key, value]) => [key, previousOf(shownBefore[key], value)]),
      );
      const shown = tables[table].present(after);
      for (const type of typesOf(table, 'updated', events))
        announcer.announce(type, shown, type.endsWith('.updated') ? previous : undefined);
      return after;
    },
    remove(table, id, event) {
      const object = changes.get(table, id);
      const shown = tables[table].present(object);
      tables[table].remove(id);
      for (const type of typesOf(table, 'deleted', event === undefined ? undefined : [event]))
        announcer.announce(type, shown);
    },
    announce(table, id, type) {
      announcer.announce(type, tables[table].present(changes.get(table, id)));
    },
  };
  return changes;
}

/** Of a hash only the keys that changed (`null` where there was none), of anything else the whole. */
function previousOf(before: unknown, after: unknown): unknown {
  if (!isHash(before) || !isHash(after)) return before ?? null;
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return Object.fromEntries(
    keys
      .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
      .map((key) => [key, before[key] ?? null]),
  );
}

function isHash(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && !('object' in value);
}
