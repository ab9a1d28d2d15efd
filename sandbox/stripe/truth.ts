import type { SandboxProvider } from '../http/provider.ts';
import type { Account } from './account.ts';
import type { Parts } from './parts.ts';
import { type PartName, TABLE_NAMES, type TableName } from './population.ts';

const PARTS = ['subscription_item', 'invoice_line_item', 'checkout_line_item'] as const satisfies readonly PartName[];

/**
 * Every object that exists (`existing`: what a mirror holds that has heard of every change), or only those that some
 * list shows (`listed`: what a reader finds who comes now). They differ in detached cards: no list shows them.
 */
export function createTruth(
  account: Account,
  parts: Parts,
  scope: () => 'existing' | 'listed',
): Required<Pick<SandboxProvider, 'counts' | 'objects' | 'ids'>> {
  const { tables } = account;
  const isPart = (resource: string): resource is (typeof PARTS)[number] =>
    (PARTS as readonly string[]).includes(resource);

  const shown = (table: TableName, text: string) =>
    table !== 'payment_method' || scope() === 'existing' || !text.includes('"customer":null,');

  function* ofTable(name: TableName): Iterable<{ id: string; json: string }> {
    const table = tables[name];
    for (let rank = 0; rank < table.ranks; rank++) {
      const json = table.read(rank);
      if (json !== undefined && shown(name, json)) yield { id: table.idAt(rank) as string, json };
    }
  }

  function countOf(name: TableName): number {
    const table = tables[name];
    if (name !== 'payment_method') return table.living;
    let hidden = 0;
    for (const id of table.touched) {
      const text = table.readId(id);
      if (text !== undefined && !shown(name, text)) hidden++;
    }
    return table.living - hidden;
  }

  return {
    counts: () =>
      Object.fromEntries([
        ...TABLE_NAMES.map((name) => [name, countOf(name)] as const),
        ...PARTS.map((name) => [name, parts.count(name)] as const),
      ]),
    *objects(resource) {
      if (isPart(resource)) for (const part of parts.each(resource)) yield { id: part.id, json: JSON.stringify(part) };
      else yield* ofTable(resource as TableName);
    },
    *ids(resource) {
      if (isPart(resource)) {
        for (const part of parts.each(resource)) yield part.id;
        return;
      }
      const table = tables[resource as TableName];
      for (let rank = 0; rank < table.ranks; rank++) {
        const id = table.idAt(rank) as string;
        if (table.untouched(rank)) yield id;
        else {
          const text = table.read(rank);
          if (text !== undefined && shown(resource as TableName, text)) yield id;
        }
      }
    },
  };
}
