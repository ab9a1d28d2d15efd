import { articleWithStatisticsOf } from './shape/article.ts';
import { companyObjectOf } from './shape/company.ts';
import { contactOf } from './shape/contact.ts';
import { conversationWithPartsOf, partIdOf, partOf } from './shape/conversation.ts';
import { ticketOf } from './shape/ticket.ts';
import { adminOf, segmentOf, tagOf, teamOf } from './shape/workspace.ts';
import type { IdScheme } from './state/ids.ts';
import type { Table } from './state/table.ts';
import type { World } from './state/world.ts';

/** What a complete reader of the API would hold right now; archived contacts are in no list and not in here. */
export function countsOf(world: World): Record<string, number> {
  const { size } = world;
  return {
    company: world.companies.liveCount,
    contact: world.contacts.liveCount,
    admin: size.admins,
    team: size.teams,
    tag: size.tags,
    segment: size.segments,
    conversation: world.conversations.liveCount,
    conversation_part: world.parts.shownTotal(),
    ticket: world.tickets.liveCount,
    article: world.articles.liveCount,
  };
}

export interface Truth {
  readonly id: string;
  readonly json: string;
}

export function* objectsOf(world: World, resource: string, minorVersion: number): Iterable<Truth> {
  for (const { id, make } of entriesOf(world, resource, minorVersion)) yield { id, json: JSON.stringify(make()) };
}

export function* idsOf(world: World, resource: string): Iterable<string> {
  for (const { id } of entriesOf(world, resource, 14)) yield id;
}

interface Entry {
  readonly id: string;
  make(): unknown;
}

function entriesOf(world: World, resource: string, minorVersion: number): Iterable<Entry> {
  const { ids, size } = world;
  switch (resource) {
    case 'company':
      return live(world.companies, ids.company, (i) => companyObjectOf(world, i));
    case 'contact':
      return live(world.contacts, ids.contact, (i) => contactOf(world, i));
    case 'conversation':
      return live(world.conversations, ids.conversation, (i) => conversationWithPartsOf(world, i));
    case 'conversation_part':
      return parts(world);
    case 'ticket':
      return live(world.tickets, ids.ticket, (i) => ticketOf(world, i, minorVersion));
    case 'article':
      return live(world.articles, ids.article, (i) => articleWithStatisticsOf(world, i));
    case 'admin':
      return fixed(size.admins, ids.admin, (i) => adminOf(world, i));
    case 'team':
      return fixed(size.teams, ids.team, (i) => teamOf(world, i));
    case 'tag':
      return fixed(size.tags, ids.tag, (i) => tagOf(world, i));
    case 'segment':
      return fixed(size.segments, ids.segment, (i) => segmentOf(world, i));
    default:
      return [];
  }
}

function* live(table: Table, ids: IdScheme, make: (index: number) => unknown): Iterable<Entry> {
  for (let i = 0; i < table.length; i += 1) if (table.isLive(i)) yield { id: ids.of(i), make: () => make(i) };
}

function* fixed(count: number, ids: IdScheme, make: (index: number) => unknown): Iterable<Entry> {
  for (let i = 0; i < count; i += 1) yield { id: ids.of(i), make: () => make(i) };
}

function* parts(world: World): Iterable<Entry> {
  for (let i = 0; i < world.conversations.length; i += 1) {
    if (!world.conversations.isLive(i)) continue;
    for (const part of world.parts.shown(i)) yield { id: partIdOf(i, part.number), make: () => partOf(world, i, part) };
  }
}
