import { createOrderIndex, type OrderIndex } from './order-index.ts';
import type { Table } from './table.ts';

/**
 * The search index of contacts, which the documentation allows to be minutes behind the contacts themselves.
 * Changes wait in a queue until they are older than the lag.
 */
export interface ContactIndex {
  /** Contacts by (updated_at as the index knows it, index). */
  readonly order: OrderIndex;
  indexedAt(contact: number): number | undefined;
  changed(contact: number, atMs: number): void;
  /** Takes over every change made before this instant. */
  catchUp(untilMs: number): void;
}

export function createContactIndex(contacts: Table): ContactIndex {
  const moved = new Map<number, number | undefined>();
  const waiting: { readonly contact: number; readonly atMs: number }[] = [];
  const initial = contacts.length;
  const base = (contact: number): number | undefined => (contact < initial ? startedAt[contact] : undefined);
  const startedAt = Uint32Array.from({ length: initial }, (_, contact) => contacts.updatedAt(contact));
  const order = createOrderIndex(entries(), initial);

  function* entries(): Iterable<readonly [number, number]> {
    for (let contact = 0; contact < initial; contact += 1) yield [contacts.updatedAt(contact), contact];
  }
  const indexedAt = (contact: number): number | undefined => (moved.has(contact) ? moved.get(contact) : base(contact));

  return {
    order,
    indexedAt,
    changed: (contact, atMs) => void waiting.push({ contact, atMs }),
    catchUp(untilMs) {
      let taken = 0;
      for (const { contact, atMs } of waiting) {
        if (atMs > untilMs) break;
        taken += 1;
        const known = indexedAt(contact);
        if (known !== undefined) order.remove(known, contact);
        const current = contacts.isLive(contact) ? contacts.updatedAt(contact) : undefined;
        if (current !== undefined) order.insert(current, contact);
        moved.set(contact, current);
      }
      waiting.splice(0, taken);
    },
  };
}
