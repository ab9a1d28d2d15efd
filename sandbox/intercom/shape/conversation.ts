import { hash32 } from '../state/hash.ts';
import type { Part } from '../state/part-book.ts';
import { SENTENCES, SUBJECTS } from '../state/words.ts';
import { pick, SALT, type World } from '../state/world.ts';
import { contactReferenceOf, roleOf } from './contact.ts';

/**
 * A conversation without its parts, as lists and searches show it.
 * https://developers.intercom.com/docs/references/rest-api/api.intercom.io/conversations/conversation
 */
export function conversationOf(world: World, index: number): Record<string, unknown> {
  const { conversations } = world;
  const h = (salt: number): number => hash32(world.seed, SALT.conversation + salt, index);
  const created = conversations.createdAt(index);
  const updated = conversations.updatedAt(index);
  const contact = contactOfConversation(world, index);
  const closed = h(20) % 3 > 0;
  const admin = world.size.admins > 0 && h(21) % 4 > 0 ? h(22) % world.size.admins : undefined;
  const changes = conversations.changes(index);
  const { contact: _contact, tags: ownTags, ...attributes } = changes;
  const tags = Array.isArray(ownTags) ? ownTags : [];
  return {
    type: 'conversation',
    id: world.ids.conversation.of(index),
    title: h(23) % 3 === 0 ? pick(SUBJECTS, h(24)) : null,
    created_at: created,
    updated_at: updated,
    waiting_since: closed ? null : updated,
    snoozed_until: null,
    open: !closed,
    state: closed ? 'closed' : 'open',
    read: h(25) % 2 === 0,
    priority: h(26) % 9 === 0 ? 'priority' : 'not_priority',
    admin_assignee_id: admin === undefined ? null : Number(world.ids.admin.of(admin)),
    team_assignee_id:
      world.size.teams > 0 && h(27) % 3 === 0 ? Number(world.ids.team.of(h(28) % world.size.teams)) : null,
    company_id: null,
    ...attributes,
    source: sourceOf(world, index, contact),
    contacts: { type: 'contact.list', contacts: contact === undefined ? [] : [contactReferenceOf(world, contact)] },
    teammates: {
      type: 'admin.list',
      admins: admin === undefined ? [] : [{ type: 'admin', id: world.ids.admin.of(admin) }],
    },
    tags: { type: 'tag.list', tags },
    conversation_rating: null,
    first_contact_reply: { created_at: created, type: 'conversation', url: null },
    sla_applied: null,
    linked_objects: { type: 'list', data: [], total_count: 0, has_more: false },
    custom_attributes: h(29) % 4 === 0 ? { topic: pick(SUBJECTS, h(30)) } : {},
    ai_agent_participated: false,
    ai_agent: null,
    statistics: statisticsOf(world, index, created, updated, closed),
  };
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

function sourceOf(world: World, index: number, contact: number | undefined): Record<string, unknown> {
  const h = hash32(world.seed, SALT.conversation + 13, index);
  return {
    type: pick(['conversation', 'email', 'whatsapp'], h),
    id: String(80_000_000 + index),
    delivered_as: 'customer_initiated',
    subject: h % 3 === 1 ? `<p>${pick(SUBJECTS, h)}</p>` : '',
    body: `<p>${pick(SENTENCES, h >>> 4)}</p>`,
    author:
      contact === undefined
        ? null
        : { type: roleOf(world, contact), id: world.ids.contact.of(contact), name: null, email: null },
    attachments: [],
    url: null,
    redacted: false,
  };
}

function statisticsOf(
  world: World,
  index: number,
  created: number,
  updated: number,
  closed: boolean,
): Record<string, unknown> {
  const h = hash32(world.seed, SALT.conversation + 14, index);
  const span = Math.max(1, updated - created);
  const reply = created + (h % span);
  return {
    type: 'conversation_statistics',
    time_to_assignment: h % span,
    time_to_admin_reply: reply - created,
    time_to_first_close: closed ? span : null,
    time_to_last_close: closed ? span : null,
    median_time_to_reply: reply - created,
    first_contact_reply_at: created,
    first_assignment_at: reply,
    first_admin_reply_at: reply,
    first_close_at: closed ? updated : null,
    last_assignment_at: reply,
    last_assignment_admin_reply_at: reply,
    last_contact_reply_at: created,
    last_admin_reply_at: reply,
    last_close_at: closed ? updated : null,
    last_closed_by_id: null,
    count_reopens: h % 2,
    count_assignments: 1,
    count_conversation_parts: world.parts.count(index),
  };
}
