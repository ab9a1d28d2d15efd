import { addPart, deleteConversation, partNumberOf, redactPart } from '../change-conversation.ts';
import { HttpError, notFound } from '../http-error.ts';
import { pagesOf, parseCursor, parsePerPage } from '../search/cursor.ts';
import { search } from '../search/search.ts';
import {
  contactOfConversation,
  conversationOf,
  conversationWithPartsOf,
  writeConversation,
} from '../shape/conversation.ts';
import type { World } from '../state/world.ts';
import { parseBody, type Route, type RouteCall } from './route.ts';
import { conversationFieldType } from './search-fields.ts';
import { writtenList } from './written-list.ts';

const PAGE_SIZE = { fallback: 20, max: 150 };

/** https://developers.intercom.com/docs/references/rest-api/api.intercom.io/conversations */
export const conversationRoutes: readonly Route[] = [
  ['GET', '/conversations', listConversations],
  ['POST', '/conversations/search', searchConversations],
  ['POST', '/conversations/redact', redact],
  ['GET', '/conversations/:id', ({ world, params }) => conversationWithPartsOf(world, existing(world, params['id']))],
  ['DELETE', '/conversations/:id', remove],
  ['POST', '/conversations/:id/reply', reply],
  ['POST', '/conversations/:id/parts', manage],
];

/** Most recently updated first, so that a conversation answered meanwhile jumps over the reader's cursor. */
function listConversations({ world, request }: RouteCall): unknown {
  const perPage = parsePerPage(request.query.get('per_page'), PAGE_SIZE);
  const after = request.query.get('starting_after');
  const cursor = after ? parseCursor(after) : undefined;
  const { byUpdated } = world.conversations;
  const end = cursor ? byUpdated.rank(cursor.second, cursor.index) : byUpdated.size;
  const start = Math.max(0, end - perPage);
  const found: number[] = [];
  for (let position = end - 1; position >= start; position -= 1) found.push(byUpdated.at(position).id);
  const page = cursor?.page ?? 1;
  const last = found.at(-1);
  const next =
    start > 0 && last !== undefined
      ? { second: world.conversations.updatedAt(last), index: last, page: page + 1 }
      : undefined;
  return writtenConversations(world, found, byUpdated.size, pagesOf(page, perPage, byUpdated.size, next));
}

function searchConversations(call: RouteCall): unknown {
  const { world } = call;
  const { conversations } = world;
  const found = search(
    {
      table: conversations,
      byUpdated: conversations.byUpdated,
      defaultSort: 'updated_at',
      pageSize: PAGE_SIZE,
      fieldType: conversationFieldType,
      updatedAt: (index) => conversations.updatedAt(index),
      object: (index) => conversationOf(world, index),
      read: (index, field) => {
        if (field !== 'contact_ids') return undefined;
        const contact = contactOfConversation(world, index);
        return contact === undefined ? [] : [world.ids.contact.of(contact)];
      },
    },
    parseBody(call),
  );
  return writtenConversations(world, found.objects, found.total, found.pages);
}

function writtenConversations(
  world: World,
  indices: readonly number[],
  total: number,
  pages: object,
): Uint8Array<ArrayBuffer> {
  return writtenList(
    (conversations) => ({ type: 'conversation.list', pages, total_count: total, conversations }),
    indices,
    (ink, index) => writeConversation(world, ink, index),
  );
}

function reply(call: RouteCall): unknown {
  const { world, workspace, params } = call;
  const conversation = existing(world, params['id']);
  const body = parseBody(call);
  const byAdmin = body['type'] === 'admin';
  workspace.announce(
    addPart(
      world,
      conversation,
      byAdmin ? (body['message_type'] === 'note' ? 'note' : 'admin_comment') : 'user_comment',
    ),
  );
  return conversationWithPartsOf(world, conversation);
}

function manage(call: RouteCall): unknown {
  const { world, workspace, params } = call;
  const conversation = existing(world, params['id']);
  const kind = parseBody(call)['message_type'];
  if (kind !== 'close' && kind !== 'open' && kind !== 'assignment')
    throw new HttpError(400, 'parameter_invalid', 'message_type must be close, open or assignment');
  workspace.announce(addPart(world, conversation, kind));
  return conversationWithPartsOf(world, conversation);
}

function redact(call: RouteCall): unknown {
  const { world, workspace } = call;
  const body = parseBody(call);
  const conversation = existing(world, String(body['conversation_id']));
  const number = partNumberOf(conversation, String(body['conversation_part_id']));
  if (body['type'] !== 'conversation_part' || number === undefined || number >= world.parts.count(conversation))
    throw notFound('Conversation part not found');
  workspace.announce(redactPart(world, conversation, number));
  return conversationWithPartsOf(world, conversation);
}

function remove({ world, workspace, params }: RouteCall): unknown {
  const conversation = existing(world, params['id']);
  workspace.announce(deleteConversation(world, conversation));
  return { id: world.ids.conversation.of(conversation), object: 'conversation', deleted: true };
}

function existing(world: World, id: string | undefined): number {
  const index = id === undefined ? undefined : world.ids.conversation.indexOf(id);
  if (index === undefined || !world.conversations.isLive(index)) throw notFound('Resource Not Found');
  return index;
}
