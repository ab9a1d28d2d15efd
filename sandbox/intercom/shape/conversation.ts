import type { Ink } from '../../http/ink.ts';
import { boolean, compileShape, nullIf, number, oneOf, plain, spelled, text, written } from '../../http/shape.ts';
import { hash32 } from '../state/hash.ts';
import type { Part } from '../state/part-book.ts';
import { SENTENCES, SUBJECTS } from '../state/words.ts';
import { pick, SALT, type World } from '../state/world.ts';
import { contactReferenceOf, roleOf } from './contact.ts';
import { overlay } from './overlay.ts';

/** What is known of a conversation before it is written. */
interface ConversationFacts {
  readonly world: World;
  readonly index: number;
  readonly created: number;
  readonly updated: number;
  readonly contact: number | undefined;
  readonly contactId: string;
  readonly closed: boolean;
  readonly admin: number | undefined;
  /** From the beginning to the last change, and to the first answer between. */
  readonly span: number;
  readonly reply: number;
  /** What its source is drawn from. */
  readonly source: number;
}

const hashOf = (f: ConversationFacts, salt: number): number => hash32(f.world.seed, SALT.conversation + salt, f.index);
const created = number((f: ConversationFacts) => f.created);
const reply = number((f: ConversationFacts) => f.reply);
const toReply = number((f: ConversationFacts) => f.reply - f.created);
const whenClosed = (of: (f: ConversationFacts) => number) =>
  number((f: ConversationFacts) => (f.closed ? of(f) : null));
const nobody = (f: ConversationFacts): boolean => f.contact === undefined;
const contactId = spelled(text((f: ConversationFacts) => f.contactId));

const source = {
  type: oneOf(['conversation', 'email', 'whatsapp'], (f: ConversationFacts) => f.source),
  id: spelled(number((f: ConversationFacts) => 80_000_000 + f.index)),
  delivered_as: 'customer_initiated',
  subject: text((f: ConversationFacts) => (f.source % 3 === 1 ? `"<p>${pick(SUBJECTS, f.source)}</p>"` : '""')),
  body: oneOf(
    SENTENCES.map((sentence) => `<p>${sentence}</p>`),
    (f: ConversationFacts) => f.source >>> 4,
  ),
  author: nullIf(
    nobody,
    written(
      compileShape<ConversationFacts>({
        type: plain((f: ConversationFacts) => roleOf(f.world, f.contact ?? 0)),
        id: contactId,
        name: null,
        email: null,
      }).into,
    ),
  ),
  attachments: [],
  url: null,
  redacted: false,
};

const statistics = {
  type: 'conversation_statistics',
  time_to_assignment: toReply,
  time_to_admin_reply: toReply,
  time_to_first_close: whenClosed((f) => f.span),
  time_to_last_close: whenClosed((f) => f.span),
  median_time_to_reply: toReply,
  first_contact_reply_at: created,
  first_assignment_at: reply,
  first_admin_reply_at: reply,
  first_close_at: whenClosed((f) => f.updated),
  last_assignment_at: reply,
  last_assignment_admin_reply_at: reply,
  last_contact_reply_at: created,
  last_admin_reply_at: reply,
  last_close_at: whenClosed((f) => f.updated),
  last_closed_by_id: null,
  count_reopens: number((f: ConversationFacts) => hashOf(f, 14) % 2),
  count_assignments: 1,
  count_conversation_parts: number((f: ConversationFacts) => f.world.parts.count(f.index)),
};

/** https://developers.intercom.com/docs/references/rest-api/api.intercom.io/conversations/conversation */
const shape = compileShape<ConversationFacts>({
  type: 'conversation',
  id: spelled(text((f: ConversationFacts) => f.world.ids.conversation.of(f.index))),
  title: nullIf(
    (f: ConversationFacts) => hashOf(f, 23) % 3 > 0,
    oneOf(SUBJECTS, (f: ConversationFacts) => hashOf(f, 24)),
  ),
  created_at: created,
  updated_at: number((f: ConversationFacts) => f.updated),
  waiting_since: number((f: ConversationFacts) => (f.closed ? null : f.updated)),
  snoozed_until: null,
  open: boolean((f: ConversationFacts) => !f.closed),
  state: plain((f: ConversationFacts) => (f.closed ? 'closed' : 'open')),
  read: boolean((f: ConversationFacts) => hashOf(f, 25) % 2 === 0),
  priority: plain((f: ConversationFacts) => (hashOf(f, 26) % 9 === 0 ? 'priority' : 'not_priority')),
  admin_assignee_id: number((f: ConversationFacts) =>
    f.admin === undefined ? null : Number(f.world.ids.admin.of(f.admin)),
  ),
  team_assignee_id: number(({ world, index }: ConversationFacts) => teamOfConversation(world, index)),
  company_id: null,
  source,
  contacts: {
    type: 'contact.list',
    contacts: written((ink, f: ConversationFacts) =>
      ink.utf8(f.contact === undefined ? '[]' : JSON.stringify([contactReferenceOf(f.world, f.contact)])),
    ),
  },
  teammates: {
    type: 'admin.list',
    admins: text((f: ConversationFacts) =>
      f.admin === undefined ? '[]' : `[{"type":"admin","id":"${f.world.ids.admin.of(f.admin)}"}]`,
    ),
  },
  tags: { type: 'tag.list', tags: [] },
  conversation_rating: null,
  first_contact_reply: { created_at: created, type: 'conversation', url: null },
  sla_applied: null,
  linked_objects: { type: 'list', data: [], total_count: 0, has_more: false },
  custom_attributes: text((f: ConversationFacts) =>
    hashOf(f, 29) % 4 === 0 ? `{"topic":"${pick(SUBJECTS, hashOf(f, 30))}"}` : '{}',
  ),
  ai_agent_participated: false,
  ai_agent: null,
  statistics,
});

