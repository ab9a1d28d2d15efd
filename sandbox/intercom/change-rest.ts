import type { Notice } from './notification.ts';
import { companyObjectOf } from './shape/company.ts';
import { TICKET_STATES, ticketOf, ticketStateOf } from './shape/ticket.ts';
import { type Attributes, DELETED } from './state/table.ts';
import type { World } from './state/world.ts';

/** Companies, tickets and articles. Articles change in silence: there is no topic for them. */
export function createCompany(
  world: World,
  attributes: Attributes,
): { readonly company: number; readonly notices: Notice[] } {
  const company = world.companies.add(world.nowSecond(), attributes);
  world.userCounts[company] = 0;
  return { company, notices: [{ topic: 'company.created', item: companyObjectOf(world, company) }] };
}

export function updateCompany(world: World, company: number, attributes: Attributes): Notice[] {
  world.companies.change(company, world.nowSecond(), attributes);
  return [{ topic: 'company.updated', item: companyObjectOf(world, company) }];
}

export function deleteCompany(world: World, company: number): Notice[] {
  const { id, company_id } = companyObjectOf(world, company);
  world.companies.setState(company, DELETED, world.nowSecond());
  return [{ topic: 'company.deleted', item: { type: 'company', id, company_id } }];
}

export function createTicket(
  world: World,
  title: string,
  minorVersion: number,
): { readonly ticket: number; readonly notices: Notice[] } {
  const ticket = world.tickets.add(world.nowSecond(), { title, state: 0 });
  return { ticket, notices: [{ topic: 'ticket.created', item: ticketItem(world, ticket, minorVersion) }] };
}

export function moveTicket(world: World, ticket: number, minorVersion: number): Notice[] {
  const { moves } = world.tickets.changes(ticket);
  const next = (ticketStateOf(world, ticket) + 1) % TICKET_STATES.length;
  world.tickets.change(ticket, world.nowSecond(), { state: next, moves: (typeof moves === 'number' ? moves : 0) + 1 });
  return [{ topic: 'ticket.state.updated', item: ticketItem(world, ticket, minorVersion) }];
}

export function updateArticle(world: World, article: number, title: string): Notice[] {
  world.articles.change(article, world.nowSecond(), { title });
  return [];
}

export function deleteArticle(world: World, article: number): Notice[] {
  world.articles.setState(article, DELETED, world.nowSecond());
  return [];
}

function ticketItem(world: World, ticket: number, minorVersion: number): Record<string, unknown> {
  const { ticket_parts: _parts, linked_objects: _linked, ...item } = ticketOf(world, ticket, minorVersion);
  return item;
}
