import {
  describeError,
  PermissionError,
  ProviderError,
  RateLimitError,
  RequestRefusedError,
  SupasaasyError,
} from '../../errors.ts';
import { parseJson } from '../../kit/json.ts';
import { instantAt, valueAt } from '../../kit/normalize.ts';
import type { InstantAt, Position, ProviderRequest, Resource } from '../../kit/resource.ts';
import type { App } from '../app.ts';
import type { Engine } from '../engine.ts';
import type { RunOptions } from '../store.ts';
import { type Answer, ask } from './ask.ts';
import { estimateSize, type Glimpse, type Size } from './estimate-size.ts';
import { planRun } from './plan.ts';

export interface ResourceEstimate extends Size {
  readonly resource: string;
  /** Requests of a full pass over its list, and of one for each object where the list only names them. */
  readonly requests: number;
  /** Pages come one after the other: the list cannot be read in ranges. */
  readonly serial: boolean;
}

export interface RunEstimate {
  readonly app_key: string;
  readonly mode: 'full';
  readonly resources: readonly ResourceEstimate[];
  readonly objects: number;
  readonly requests: number;
  readonly minutes: number;
  /** What the time is made of: the provider's limit, its latency at the requests that it takes at a time, one serial list. */
  readonly bound_by: string;
  /** Requests per second as they stand now: what was learned from refusals counts. */
  readonly budget: readonly BudgetShare[];
  readonly missing_permissions: readonly { readonly resource: string; readonly message: string }[];
  readonly problems: readonly string[];
  /** What it cost to find out. */
  readonly requests_sent: number;
  readonly latency_ms: number;
}

interface BudgetShare {
  readonly class: string;
  readonly per_second: number;
  readonly requests: number;
}

const AT_A_TIME = 6;
const MOST_RETRIES = 4;
/** Half-empty pages where ranges end. */
const RANGE_WASTE = 1.03;

/** What a full run would cost, before anything is written: a few requests of each list, through the rate budget. */
export async function estimateRun(
  engine: Engine,
  appKey: string,
  options: RunOptions,
  signal: AbortSignal,
): Promise<RunEstimate> {
  const app = engine.app(appKey);
  const { ports, store, context } = engine;
  const latencies: number[] = [];
  const refused = new Map<string, string>();
  const problems: string[] = [];
  let sent = 0;

  app.account();
  async function request(wanted: ProviderRequest): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted();
      await context.budget.acquire(app, wanted, 1, signal);
      sent += 1;
      const began = ports.monotonic();
      try {
        const answer = await ask(app, wanted, ports, signal);
        latencies.push(ports.monotonic() - began);
        return answer;
      } catch (error) {
        const again = error instanceof RateLimitError || (error instanceof ProviderError && attempt <= MOST_RETRIES);
        if (!again || signal.aborted) throw error;
        await ports.sleep(error.retryAfterMs ?? 500 * 2 ** attempt, signal);
      }
    }
  }

  const tasks = planRun(app, 'full', options, {}, ports.now());
  const sizes = new Map<string, Size[]>();
  const waiting = [...tasks];
  async function work(): Promise<void> {
    for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
      const resource = app.config.connector.resources[task.resource];
      if (resource?.list === undefined || refused.has(resource.name)) continue;
      const variant = task.input?.variant === undefined ? undefined : resource.list.variants?.[task.input.variant];
      try {
        const look = (position: Omit<Position, 'limit'>) => glimpse(app, resource, position, request);
        const size = await estimateSize(resource, look, { variant, from: task.range_from });
        sizes.set(resource.name, [...(sizes.get(resource.name) ?? []), size]);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof SupasaasyError) || error.recovery === 'pause') throw error;
        if (error instanceof PermissionError) refused.set(resource.name, describeError(error));
        else problems.push(`${resource.name}: ${describeError(error)}`);
      }
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, work));

  const estimates = [...sizes].map(([name, parts]) => estimateOf(app, name, parts));
  const latencyMs = median(latencies);
  const budget = await budgetOf(app, estimates, (rateClass) => store.rateOf(app.key, rateClass));
  const objects = estimates.reduce((sum, one) => sum + one.objects, 0);
  const requests = estimates.reduce((sum, one) => sum + one.requests, 0);
  const { seconds, bound_by } = slowest(app, estimates, budget, latencyMs);
  return {
    app_key: appKey,
    mode: 'full',
    resources: estimates,
    objects,
    requests,
    minutes: Math.round((seconds / 60) * 100) / 100,
    bound_by,
    budget,
    missing_permissions: [...refused].map(([resource, message]) => ({ resource, message })),
    problems,
    requests_sent: sent,
    latency_ms: Math.round(latencyMs),
  };
}