function factsOf(world: World, index: number): ConversationFacts {
  const h = (salt: number): number => hash32(world.seed, SALT.conversation + salt, index);
  const began = world.conversations.createdAt(index);
  const updated = world.conversations.updatedAt(index);
  const contact = contactOfConversation(world, index);
  const span = Math.max(1, updated - began);
  return {
    world,
    index,
    created: began,
    updated,
    contact,
    contactId: contact === undefined ? '' : world.ids.contact.of(contact),
    closed: h(20) % 3 > 0,
    admin: world.size.admins > 0 && h(21) % 4 > 0 ? h(22) % world.size.admins : undefined,
    span,
    reply: began + (h(14) % span),
    source: h(13),
  };
}

function teamOfConversation(world: World, index: number): number | null {
  const h = (salt: number): number => hash32(world.seed, SALT.conversation + salt, index);
  return world.size.teams > 0 && h(27) % 3 === 0 ? Number(world.ids.team.of(h(28) % world.size.teams)) : null;
}

/** Writes the conversation as JSON: what `conversationOf` says. */
export function writeConversation(world: World, ink: Ink, index: number): void {
  if (world.conversations.isUnchanged(index)) shape.into(ink, factsOf(world, index));
  else ink.utf8(JSON.stringify(conversationOf(world, index)));
}

/** A conversation without its parts, as lists and searches show it. */
export function conversationOf(world: World, index: number): Record<string, unknown> {
  const computed = JSON.parse(shape(factsOf(world, index))) as Record<string, unknown>;
  const { contact: _contact, tags, ...own } = world.conversations.changes(index);
  if (Array.isArray(tags)) computed['tags'] = { type: 'tag.list', tags };
  return overlay(computed, own, 'source');
}

/** As retrieved: with the newest 500 parts. */
export function conversationWithPartsOf(world: World, index: number): Record<string, unknown> {
  const parts = world.parts.shown(index).map((part) => partOf(world, index, part));
  return {
    ...conversationOf(world, index),
    conversation_parts: {
      type: 'conversation_part.list',
      conversation_parts: parts,
      total_count: world.parts.count(index),
    },
  };
}

/** https://developers.intercom.com/docs/references/rest-api/api.intercom.io/conversations/conversation_part */
export function partOf(world: World, conversation: number, part: Part): Record<string, unknown> {
  const h = hash32(world.seed, SALT.part + 10, conversation * 1_031 + part.number);
  const byUser = part.kind === 'user_comment';
  const admin = world.size.admins > 0 ? h % world.size.admins : 0;
  const contact = contactOfConversation(world, conversation);
  const author = byUser
    ? {
        type: contact === undefined ? 'user' : roleOf(world, contact),
        id: contact === undefined ? null : world.ids.contact.of(contact),
        name: null,
        email: null,
      }
    : {
        type: 'admin',
        id: world.ids.admin.of(admin),
        name: `Agent ${admin + 1}`,
        email: `agent${admin + 1}@workspace.example`,
      };
  const redacted = part.redactedAt !== undefined;
  const says = part.kind === 'user_comment' || part.kind === 'admin_comment' || part.kind === 'note';
  return {
    type: 'conversation_part',
    id: partIdOf(conversation, part.number),
    part_type: says ? (part.kind === 'note' ? 'note' : 'comment') : part.kind,
    body: redacted ? '<p><em>This message was deleted</em></p>' : says ? `<p>${pick(SENTENCES, h)}</p>` : null,
    created_at: part.createdAt,
    updated_at: part.redactedAt ?? part.createdAt,
    notified_at: part.createdAt,
    assigned_to: part.kind === 'assignment' ? { type: 'admin', id: world.ids.admin.of(admin) } : null,
    author,
    attachments: [],
    external_id: null,
    redacted,
    email_message_metadata: null,
    metadata: {},
    state: part.kind === 'close' ? 'closed' : 'open',
    tags: [],
    event_details: null,
    app_package_code: null,
  };
}

export function partIdOf(conversation: number, number: number): string {
  return String(90_000_000_000 + conversation * 100_000 + number);
}

export function contactOfConversation(world: World, index: number): number | undefined {
  const own = world.conversations.changes(index)['contact'];
  if (typeof own === 'number') return own;
  return world.size.contacts === 0
    ? undefined
    : hash32(world.seed, SALT.conversation + 12, index) % world.size.contacts;
}
