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
import { judgeAccount, judgeUntold } from './judge-account.ts';

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
/** A delivery that only the account can judge waits so long for the next look. */
const HELD_MS = 5_000;

/** The account that an app mirrors: recorded, or asked for now; null where the provider does not say. */
export type FindAccount = (app: App) => Promise<string | null>;

/** Works the inbox until nothing is due. Returns how many deliveries were settled. */
export async function drainInbox(
  store: Store,
  fitness: Pick<Fitness, 'fit'>,
  ports: Ports,
  findAccount: FindAccount,
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
      if (app === undefined) continue;
      // Apart, because each call has one origin.
      for (const replayed of [false, true]) {
        const deliveries = claimed.filter((d) => d.app_key === key && d.replayed === replayed);
        settled += await processDeliveries(store, app, deliveries, ports, findAccount, options);
      }
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
  findAccount: FindAccount,
  options: DrainOptions,
): Promise<number> {
  const [first] = deliveries;
  if (first === undefined) return 0;
  const token = first.lease_token;
  const placed: PlacedEvent[] = [];
  const settled: SettledDelivery[] = [];
  const held: number[] = [];
  const recorded = createRecorded(app, first.account, findAccount);
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
    let judged = judgeAccount(app, event, first.account);
    if (judged.verdict === 'unknown') {
      const account = await recorded();
      if (account === undefined) {
        held.push(delivery.id);
        continue;
      }
      judged = account === null ? judgeUntold(app, event) : judgeAccount(app, event, account);
    }
    const reason = judged.verdict === 'foreign' ? judged.reason : reasonToIgnore(app, event);
    if (reason === undefined) placed.push({ event, inbox: delivery.id });
    settled.push({ id: delivery.id, state: reason === undefined ? 'processed' : 'ignored', reason: reason ?? null });
  }
  if (held.length > 0)
    await store.holdDeliveries(token, held, 'waits until the account that this app mirrors is known', HELD_MS);
  if (settled.length === 0) return 0;
  try {
    await store.ingestEvents(app.key, token, groupEvents(app, placed), settled, {
      source: 'event',
      origin: first.replayed ? 'replay' : 'webhook',
      ...(deliveries.length === 1 ? { origin_id: first.event_id } : {}),
      priority: 0,
      purge: app.config.on_delete === 'purge',
    });
    return settled.length;
  } catch (error) {
    if (error instanceof LeaseLostError) return 0;
    // One bad delivery must not hold back the others: each alone, then.
    if (deliveries.length > 1 && (isBadData(error) || !(error instanceof DatabaseError))) {
      let sum = 0;
      for (const delivery of deliveries)
        if (!held.includes(delivery.id))
          sum += await processDeliveries(store, app, [delivery], ports, findAccount, options);
      return sum;
    }
    const { attempts } = first;
    const delay =
      Math.min(LONGEST_BACKOFF_MS, (options.retryBaseMs ?? 1000) * 2 ** (attempts - 1)) * (0.5 + ports.random() / 2);
    const { dead } = await store.releaseDeliveries(
      token,
      settled.map(({ id }) => id),
      describeError(error),
      delay,
      options.maxAttempts ?? 10,
      isBadData(error),
    );
    ports.log(
      dead > 0 ? 'error' : 'warn',
      `${app.key}: ${settled.length} deliveries could not be processed: ${describeError(error)}`,
    );
    return 0;
  }
}

/** The account of one batch, asked for once; undefined where it cannot be found out now. */
function createRecorded(app: App, known: string | null, find: FindAccount): () => Promise<string | null | undefined> {
  let asked: Promise<string | null | undefined> | undefined;
  return () => {
    asked ??= known === null ? find(app).catch(() => undefined) : Promise.resolve(known);
    return asked;
  };
}
