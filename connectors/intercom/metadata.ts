import { type ConnectorMetadata, folderBeside } from '../../src/kit/index.ts';

/** Where the API answers, by the region in which the workspace is hosted. https://developers.intercom.com/docs/build-an-integration/learn-more/rest-apis/#regional-endpoints */
export const intercomOrigins = {
  us: 'https://api.intercom.io',
  eu: 'https://api.eu.intercom.io',
  au: 'https://api.au.intercom.io',
} as const;

export const metadata: ConnectorMetadata<'intercom'> = {
  name: 'intercom',
  title: 'Intercom',
  apiVersion: '2.14',
  migrations: folderBeside(import.meta.url, './migrations/'),
  docs: 'https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io',
  baseUrl: intercomOrigins.us,
};
