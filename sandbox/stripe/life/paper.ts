import { issueCreditNote } from '../operations/sales.ts';
import type { Happening, Life } from './life.ts';

export function paperLife({ c, step, on }: Life): readonly Happening[] {
  const createExtra = (customer: string) =>
    c.create('invoice_item', { customer, invoice: null, date: c.nowS(), description: `Extra ${step()}` });
  return [
    [1, () => on('customer', (o) => createExtra(o.id))],
    [
      1,
      () =>
        on(
          'invoice_item',
          (o) => c.remove('invoice_item', o.id),
          (o) => o['invoice'] === null,
        ),
    ],
    [
      1,
      () =>
        on(
          'invoice',
          (o) => issueCreditNote(c, o),
          (o) => o['status'] === 'paid',
        ),
    ],
    [
      1,
      () =>
        on(
          'quote',
          (o) => c.update('quote', o.id, { status: 'accepted' }, ['quote.accepted']),
          (o) => o['status'] === 'open',
        ),
    ],
    [1, () => on('customer', (o) => c.create('quote', { customer: o.id, status: 'draft', number: null }))],
  ];
}
