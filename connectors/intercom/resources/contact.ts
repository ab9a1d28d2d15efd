import { intercomResource, NEXT_CURSOR, seconds, TOTAL } from '../resource.ts';

const HOUR_MS = 3_600_000;

/**
 * A full pass reads the list and not the search: the search's index is minutes behind, so a contact missing from a
 * search proves nothing. Incremental reads search by `updated_at`; an hour covers that delay, and `page` widens the
 * question to whole days.
 *
 * https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/contacts/listcontacts
 * https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/contacts/searchcontacts
 */
export const contact = intercomResource({
  name: 'contact',
  records: ['data'],
  created: seconds('created_at'),
  version: seconds('updated_at'),
  archived: { path: ['archived'], equals: true },
  list: {
    path: '/contacts',
    pageSize: 150,
    next: { style: 'path', path: NEXT_CURSOR },
    total: TOTAL,
    hidesArchived: true,
  },
  retrieve: { path: '/contacts/{id}' },
  incremental: { by: 'search', overlapMs: HOUR_MS },
  docs: 'https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/contacts',
});
