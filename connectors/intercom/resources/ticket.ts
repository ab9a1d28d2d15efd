import { intercomResource, NEXT_CURSOR, seconds, TOTAL } from '../resource.ts';

/**
 * There is no list, only a search, which shows tickets whole and is exact to the second. The order of the pages is
 * chosen as for conversations.
 *
 * https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/tickets/searchtickets
 */
export const ticket = intercomResource({
  name: 'ticket',
  records: ['tickets'],
  created: seconds('created_at'),
  version: seconds('updated_at'),
  list: {
    path: '/tickets/search',
    method: 'POST',
    pageSize: 150,
    next: { style: 'path', path: NEXT_CURSOR },
    total: TOTAL,
    ranged: true,
  },
  retrieve: { path: '/tickets/{id}' },
  incremental: { by: 'search', overlapMs: 300_000 },
  docs: 'https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/tickets',
});
