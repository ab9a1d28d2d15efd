import { intercomResource } from '../resource.ts';

/** https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/tags/listtags */
export const tag = intercomResource({
  name: 'tag',
  records: ['data'],
  list: { path: '/tags', pageSize: 150, next: { style: 'none' } },
  retrieve: { path: '/tags/{id}' },
  incremental: { by: 'full' },
  docs: 'https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/tags',
});