/** One page, and what it tells of the list. */
async function glimpse(
  app: App,
  resource: Resource,
  position: Omit<Position, 'limit'>,
  request: (wanted: ProviderRequest) => Promise<Answer>,
): Promise<Glimpse> {
  const { list } = resource;
  if (list === undefined) return { records: 0, more: false };
  // An estimate has no effect either: a scroll is only opened by a sync.
  const wanted =
    list.total?.request ??
    (list.next.style === 'scroll'
      ? list.probe
      : app.config.connector.page(resource, { ...position, limit: list.pageSize }));
  if (wanted === undefined) throw new RequestRefusedError('its list cannot be looked at without an effect');
  const body: unknown = parseJson((await request(wanted)).body);
  const total = list.total === undefined ? undefined : valueAt(body, list.total.path);
  const records = valueAt(body, resource.records ?? []);
  const all: readonly unknown[] = Array.isArray(records) ? records : [];
  const next = list.next;
  const more =
    next.style === 'last_id'
      ? valueAt(body, next.more) === true
      : next.style !== 'none' && valueAt(body, next.path) != null;
  const newest = createdAt(all[0], resource.created);
  const oldest = createdAt(all.at(-1), resource.created);
  return {
    records: all.length,
    more,
    ...(typeof total === 'number' ? { total } : {}),
    ...(newest === undefined ? {} : { newest }),
    ...(oldest === undefined ? {} : { oldest }),
  };
}

function createdAt(record: unknown, at: InstantAt | undefined): number | undefined {
  const ms = instantAt(record, at);
  return ms === null ? undefined : Math.floor(ms / 1000);
}

/** The variants of a list together. */
function estimateOf(app: App, name: string, parts: readonly Size[]): ResourceEstimate {
  const list = app.config.connector.resources[name]?.list;
  const sum = (pick: (size: Size) => number) => parts.reduce((all, size) => all + pick(size), 0);
  const objects = sum((size) => size.objects);
  const pages = parts.reduce((all, size) => all + Math.max(1, Math.ceil(size.objects / (list?.pageSize ?? 100))), 0);
  const large = list?.ranged === true && pages > 10;
  const worst = (['at_least', 'sampled', 'counted', 'exact'] as const).find((how) =>
    parts.some((size) => size.how === how),
  );
  return {
    resource: name,
    objects,
    how: worst ?? 'exact',
    ...(worst === 'sampled'
      ? { low: sum((size) => size.low ?? size.objects), high: sum((size) => size.high ?? size.objects) }
      : {}),
    requests: Math.ceil(pages * (large ? RANGE_WASTE : 1)) + (list?.partial === true ? objects : 0),
    serial: list?.ranged !== true,
  };
}

/** What each bucket must give, and how fast it fills. */
async function budgetOf(
  app: App,
  estimates: readonly ResourceEstimate[],
  learned: (rateClass: string) => Promise<number | null>,
): Promise<BudgetShare[]> {
  const wanted = new Map<string, number>();
  const { limits, resources, page } = app.config.connector;
  for (const { resource: name, objects, requests } of estimates) {
    const resource = resources[name];
    if (resource?.list === undefined) continue;
    const retrieves = resource.list.partial === true ? objects : 0;
    const add = (request: ProviderRequest, count: number) => {
      for (const rateClass of limits.classes(request)) wanted.set(rateClass, (wanted.get(rateClass) ?? 0) + count);
    };
    add(page(resource, { limit: resource.list.pageSize }), requests - retrieves);
    if (retrieves > 0 && resource.retrieve !== undefined) add({ path: resource.retrieve.path }, retrieves);
  }
  const shares: BudgetShare[] = [];
  for (const [rateClass, requests] of wanted) {
    const { perSecond } = limits.limit(rateClass, app.account());
    shares.push({
      class: rateClass,
      per_second: Math.min(perSecond, (await learned(rateClass)) ?? perSecond),
      requests,
    });
  }
  return shares;
}

function slowest(
  app: App,
  estimates: readonly ResourceEstimate[],
  budget: readonly BudgetShare[],
  latencyMs: number,
): { seconds: number; bound_by: string } {
  const requests = estimates.reduce((sum, one) => sum + one.requests, 0);
  const concurrency = app.config.connector.limits.concurrency(app.account());
  const bounds = [
    ...budget.map((share) => ({
      seconds: share.requests / share.per_second,
      bound_by: `${share.per_second} requests a second (${share.class})`,
    })),
    {
      seconds: (requests * latencyMs) / 1000 / concurrency,
      bound_by: `${concurrency} requests at a time, ${Math.round(latencyMs)} ms each`,
    },
    ...estimates
      .filter((one) => one.serial)
      .map((one) => ({
        seconds: (one.requests * latencyMs) / 1000,
        bound_by: `${one.resource}: one page after the other, ${Math.round(latencyMs)} ms each`,
      })),
  ];
  return bounds.reduce((most, bound) => (bound.seconds > most.seconds ? bound : most), {
    seconds: 0,
    bound_by: 'nothing: there is next to nothing to read',
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
