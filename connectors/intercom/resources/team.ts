import { intercomResource } from '../resource.ts';

/** https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/teams/listteams */
export const team = intercomResource({
  name: 'team',
  records: ['teams'],
  list: { path: '/teams', pageSize: 150, next: { style: 'none' } },
  retrieve: { path: '/teams/{id}' },
  incremental: { by: 'full' },
  docs: 'https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/teams',
});
