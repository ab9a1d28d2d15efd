import type { ConnectorMetadata } from '../../src/kit/index.ts';

/** The version that every request, and every endpoint that we register, asks for: the one that the SDK's types describe. */
export const API_VERSION = '2026-10-28.endive';

export const metadata: ConnectorMetadata = {
  name: 'stripe',
  title: 'Stripe',
  apiVersion: API_VERSION,
  migrations: new URL('./migrations/', import.meta.url),
  docs: 'https://docs.stripe.com/api',
  baseUrl: 'https://api.stripe.com',
};
