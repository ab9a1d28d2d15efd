import { Ink } from '../http/ink.ts';
import type { SandboxAnswer, SandboxDelivery, SandboxProvider, SandboxRequest } from '../http/provider.ts';
import { hashText } from '../http/random.ts';
import { createAccount } from './account.ts';
import { accountObject } from './account-object.ts';
import { createAnnouncer } from './announce.ts';
import { createChanges } from './changes.ts';
import { missing, StripeProblem, unknownParameter } from './errors.ts';
import { listEvents } from './event-list.ts';
import { createEventLog, eventText } from './event-log.ts';
import { createExpand } from './expand.ts';
import { parseForm } from './form.ts';
import { checkKey } from './gate.ts';
import { createIdempotency } from './idempotency.ts';
import { createLists, type ListAnswer } from './lists.ts';
import { createMutate } from './mutate.ts';
import { createParts } from './parts.ts';
import type { Scale } from './population.ts';
import { TABLE_NAMES } from './population.ts';
import { rateHooks } from './rate-hooks.ts';
import type { StripeObject } from './resource.ts';
import { createRetrieve } from './retrieve.ts';
import { createSettings, type StripeSettings } from './settings.ts';
import { createTruth } from './truth.ts';
import { downgrade, isOlder, parseVersion } from './versions.ts';
import { createWebhookEndpoints, endpointObject } from './webhook-endpoints.ts';
import { createWrites } from './writes.ts';

export interface StripeSandboxOptions extends Partial<StripeSettings> {
  readonly webhookSecret?: string;
  readonly seed?: number;
  readonly size?: Partial<Scale>;
  readonly nowMs?: () => number;
  /** Keys that are let in. */
  readonly apiKey?: string | readonly string[];
  /** Events are kept so long. Stripe: 30 days. */
  readonly eventRetentionDays?: number;
  /** The population is older than this. Default: the beginning of the current UTC day. */
  readonly untilMs?: number;
  /** Age of the oldest object. */
  readonly days?: number;
  /** `skewed`: most objects in a few dense months. */
  readonly distribution?: 'even' | 'skewed';
  /** Objects of each resource that share one second. */
  readonly burst?: number;
  /** Description of the customers that have none of their own. */
  readonly customerNote?: string;
}

export interface StripeSandbox extends SandboxProvider {
  /** What control routes change: API version, webhook secrets, denied paths, … */
  readonly settings: StripeSettings;
  readonly apiKey: string;
}

const DAY_MS = 86_400_000;

