import { type ConnectorMetadata, folderBeside } from '../../src/kit/index.ts';

/** The version that every request, and every endpoint that we register, asks for: the one that the SDK's types describe. */
export const API_VERSION = '2026-10-28.endive';

export const metadata: ConnectorMetadata<'stripe'> = {
  name: 'stripe',
  title: 'Stripe',
  apiVersion: API_VERSION,
  migrations: folderBeside(import.meta.url, './migrations/'),
  docs: 'https://docs.stripe.com/api',
  baseUrl: 'https://api.stripe.com',
};
