import { intercomResource } from '../resource.ts';

/**
 * Without a change time; the avatar is only shown where it is asked for.
 *
 * https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/admins/listadmins
 */
export const admin = intercomResource({
  name: 'admin',
  records: ['admins'],
  volatile: ['avatar'],
  list: { path: '/admins', pageSize: 150, next: { style: 'none' } },
  retrieve: { path: '/admins/{id}' },
  incremental: { by: 'full' },
  docs: 'https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/admins',
});
