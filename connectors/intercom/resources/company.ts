import { intercomResource, seconds, TOTAL } from '../resource.ts';

/** https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/companies/listallcompanies */
const LIST = { path: '/companies', query: { per_page: 1 } } as const;

/**
 * Read by scroll: `GET /companies` ends at 10,000 and leaves out companies without users. The scroll hands out each
 * page once, one scroll at a time per workspace, 100 companies a page whatever is asked for, and cannot be searched by time.
 *
 * https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/companies/scrolloverallcompanies
 */
export const company = intercomResource({
  name: 'company',
  records: ['data'],
  created: seconds('created_at'),
  version: seconds('updated_at'),
  list: {
    path: '/companies/scroll',
    pageSize: 100,
    next: { style: 'scroll', path: ['scroll_param'] },
    // A scroll that is only looked at would keep the next one out for a minute. This list needs the same permission.
    probe: LIST,
    total: { ...TOTAL, request: LIST },
    hides: 'companies without users',
  },
  retrieve: { path: '/companies/{id}' },
  incremental: { by: 'full' },
  docs: 'https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/companies',
});
