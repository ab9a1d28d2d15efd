import {
  archiveContact,
  createContact,
  deleteContact,
  mergeContacts,
  tagContact,
  updateContact,
} from './change-contact.ts';
import { addPart, createConversation, deleteConversation, redactPart } from './change-conversation.ts';
import {
  createCompany,
  createTicket,
  deleteArticle,
  deleteCompany,
  moveTicket,
  updateArticle,
  updateCompany,
} from './change-rest.ts';
import type { Notice } from './notification.ts';
import { roleOf } from './shape/contact.ts';
import { hash32 } from './state/hash.ts';
import type { Table } from './state/table.ts';
import { FIRST_NAMES, LAST_NAMES, SUBJECTS } from './state/words.ts';
import { pick, SALT, type World } from './state/world.ts';

export type MutationKind =
  | 'contact.create'
  | 'contact.update'
  | 'contact.tag'
  | 'contact.archive'
  | 'contact.delete'
  | 'contact.merge'
  | 'company.create'
  | 'company.update'
  | 'company.delete'
  | 'conversation.create'
  | 'conversation.user_reply'
  | 'conversation.admin_reply'
  | 'conversation.close'
  | 'conversation.delete'
  | 'conversation_part.redact'
  | 'ticket.create'
  | 'ticket.move'
  | 'article.update'
  | 'article.delete';

/** Roughly a support team's day: mostly replies. */
export const MUTATION_WEIGHTS: Readonly<Record<MutationKind, number>> = {
  'conversation.user_reply': 22,
  'conversation.admin_reply': 20,
  'conversation.create': 10,
  'conversation.close': 8,
  'contact.update': 13,
  'contact.create': 8,
  'contact.tag': 4,
  'company.update': 4,
  'ticket.move': 4,
  'ticket.create': 2,
  'company.create': 1,
  'company.delete': 1,
  'contact.archive': 1,
  'contact.delete': 1,
  'contact.merge': 1,
  'conversation.delete': 1,
  'conversation_part.redact': 1,
  'article.update': 1,
  'article.delete': 0.2,
};

/** The nth change of the world. A change that finds nothing to change makes a contact instead. */
export function mutateWorld(
  world: World,
  turn: number,
  weights: Readonly<Record<MutationKind, number>>,
  minorVersion: number,
): Notice[] {
  const h = (salt: number): number => hash32(world.seed, SALT.mutation + salt, turn);
  const notices = apply(world, kindOf(weights, h(1)), h, minorVersion);
  return notices ?? createContact(world, newContact(world, turn, h)).notices;
}

function kindOf(weights: Readonly<Record<MutationKind, number>>, hash: number): MutationKind {
  const kinds = Object.keys(weights) as MutationKind[];
  const sum = kinds.reduce((total, kind) => total + weights[kind], 0);
  let left = (hash / 4_294_967_296) * sum;
  for (const kind of kinds) {
    left -= weights[kind];
    if (left < 0) return kind;
  }
  return 'contact.create';
}

function apply(
  world: World,
  kind: MutationKind,
  h: (salt: number) => number,
  minorVersion: number,
): Notice[] | undefined {
  const { contacts, companies, conversations, tickets, articles } = world;
  const contact = someLive(contacts, h(2));
  const conversation = someLive(conversations, h(3));
  const at = <T>(index: number | undefined, change: (index: number) => T): T | undefined =>
    index === undefined ? undefined : change(index);
  switch (kind) {
    case 'contact.create':
      return undefined;
    case 'contact.update':
      return at(contact, (i) =>
        updateContact(world, i, {
          name: `${pick(FIRST_NAMES, h(4))} ${pick(LAST_NAMES, h(5))}`,
          custom_attributes: { seats: h(6) % 500 },
        }),
      );
    case 'contact.tag':
      return world.size.tags === 0 ? undefined : at(contact, (i) => tagContact(world, i, h(7) % world.size.tags));
    case 'contact.archive':
      return at(contact, (i) => archiveContact(world, i));
    case 'contact.delete':
      return at(contact, (i) => deleteContact(world, i));
    case 'contact.merge': {
      const lead = someLive(contacts, h(8), (i) => roleOf(world, i) === 'lead');
      const user = someLive(contacts, h(9), (i) => roleOf(world, i) === 'user');
      return lead === undefined || user === undefined ? undefined : mergeContacts(world, lead, user);
    }
    case 'company.create':
      return createCompany(world, {}).notices;
    case 'company.update':
      return at(someLive(companies, h(10)), (i) => updateCompany(world, i, { monthly_spend: h(11) % 9_000 }));
    case 'company.delete':
      return at(
        someLive(companies, h(10), (i) => world.userCounts[i] === 0),
        (i) => deleteCompany(world, i),
      );
    case 'conversation.create':
      return createConversation(world, contact).notices;
    case 'conversation.user_reply':
      return at(conversation, (i) => addPart(world, i, 'user_comment'));
    case 'conversation.admin_reply':
      return at(conversation, (i) => addPart(world, i, 'admin_comment'));
    case 'conversation.close':
      return at(conversation, (i) => addPart(world, i, 'close'));
    case 'conversation.delete':
      return at(conversation, (i) => deleteConversation(world, i));
    case 'conversation_part.redact':
      return at(conversation, (i) =>
        world.parts.count(i) === 0 ? [] : redactPart(world, i, world.parts.count(i) - 1),
      );
    case 'ticket.create':
      return createTicket(world, `${pick(SUBJECTS, h(12))} again`, minorVersion).notices;
    case 'ticket.move':
      return at(someLive(tickets, h(13)), (i) => moveTicket(world, i, minorVersion));
    case 'article.update':
      return at(someLive(articles, h(14)), (i) => updateArticle(world, i, `${pick(SUBJECTS, h(15))}, revised`));
    case 'article.delete':
      return at(someLive(articles, h(14)), (i) => deleteArticle(world, i));
  }
}

function newContact(world: World, turn: number, h: (salt: number) => number): Record<string, unknown> {
  const company = h(16) % 2 === 0 ? someLive(world.companies, h(17)) : undefined;
  const role = h(18) % 4 === 0 ? 'lead' : 'user';
  return {
    role,
    external_id: role === 'user' ? `signup-${turn}` : null,
    name: `${pick(FIRST_NAMES, h(19))} ${pick(LAST_NAMES, h(20))}`,
    ...(company !== undefined && { company }),
  };
}

/** A live object near a random place. */
export function someLive(
  table: Table,
  hash: number,
  wanted: (index: number) => boolean = () => true,
): number | undefined {
  for (let step = 0; step < table.length; step += 1) {
    const index = (hash + step) % table.length;
    if (table.isLive(index) && wanted(index)) return index;
  }
  return undefined;
}
