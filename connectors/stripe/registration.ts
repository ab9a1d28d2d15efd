import type Stripe from 'stripe';
import type { RegisteredEndpoint, RegistrationContext, WebhookRegistration } from '../../src/kit/index.ts';
import { eventTypes } from './change-log.ts';
import { API_VERSION } from './metadata.ts';
import { loadStripe } from './sdk.ts';
import type { StripeSettings } from './settings.ts';

type EnabledEvent = Stripe.WebhookEndpointCreateParams.EnabledEvent;

/** https://docs.stripe.com/api/webhook_endpoints */
export const registration: WebhookRegistration = {
  list: async (context) => (await endpoints(await client(context))).map(describe),

  async register(context, url, names) {
    const stripe = await client(context);
    const wanted = eventTypes(names) as EnabledEvent[];
    const known = (await endpoints(stripe)).find((endpoint) => endpoint.url === url);
    if (known === undefined) {
      const created = await stripe.webhookEndpoints.create({
        url,
        enabled_events: wanted,
        api_version: API_VERSION,
        description: 'Supasaasy',
        // An endpoint of the platform's for its connected accounts.
        ...((context.account.settings as StripeSettings).account === undefined ? {} : { connect: true }),
      });
      return {
        ...describe(created),
        created: true,
        ...(created.secret === undefined ? {} : { secret: created.secret }),
      };
    }
    const enabled = known.enabled_events as EnabledEvent[];
    const missing = enabled.includes('*') ? [] : wanted.filter((type) => !enabled.includes(type));
    if (missing.length === 0 && known.status === 'enabled') return { ...describe(known), created: false };
    const updated = await stripe.webhookEndpoints.update(known.id, {
      disabled: false,
      ...(missing.length === 0 ? {} : { enabled_events: [...enabled, ...missing] }),
    });
    return { ...describe(updated), created: false };
  },
};

/** The official client, with the app's origin and our own fetch. Endpoints belong to the key's account, also for Connect. */
async function client({ account, fetch }: RegistrationContext): Promise<Stripe> {
  const Stripe = await loadStripe();
  const { hostname, port, protocol } = new URL(account.baseUrl);
  return new Stripe(account.apiKey, {
    apiVersion: API_VERSION,
    host: hostname,
    protocol: protocol === 'http:' ? 'http' : 'https',
    ...(port === '' ? {} : { port: Number(port) }),
    httpClient: Stripe.createFetchHttpClient(fetch),
    maxNetworkRetries: 2,
    telemetry: false,
  });
}

/** All of them, whatever the page size: an account has at most a few dozen. */
async function endpoints(stripe: Stripe): Promise<Stripe.WebhookEndpoint[]> {
  return await stripe.webhookEndpoints.list({ limit: 100 }).autoPagingToArray({ limit: 1000 });
}

function describe(endpoint: Stripe.WebhookEndpoint): RegisteredEndpoint {
  return {
    id: endpoint.id,
    url: endpoint.url,
    status: endpoint.status,
    apiVersion: endpoint.api_version,
    events: endpoint.enabled_events,
  };
}
