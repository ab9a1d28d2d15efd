import { notFound } from '../http-error.ts';
import { search } from '../search/search.ts';
import { isObject } from '../shape/contact.ts';
import { ticketOf, writeTicket } from '../shape/ticket.ts';
import { parseBody, type Route, type RouteCall } from './route.ts';
import { ticketFieldType } from './search-fields.ts';
import { writtenList } from './written-list.ts';

const PAGE_SIZE = { fallback: 20, max: 150 };

/** https://developers.intercom.com/docs/references/rest-api/api.intercom.io/tickets */
export const ticketRoutes: readonly Route[] = [
  ['POST', '/tickets/search', searchTickets],
  ['GET', '/tickets/:id', retrieve],
];

function searchTickets(call: RouteCall): unknown {
  const { world, minorVersion } = call;
  const { tickets } = world;
  const found = search(
    {
      table: tickets,
      byUpdated: tickets.byUpdated,
      defaultSort: 'updated_at',
      pageSize: PAGE_SIZE,
      fieldType: ticketFieldType,
      updatedAt: (index) => tickets.updatedAt(index),
      object: (index) => ticketOf(world, index, minorVersion),
      read: (index, field) => readTicket(ticketOf(world, index, 14), field),
    },
    parseBody(call),
  );
  return writtenList(
    (list) => ({ type: 'ticket.list', tickets: list, total_count: found.total, pages: found.pages }),
    found.objects,
    (ink, index) => writeTicket(world, ink, index, minorVersion),
  );
}

function retrieve({ world, params, minorVersion }: RouteCall): unknown {
  const index = world.ids.ticket.indexOf(params['id'] ?? '');
  if (index === undefined || !world.tickets.isLive(index)) throw notFound('Ticket not found');
  return ticketOf(world, index, minorVersion);
}

function readTicket(ticket: Record<string, unknown>, field: string): unknown {
  const inside = (name: string, key: string): unknown => (isObject(ticket[name]) ? ticket[name][key] : undefined);
  if (field === 'state') return inside('ticket_state', 'category');
  if (field === 'ticket_type_id') return inside('ticket_type', 'id');
  if (field === 'title') return inside('ticket_attributes', '_default_title_');
  if (field === 'contact_ids') {
    const contacts = inside('contacts', 'contacts');
    return Array.isArray(contacts)
      ? contacts.map((contact: unknown) => (isObject(contact) ? contact['id'] : undefined))
      : [];
  }
  return undefined;
}
