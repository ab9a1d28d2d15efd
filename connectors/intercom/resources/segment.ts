import { intercomResource, seconds } from '../resource.ts';

/** https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/segments/listsegments */
export const segment = intercomResource({
  name: 'segment',
  records: ['segments'],
  created: seconds('created_at'),
  version: seconds('updated_at'),
  list: { path: '/segments', pageSize: 150, next: { style: 'none' } },
  retrieve: { path: '/segments/{id}' },
  incremental: { by: 'full' },
  docs: 'https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/segments',
});
