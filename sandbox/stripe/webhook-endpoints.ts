import { hashText } from '../http/random.ts';
import { missing, StripeProblem, unknownParameter } from './errors.ts';
import type { FormValue } from './form.ts';
import { createIdCodec } from './ids.ts';
import { parseVersion } from './versions.ts';

export interface WebhookEndpoint {
  readonly id: string;
  readonly created: number;
  readonly secret: string;
  readonly apiVersion: string | null;
  url: string;
  enabledEvents: readonly string[];
  description: string | null;
  metadata: Record<string, string>;
  disabled: boolean;
}

export interface WebhookEndpoints {
  listeningTo(type: string): readonly WebhookEndpoint[];
  /** Newest first. */
  list(): readonly WebhookEndpoint[];
  get(id: string): WebhookEndpoint;
  create(fields: Readonly<Record<string, FormValue>>, created: number): WebhookEndpoint;
  update(id: string, fields: Readonly<Record<string, FormValue>>): WebhookEndpoint;
  remove(id: string): void;
  clear(): void;
}

/** https://docs.stripe.com/api/webhook_endpoints */
export function createWebhookEndpoints(seed: number): WebhookEndpoints {
  const codec = createIdCodec('we_', seed ^ 0x7765);
  const endpoints = new Map<string, WebhookEndpoint>();
  let counter = 0;

  function get(id: string): WebhookEndpoint {
    const endpoint = endpoints.get(id);
    if (!endpoint) throw missing(404, 'webhook_endpoint', id, 'webhook_endpoint');
    return endpoint;
  }

  return {
    listeningTo: (type) =>
      [...endpoints.values()].filter(
        (endpoint) => !endpoint.disabled && endpoint.enabledEvents.some((event) => event === '*' || event === type),
      ),
    list: () => [...endpoints.values()].reverse(),
    get,
    create(fields, created) {
      const allowed = ['url', 'enabled_events', 'api_version', 'description', 'metadata', 'connect', 'expand'];
      for (const name of Object.keys(fields)) if (!allowed.includes(name)) throw unknownParameter(name);
      const id = codec.of(counter++);
      const endpoint: WebhookEndpoint = {
        id,
        created,
        secret: `whsec_${[1, 2, 3, 4]
          .map((part) =>
            hashText(seed + part, id)
              .toString(36)
              .padStart(7, '0'),
          )
          .join('')}`,
        apiVersion: fields['api_version'] === undefined ? null : parseVersion(String(fields['api_version'])),
        url: urlOf(fields['url']),
        enabledEvents: eventsOf(fields['enabled_events']),
        description: typeof fields['description'] === 'string' ? fields['description'] : null,
        metadata: (fields['metadata'] ?? {}) as Record<string, string>,
        disabled: false,
      };
      endpoints.set(id, endpoint);
      return endpoint;
    },
    update(id, fields) {
      const endpoint = get(id);
      if (fields['url'] !== undefined) endpoint.url = urlOf(fields['url']);
      if (fields['enabled_events'] !== undefined) endpoint.enabledEvents = eventsOf(fields['enabled_events']);
      if (typeof fields['description'] === 'string') endpoint.description = fields['description'] || null;
      if (fields['metadata'] !== undefined)
        endpoint.metadata = { ...endpoint.metadata, ...(fields['metadata'] as Record<string, string>) };
      if (fields['disabled'] !== undefined) endpoint.disabled = fields['disabled'] === 'true';
      return endpoint;
    },
    remove(id) {
      endpoints.delete(get(id).id);
    },
    clear() {
      endpoints.clear();
      counter = 0;
    },
  };
}

/** The secret is shown once, in the answer to the creation. */
export function endpointObject(endpoint: WebhookEndpoint, withSecret = false): object {
  return {
    id: endpoint.id,
    object: 'webhook_endpoint',
    api_version: endpoint.apiVersion,
    application: null,
    created: endpoint.created,
    description: endpoint.description,
    enabled_events: endpoint.enabledEvents,
    livemode: false,
    metadata: endpoint.metadata,
    ...(withSecret && { secret: endpoint.secret }),
    status: endpoint.disabled ? 'disabled' : 'enabled',
    url: endpoint.url,
  };
}

function urlOf(value: FormValue | undefined): string {
  if (typeof value !== 'string' || value === '')
    throw new StripeProblem(400, 'Missing required param: url.', { code: 'parameter_missing', param: 'url' });
  if (!URL.canParse(value))
    throw new StripeProblem(400, 'Invalid URL: An explicit scheme (such as https) must be provided.', {
      code: 'url_invalid',
      param: 'url',
    });
  return value;
}

function eventsOf(value: FormValue | undefined): readonly string[] {
  const events = Array.isArray(value) ? value.map(String) : [];
  if (events.length === 0)
    throw new StripeProblem(400, 'Missing required param: enabled_events.', {
      code: 'parameter_missing',
      param: 'enabled_events',
    });
  return events;
}
