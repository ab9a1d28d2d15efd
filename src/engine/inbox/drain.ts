import { DatabaseError, describeError, LeaseLostError } from '../../errors.ts';
import type { NormalizedEvent } from '../../kit/connector.ts';
import type { App } from '../app.ts';
import type { Fitness } from '../fleet/fitness.ts';
import { excessOf } from '../json-limits.ts';
import type { Ports } from '../ports.ts';
import { isBadData } from '../sql-errors.ts';
import type { ClaimedDelivery, SettledDelivery, Store } from '../store.ts';
import { reasonToIgnore } from './accept.ts';
import { groupEvents, type PlacedEvent } from './group.ts';

export interface DrainOptions {
  readonly signal?: AbortSignal;
  readonly deadline?: number;
  readonly spent?: () => boolean;
  readonly batch?: number;
  /** Deliveries gather for so long after a batch that was not full: under load few calls of many, not many of few. */
  readonly gatherMs?: number;
  /** Told after each batch. */
  readonly onBatch?: () => void;
  readonly maxAttempts?: number;
  readonly retryBaseMs?: number;
}

const BATCH = 300;
const LEASE_SECONDS = 30;
const LONGEST_BACKOFF_MS = 300_000;

/** Works the inbox until nothing is due. Returns how many deliveries were settled. */
export async function drainInbox(
  store: Store,
  fitness: Pick<Fitness, 'fit'>,
  ports: Ports,
  options: DrainOptions = {},
): Promise<number> {
  let settled = 0;
  const stop = () =>
    options.signal?.aborted === true ||
    (options.deadline !== undefined && ports.monotonic() >= options.deadline) ||
    options.spent?.() === true;
  while (!stop()) {
    const batch = options.batch ?? BATCH;
    const apps = fitness.fit();
    if (apps.size === 0) break;
    const claimed = await store.claimInbox(batch, LEASE_SECONDS, { apps: [...apps.keys()] });
    if (claimed.length === 0) break;
    for (const key of new Set(claimed.map((d) => d.app_key))) {
      const app = apps.get(key);
      const deliveries = claimed.filter((d) => d.app_key === key);
      if (app !== undefined) settled += await processDeliveries(store, app, deliveries, ports, options);
    }
    options.onBatch?.();
    if (options.gatherMs !== undefined && claimed.length < batch) await ports.sleep(options.gatherMs, options.signal);
  }
  return settled;
}

async function processDeliveries(
  store: Store,
  app: App,
  deliveries: readonly ClaimedDelivery[],
  ports: Ports,
  options: DrainOptions,
): Promise<number> {
  const token = deliveries[0]?.lease_token;
  if (token === undefined) return 0;
  const placed: PlacedEvent[] = [];
  const settled: SettledDelivery[] = [];
  for (const delivery of deliveries) {
    let event: NormalizedEvent;
    // Also one that was accepted before this limit was known, or that is replayed.
    const excess = excessOf(delivery.body);
    if (excess !== undefined) {
      settled.push({ id: delivery.id, state: 'dead', reason: `cannot be stored: ${excess}` });
      continue;
    }
    try {
      event = app.config.connector.webhook.parse(delivery.body);
    } catch (error) {
      settled.push({ id: delivery.id, state: 'dead', reason: `cannot be read: ${describeError(error)}` });
      continue;
    }
    const reason = reasonToIgnore(app, event);
    if (reason === undefined) placed.push({ event, inbox: delivery.id });
    settled.push({ id: delivery.id, state: reason === undefined ? 'processed' : 'ignored', reason: reason ?? null });
  }
  try {
    await store.ingestEvents(app.key, token, groupEvents(app, placed), settled, {
      source: 'event',
      origin: 'webhook',
      ...(deliveries.length === 1 && deliveries[0] !== undefined ? { origin_id: deliveries[0].event_id } : {}),
      priority: 0,
      purge: app.config.on_delete === 'purge',
    });
    return settled.length;
  } catch (error) {
    if (error instanceof LeaseLostError) return 0;
    // One bad delivery must not hold back the others: each alone, then.
    if (deliveries.length > 1 && (isBadData(error) || !(error instanceof DatabaseError))) {
      let sum = 0;
      for (const delivery of deliveries) sum += await processDeliveries(store, app, [delivery], ports, options);
      return sum;
    }
    const attempts = deliveries[0]?.attempts ?? 1;
    const delay =
      Math.min(LONGEST_BACKOFF_MS, (options.retryBaseMs ?? 1000) * 2 ** (attempts - 1)) * (0.5 + ports.random() / 2);
    const { dead } = await store.releaseDeliveries(
      token,
      deliveries.map((d) => d.id),
      describeError(error),
      delay,
      options.maxAttempts ?? 10,
      isBadData(error),
    );
    ports.log(
      dead > 0 ? 'error' : 'warn',
      `${app.key}: ${deliveries.length} deliveries could not be processed: ${describeError(error)}`,
    );
    return 0;
  }
}
