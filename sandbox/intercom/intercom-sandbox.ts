import type { SandboxAnswer, SandboxDelivery, SandboxProvider, SandboxRequest } from '../http/provider.ts';
import type { RateLimitSettings } from '../http/rate-limit.ts';
import { createCompanyOrder } from './company-order.ts';
import { createCompanyScroll } from './company-scroll.ts';
import { controlIntercom } from './control.ts';
import { errorList, HttpError } from './http-error.ts';
import { MUTATION_WEIGHTS, type MutationKind, mutateWorld } from './mutate.ts';
import { createNotifier, type Notifier } from './notification.ts';
import { createProvoke, type Provoke } from './provoke.ts';
import { companyRoutes } from './routes/companies.ts';
import { contactRoutes } from './routes/contacts.ts';
import { conversationRoutes } from './routes/conversations.ts';
import { createRouteTable, type Workspace } from './routes/route.ts';
import { ticketRoutes } from './routes/tickets.ts';
import { workspaceRoutes } from './routes/workspace.ts';
import { createCalendar } from './search/day.ts';
import { hash32, hex } from './state/hash.ts';
import { type IntercomSize, parseSize } from './state/size.ts';
import { createWorld } from './state/world.ts';
import { countsOf, idsOf, objectsOf } from './truth.ts';

export interface IntercomSandboxOptions {
  readonly seed?: number;
  /** A number of contacts, or numbers per resource. Default: about 9,000 objects in all. */
  readonly size?: number | Partial<IntercomSize>;
  readonly nowMs?: () => number;
  readonly accessToken?: string;
  readonly clientSecret?: string;
  /** IANA name; contact search counts days in it. */
  readonly timezone?: string;
  /** Used where a request names none. */
  readonly version?: IntercomVersion;
  /** How far contact search is behind the contacts. Default 0. */
  readonly searchLagMs?: number;
  /** The world was made until this instant. Default 2025-09-01, or now when that is earlier. */
  readonly anchorMs?: number;
  readonly mutationWeights?: Partial<Record<MutationKind, number>>;
}

export type IntercomVersion = '2.11' | '2.12' | '2.13' | '2.14';

export interface IntercomSandbox extends SandboxProvider {
  readonly appId: string;
  readonly accessToken: string;
  readonly clientSecret: string;
  readonly timezone: string;
  /** Single changes and their deliveries, for tests. */
  readonly provoke: Provoke;
  setSearchLag(ms: number): void;
  expireScroll(): void;
  takeDeliveries(): readonly SandboxDelivery[];
  ids(resource: string): Iterable<string>;
  reset(): void;
}

/** 10,000 requests a minute per app, counted in windows of ten seconds. https://developers.intercom.com/docs/references/rest-api/errors/rate-limiting */
export const INTERCOM_RATE_LIMIT: RateLimitSettings = { global: { limit: 1_667, windowMs: 10_000, kind: 'window' } };

const VERSIONS: readonly IntercomVersion[] = ['2.11', '2.12', '2.13', '2.14'];
const ANCHOR_MS = Date.UTC(2025, 8, 1);
const routeTable = createRouteTable([
  ...contactRoutes,
  ...companyRoutes,
  ...conversationRoutes,
  ...ticketRoutes,
  ...workspaceRoutes,
]);

