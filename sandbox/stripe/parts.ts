import type { Account } from './account.ts';
import type { PartName, TableName } from './population.ts';
import type { StripeObject } from './resource.ts';
import { checkoutLine, checkoutLineCount } from './resources/checkout.ts';
import { lineCount } from './resources/invoice.ts';
import type { NestedList } from './resources/nested-list.ts';
import { itemCount } from './resources/subscription.ts';

/** Objects that live inside another one: subscription items, lines of invoices, checkouts and credit notes. */
export interface Parts {
  /** All of an owner's parts as the API shows them; `undefined` if there is no such owner. */
  of(part: PartName, ownerId: string): StripeObject[] | undefined;
  find(part: PartName, id: string): StripeObject | undefined;
  ownerIdOf(part: PartName, id: string): string | undefined;
  count(part: PartName): number;
  each(part: PartName): Iterable<StripeObject>;
}

export const PART_OWNERS: Readonly<Record<PartName, { table: TableName; list: string }>> = {
  subscription_item: { table: 'subscription', list: 'items' },
  invoice_line_item: { table: 'invoice', list: 'lines' },
  checkout_line_item: { table: 'checkout_session', list: 'line_items' },
  credit_note_line_item: { table: 'credit_note', list: 'lines' },
};

export function createParts(account: Account): Parts {
  const { world, tables, population } = account;
  const writeCheckoutLine = checkoutLine(world);
  const baseCounts: Partial<Record<PartName, number>> = {};
  const countAt: Record<PartName, (position: number) => number> = {
    subscription_item: (i) => itemCount(world, i),
    invoice_line_item: (i) => lineCount(world, i),
    checkout_line_item: (i) => checkoutLineCount(world, i),
    credit_note_line_item: () => 1,
  };

  function partsAt(part: PartName, rank: number): StripeObject[] | undefined {
    const { table, list } = PART_OWNERS[part];
    const owner = tables[table].storedAt(rank);
    if (!owner) return undefined;
    const stored = owner[list] as NestedList | undefined;
    if (stored) return part === 'subscription_item' ? stored.data.map(present) : stored.data;
    return Array.from(
      { length: countAt[part](rank) },
      (_, place) => JSON.parse(writeCheckoutLine({ i: rank, place })) as StripeObject,
    );
  }

  function present(item: StripeObject): StripeObject {
    const find = (table: 'price' | 'plan') =>
      JSON.parse(tables[table].readId(String(item['price'])) ?? 'null') as StripeObject | null;
    return { ...item, price: find('price'), plan: find('plan') };
  }

  const parts: Parts = {
    of(part, ownerId) {
      const rank = tables[PART_OWNERS[part].table].rankOf(ownerId);
      return rank === undefined ? undefined : partsAt(part, rank);
    },
    ownerIdOf(part, id) {
      const position = population.ownerOf(part, id);
      return position === undefined ? undefined : population.codec[PART_OWNERS[part].table].of(position);
    },
    find(part, id) {
      const owner = parts.ownerIdOf(part, id);
      return owner === undefined ? undefined : parts.of(part, owner)?.find((element) => element.id === id);
    },
    count(part) {
      const table = tables[PART_OWNERS[part].table];
      const size = population.size[PART_OWNERS[part].table];
      let total = baseCounts[part];
      if (total === undefined) {
        total = 0;
        for (let i = 0; i < size; i++) total += countAt[part](i);
        baseCounts[part] = total;
      }
      for (const id of table.touched) {
        const position = table.positionOf(id);
        if (position !== undefined && position < size) total -= countAt[part](position);
        total += parts.of(part, id)?.length ?? 0;
      }
      return total;
    },
    *each(part) {
      const table = tables[PART_OWNERS[part].table];
      for (let rank = 0; rank < table.ranks; rank++) yield* partsAt(part, rank) ?? [];
    },
  };
  return parts;
}
