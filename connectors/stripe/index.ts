import { defineConnector } from '../../src/kit/index.ts';
import { changeLog } from './change-log.ts';
import { identity } from './identity.ts';
import { limits } from './limits.ts';
import { meaning } from './meaning.ts';
import { API_VERSION, metadata } from './metadata.ts';
import { page } from './page.ts';
import { registration } from './registration.ts';
import { stripeResources } from './resources/index.ts';
import { settings } from './settings.ts';
import { webhook } from './webhook.ts';

/** Stripe: customers, catalogue, billing, payments and the balance of one account. See README.md beside this file. */
export const stripe = defineConnector({
  metadata,
  settings,
  resources: stripeResources,
  webhook,
  changeLog,
  limits,
  registration,
  headers: ({ apiKey, settings: { account } }) => ({
    authorization: `Bearer ${apiKey}`,
    'stripe-version': API_VERSION,
    ...(account === undefined ? {} : { 'stripe-account': account }),
  }),
  page,
  probe: { path: '/v1/events', query: { limit: 1 } },
  identity,
  accountOf: ({ account }) => account,
  meaning,
});

declare module '../../src/kit/connector.ts' {
  interface Connectors {
    stripe: typeof stripe;
  }
}