/** An Intercom workspace in memory. */
export function createIntercomSandbox(options: IntercomSandboxOptions = {}): IntercomSandbox {
  const seed = options.seed ?? 1;
  const nowMs = options.nowMs ?? Date.now;
  const timezone = options.timezone ?? 'America/Los_Angeles';
  const accessToken = options.accessToken ?? 'sandbox-intercom-token';
  const clientSecret = options.clientSecret ?? 'sandbox-intercom-secret';
  const version = options.version ?? '2.14';
  const weights = { ...MUTATION_WEIGHTS, ...options.mutationWeights };
  const size = parseSize(options.size);
  const anchorMs = options.anchorMs ?? Math.min(ANCHOR_MS, nowMs());
  const calendar = createCalendar(timezone);
  let searchLagMs = options.searchLagMs ?? 0;
  let outbox: SandboxDelivery[] = [];
  let turn = 0;
  let answered = 0;
  let { workspace, notifier } = open();

  const provoke = createProvoke(
    () => workspace.world,
    () => notifier,
    minorOf(version),
  );

  function open(): { workspace: Workspace; notifier: Notifier } {
    const world = createWorld({ seed, size, timezone, anchorMs, nowMs });
    const fresh = createNotifier(world, clientSecret);
    return {
      notifier: fresh,
      workspace: {
        world,
        calendar,
        scroll: createCompanyScroll(world),
        companyOrder: createCompanyOrder(world),
        searchLagMs: () => searchLagMs,
        origin: 'https://api.intercom.io',
        announce: (notices) => void outbox.push(...fresh.deliveries(notices)),
      },
    };
  }

  function requestId(): string {
    answered += 1;
    return `req_${hex(hash32(seed, 61, answered), 8)}${hex(answered, 8)}`;
  }

  function answer(status: number, body: SandboxAnswer['body'], id: string, used: string): SandboxAnswer {
    return {
      status,
      headers: { 'content-type': 'application/json; charset=utf-8', 'x-request-id': id, 'intercom-version': used },
      body,
    };
  }

  function failed(status: number, code: string, message: string): SandboxAnswer {
    const id = requestId();
    return answer(status, errorList(id, code, message), id, version);
  }

  function handle(request: SandboxRequest): SandboxAnswer {
    if (request.headers['authorization'] !== `Bearer ${accessToken}`)
      return failed(401, 'unauthorized', 'Access Token Invalid');
    const wanted = request.headers['intercom-version'] ?? version;
    const used = VERSIONS.find((one) => one === wanted);
    if (!used) return failed(400, 'intercom_version_invalid', 'The requested version could not be found');
    const route = routeTable(request.method, request.path);
    if (!route) return failed(404, 'not_found', 'The requested resource was not found');
    const id = requestId();
    try {
      const value = route.handler({
        workspace,
        world: workspace.world,
        request,
        params: route.params,
        minorVersion: minorOf(used),
      });
      return answer(200, isBytes(value) ? value : JSON.stringify(value), id, used);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      return answer(error.status, errorList(id, error.code, error.message), id, used);
    }
  }

  return {
    name: 'intercom',
    appId: workspace.world.appId,
    accessToken,
    clientSecret,
    timezone,
    provoke,
    handle,
    mutate() {
      turn += 1;
      return notifier.deliveries(mutateWorld(workspace.world, turn, weights, minorOf(version)));
    },
    counts: () => countsOf(workspace.world),
    objects: (resource) => objectsOf(workspace.world, resource, minorOf(version)),
    ids: (resource) => idsOf(workspace.world, resource),
    takeDeliveries() {
      const taken = outbox;
      outbox = [];
      return taken;
    },
    setSearchLag(ms) {
      searchLagMs = ms;
    },
    expireScroll: () => workspace.scroll.expire(),
    /** One more try after a minute, then none: our assumption, the documentation names no schedule that we could check. */
    retryDelaysMs: [60_000],
    endpointClass: () => 'app',
    rateHeaders: ({ limit, remaining, resetAtMs }) => ({
      'x-ratelimit-limit': String(limit),
      'x-ratelimit-remaining': String(remaining),
      'x-ratelimit-reset': String(Math.ceil(resetAtMs / 1000)),
    }),
    rateLimited: () => failed(429, 'rate_limit_exceeded', 'Exceeded rate limit of 1667 in 10_seconds'),
    failure(status) {
      if (status === 401) return failed(401, 'unauthorized', 'Access Token Invalid');
      if (status === 403) return failed(403, 'api_plan_restricted', 'Active subscription needed.');
      if (status === 503)
        return failed(503, 'service_unavailable', 'Sorry, the API service is temporarily unavailable');
      return failed(
        status,
        status >= 500 ? 'server_error' : 'client_error',
        status >= 500 ? 'An internal error occurred' : 'The request was refused',
      );
    },
    control: (path, body) =>
      controlIntercom(
        {
          provoke,
          setSearchLag: (ms) => {
            searchLagMs = ms;
          },
          expireScroll: () => workspace.scroll.expire(),
          announce: (deliveries) => void outbox.push(...deliveries),
        },
        path,
        body,
      ),
    reset() {
      turn = 0;
      outbox = [];
      searchLagMs = options.searchLagMs ?? 0;
      ({ workspace, notifier } = open());
    },
  };
}

function minorOf(version: IntercomVersion): number {
  return Number(version.slice(2));
}

/** A page that was written as bytes already. */
const isBytes = (value: unknown): value is Uint8Array<ArrayBuffer> => value instanceof Uint8Array;
