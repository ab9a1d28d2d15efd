import { intercomResource, NEXT_CURSOR, seconds, TOTAL } from '../resource.ts';

/**
 * Lists and searches show a conversation without its parts, so each newer one is retrieved.
 *
 * `GET /conversations` is ordered by `updated_at`: one that is answered while we page jumps over our cursor. A full
 * pass therefore searches in the order of `created_at`, which never moves, newest first; an incremental one in the
 * order of `updated_at`, oldest first, where whatever moves lands ahead of us. Search is exact to the second.
 *
 * A conversation is shown with its newest 500 parts, and nothing shows the older ones, so a part that is not shown
 * is never taken for deleted.
 *
 * https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/conversations/searchconversations
 * https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/conversations/retrieveconversation
 */
export const conversation = intercomResource({
  name: 'conversation',
  records: ['conversations'],
  created: seconds('created_at'),
  version: seconds('updated_at'),
  detach: ['conversation_parts'],
  list: {
    path: '/conversations/search',
    method: 'POST',
    pageSize: 150,
    next: { style: 'path', path: NEXT_CURSOR },
    total: TOTAL,
    ranged: true,
    partial: true,
  },
  retrieve: { path: '/conversations/{id}' },
  children: [{ resource: 'conversation_part', path: ['conversation_parts', 'conversation_parts'], replace: false }],
  incremental: { by: 'search', overlapMs: 300_000 },
  docs: 'https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/conversations',
});
