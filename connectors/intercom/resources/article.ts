import { intercomResource, seconds, TOTAL } from '../resource.ts';

/**
 * Numbered pages: an article that is deleted meanwhile moves the others up, so one can slip between two pages. It
 * is not lost: a pass asks for what it missed, and every incremental run reads the list anew.
 * Only a single article comes with its statistics, which change with every reader.
 *
 * https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/articles/listarticles
 */
export const article = intercomResource({
  name: 'article',
  records: ['data'],
  created: seconds('created_at'),
  version: seconds('updated_at'),
  volatile: ['statistics'],
  list: {
    path: '/articles',
    pageSize: 150,
    next: { style: 'page', path: ['pages', 'next'] },
    shortPages: 'the most that a page of articles holds is not documented',
    total: TOTAL,
  },
  retrieve: { path: '/articles/{id}' },
  incremental: { by: 'full' },
  docs: 'https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/articles',
});