/** An emulated Stripe account. */
export function createStripeSandbox(options: StripeSandboxOptions = {}): StripeSandbox {
  const nowMs = options.nowMs ?? Date.now;
  const seed = options.seed ?? 1;
  const keys = typeof options.apiKey === 'string' ? [options.apiKey] : (options.apiKey ?? ['sk_test_sandbox']);
  const settings = createSettings(options);
  const account = createAccount({
    seed,
    size: options.size ?? {},
    untilMs: options.untilMs ?? Math.floor(nowMs() / DAY_MS) * DAY_MS,
    days: options.days ?? 730,
    distribution: options.distribution ?? 'even',
    burst: options.burst ?? 150,
    customerNote: options.customerNote ?? null,
  });
  const events = createEventLog({
    seed,
    nowMs,
    retentionDays: options.eventRetentionDays ?? 30,
    lagMs: () => settings.eventLagMs,
  });
  const endpoints = createWebhookEndpoints(seed);
  const announcer = createAnnouncer({
    events,
    endpoints,
    secrets: () => settings.webhookSecrets,
    apiVersion: () => settings.apiVersion,
    account: () => settings.eventAccount ?? undefined,
    livemode: () => settings.eventLivemode,
  });
  const changes = createChanges(account, announcer, nowMs);
  const parts = createParts(account);
  const lists = createLists(account, parts, {
    paymentMethodsWithoutCustomer: () => settings.paymentMethodsWithoutCustomer,
  });
  const retrieve = createRetrieve(account, parts);
  const expand = createExpand(account, parts);
  const truth = createTruth(account, parts, () => settings.truth);
  const idempotency = createIdempotency();
  const write = createWrites(changes, parts);
  let mutate = createMutate(changes, seed);
  let mutating: SandboxDelivery[] = [];
  const ink = new Ink();
  let requests = 0;
  /** Connect: the header names the account that is meant. */
  const accountOf = ({ headers }: SandboxRequest) => headers['stripe-account'] ?? settings.accountId;

  function listAnswer({ page, url, expand: paths }: ListAnswer, version: string): string | Uint8Array<ArrayBuffer> {
    if (paths.length === 0 && !isOlder(version)) {
      ink.ascii('{"object":"list","data":[');
      page.write(ink);
      ink.ascii(`],"has_more":${page.hasMore},"url":"${url}"}`);
      return ink.taken();
    }
    const list = {
      object: 'list',
      data: page.texts().map((text) => JSON.parse(text) as unknown),
      has_more: page.hasMore,
      url,
    };
    return objectText(list as unknown as StripeObject, paths, version);
  }

  function objectText(object: object, paths: readonly string[], version: string): string {
    const expanded = paths.length > 0 ? expand(object as StripeObject, paths) : object;
    return JSON.stringify(isOlder(version) ? downgrade(expanded, version) : expanded);
  }

  function read(request: SandboxRequest, version: string): string | Uint8Array<ArrayBuffer> | undefined {
    const { path, query } = request;
    const list = lists(path, query);
    if (list) return listAnswer(list, version);
    if (path === '/v1/events') {
      const { texts, hasMore } = listEvents(events, query);
      return listText(texts, hasMore, path);
    }
    if (path.startsWith('/v1/events/')) {
      const event = events.find(path.slice('/v1/events/'.length));
      if (!event) throw missing(404, 'event', path.slice('/v1/events/'.length));
      return eventText(event);
    }
    if (path === '/v1/account') return JSON.stringify(accountObject(account.population.untilS, accountOf(request)));
    if (path === '/v1/webhook_endpoints')
      return listText(
        endpoints.list().map((one) => JSON.stringify(endpointObject(one))),
        false,
        path,
      );
    if (path.startsWith('/v1/webhook_endpoints/'))
      return JSON.stringify(endpointObject(endpoints.get(path.slice('/v1/webhook_endpoints/'.length))));
    const text = retrieve(path);
    if (text === undefined) return undefined;
    const paths: string[] = [];
    for (const [name, value] of query) {
      if (!/^expand\[\d*\]$/.test(name)) throw unknownParameter(name);
      paths.push(value);
    }
    return paths.length === 0 && !isOlder(version) ? text : objectText(JSON.parse(text) as object, paths, version);
  }

  function change(request: SandboxRequest, version: string): string | undefined {
    const { method, path, body } = request;
    if (path === '/v1/webhook_endpoints' && method === 'POST')
      return JSON.stringify(endpointObject(endpoints.create(parseForm(body), changes.nowS()), true));
    if (path.startsWith('/v1/webhook_endpoints/')) {
      const id = path.slice('/v1/webhook_endpoints/'.length);
      if (method === 'POST') return JSON.stringify(endpointObject(endpoints.update(id, parseForm(body))));
      endpoints.remove(id);
      return JSON.stringify({ id, object: 'webhook_endpoint', deleted: true });
    }
    const object = write(method, path, body);
    if (object === undefined) return undefined;
    const paths = [...new URLSearchParams(body)]
      .filter(([name]) => name.startsWith('expand'))
      .map(([, value]) => value);
    return objectText(structuredClone(object), paths, version);
  }

  function answer(request: SandboxRequest, requestId: string): SandboxAnswer {
    let headers: Record<string, string> = { 'content-type': 'application/json', 'request-id': requestId };
    try {
      checkKey(request, keys, settings.denied, accountOf(request));
      const version = parseVersion(request.headers['stripe-version'] ?? settings.apiVersion);
      headers = { ...headers, 'stripe-version': version };
      const make = (body: string | Uint8Array<ArrayBuffer> | undefined): SandboxAnswer => {
        if (body === undefined)
          throw new StripeProblem(
            404,
            `Unrecognized request URL (${request.method}: ${request.path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`,
          );
        return { status: 200, headers, body };
      };
      if (request.method === 'GET') return make(read(request, version));
      announcer.causedBy({ requestId, idempotencyKey: request.headers['idempotency-key'] ?? null });
      return idempotency.once(request, () => make(change(request, version)));
    } catch (problem) {
      if (!(problem instanceof StripeProblem)) throw problem;
      const refused = problem.answer();
      return { ...refused, headers };
    } finally {
      announcer.causedBy({ requestId: null, idempotencyKey: null });
    }
  }

  return {
    name: 'stripe',
    settings,
    apiKey: keys[0] ?? '',
    ...rateHooks,
    handle: (request) => answer(request, `req_${hashText(seed, String(requests++)).toString(36).padStart(14, 'A')}`),
    mutate() {
      mutate();
      mutating = [...announcer.take()];
      return mutating;
    },
    takeDeliveries: () => announcer.take(),
    counts: truth.counts,
    objects: truth.objects,
    ids: truth.ids,
    control(path, body) {
      if (path !== 'stripe') return undefined;
      Object.assign(settings, body);
      return settings;
    },
    reset() {
      for (const name of TABLE_NAMES) account.tables[name].clear();
      events.clear();
      endpoints.clear();
      idempotency.clear();
      announcer.take();
      Object.assign(settings, createSettings(options));
      mutate = createMutate(changes, seed);
    },
  };
}

function listText(texts: readonly string[], hasMore: boolean, url: string): string {
  return `{"object":"list","data":[${texts.join(',')}],"has_more":${hasMore},"url":"${url}"}`;
}
