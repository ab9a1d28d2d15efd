import type { Notice } from './notification.ts';
import { conversationOf, partIdOf, partOf } from './shape/conversation.ts';
import type { Part, PartKind } from './state/part-book.ts';
import { DELETED } from './state/table.ts';
import type { World } from './state/world.ts';

export function createConversation(
  world: World,
  contact: number | undefined,
): { readonly conversation: number; readonly notices: Notice[] } {
  const conversation = world.conversations.add(world.nowSecond(), {
    ...(contact !== undefined && { contact }),
    state: 'open',
    open: true,
    waiting_since: world.nowSecond(),
    read: false,
  });
  return {
    conversation,
    notices: [{ topic: 'conversation.user.created', item: noticeItem(world, conversation, undefined) }],
  };
}

const TOPICS: Readonly<Record<PartKind, string>> = {
  user_comment: 'conversation.user.replied',
  admin_comment: 'conversation.admin.replied',
  note: 'conversation.admin.noted',
  assignment: 'conversation.admin.assigned',
  close: 'conversation.admin.closed',
  open: 'conversation.admin.opened',
};

export function addPart(world: World, conversation: number, kind: PartKind): Notice[] {
  const at = world.nowSecond();
  const part = world.parts.add(conversation, kind, at);
  world.conversations.change(conversation, at, stateAfter(kind, at));
  return [{ topic: TOPICS[kind], item: noticeItem(world, conversation, part) }];
}

export function redactPart(world: World, conversation: number, number: number): Notice[] {
  const at = world.nowSecond();
  world.parts.redact(conversation, number, at);
  world.conversations.change(conversation, at, {});
  return [
    {
      topic: 'conversation_part.redacted',
      item: noticeItem(world, conversation, world.parts.part(conversation, number)),
    },
  ];
}

export function deleteConversation(world: World, conversation: number): Notice[] {
  world.conversations.setState(conversation, DELETED, world.nowSecond());
  return [
    { topic: 'conversation.deleted', item: { type: 'conversation', id: world.ids.conversation.of(conversation) } },
  ];
}

/** Index of a conversation's part from the part's id. */
export function partNumberOf(conversation: number, partId: string): number | undefined {
  const number = Number(partId) - Number(partIdOf(conversation, 0));
  return Number.isInteger(number) && number >= 0 && number < 100_000 ? number : undefined;
}

function stateAfter(kind: PartKind, at: number): Readonly<Record<string, unknown>> {
  if (kind === 'close') return { state: 'closed', open: false, waiting_since: null };
  if (kind === 'user_comment') return { state: 'open', open: true, waiting_since: at, read: false };
  if (kind === 'admin_comment') return { waiting_since: null, read: true };
  if (kind === 'open') return { state: 'open', open: true };
  return {};
}

/** Less than the API gives: only the part that caused it, no statistics, no linked objects, no attributes of its own. */
function noticeItem(world: World, conversation: number, part: Part | undefined): Record<string, unknown> {
  const {
    statistics: _statistics,
    linked_objects: _linked,
    custom_attributes: _attributes,
    ai_agent: _agent,
    sla_applied: _sla,
    teammates: _teammates,
    ...item
  } = conversationOf(world, conversation);
  const parts = part ? [partOf(world, conversation, part)] : [];
  return {
    ...item,
    conversation_parts: { type: 'conversation_part.list', conversation_parts: parts, total_count: parts.length },
  };
}
