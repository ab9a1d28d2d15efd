import type { SandboxDelivery } from './provider.ts';
import { createRandom } from './random.ts';

export interface DeliverySettings {
  /** Receiver of deliveries that name no address of their own. `null`: nobody. */
  readonly url?: string | null;
  /** Shares, 0…1. A dropped delivery is never sent; a reordered one is sent after later ones. */
  readonly drop?: number;
  readonly duplicate?: number;
  readonly reorder?: number;
  /** Waited before each sending. */
  readonly delayMs?: number;
  readonly concurrency?: number;
  /** Attempts are given up after this time. Default 10 s. */
  readonly timeoutMs?: number;
  /** Overrides the provider's schedule; `[]` for no retries. */
  readonly retryDelaysMs?: readonly number[];
}

export interface DeliveryStats {
  readonly announced: number;
  readonly sent: number;
  readonly accepted: number;
  readonly refused: number;
  readonly failed: number;
  readonly dropped: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly retried: number;
  readonly givenUp: number;
  readonly withoutReceiver: number;
  readonly waiting: number;
}

export interface DelivererOptions {
  readonly seed: number;
  readonly nowMs: () => number;
  readonly retryDelaysMs?: readonly number[];
  readonly fetch?: typeof fetch;
  /** Injected so that tests pass without waiting. */
  readonly sleep?: (ms: number) => Promise<void>;
  readonly settings?: DeliverySettings;
}

export interface Deliverer {
  set(settings: DeliverySettings): void;
  settings(): DeliverySettings;
  send(deliveries: readonly SandboxDelivery[]): void;
  /** Sends what was held back for reordering, and waits until nothing is under way or queued. */
  idle(): Promise<void>;
  stats(): DeliveryStats;
  stop(): void;
}

const RETRY_DELAYS_MS = [1_000, 5_000, 30_000, 300_000, 1_800_000];
const HELD_MS = 500;

export function createDeliverer(options: DelivererOptions): Deliverer {
  const post = options.fetch ?? fetch;
  const sleep = options.sleep ?? ((ms) => new Promise<void>((done) => setTimeout(done, ms).unref()));
  const random = createRandom(options.seed);
  let settings: DeliverySettings = options.settings ?? {};
  let stopped = false;
  let running = 0;
  let sleeping = 0;
  let queue: { delivery: SandboxDelivery; attempt: number }[] = [];
  let held: SandboxDelivery[] = [];
  const waiters: (() => void)[] = [];
  const count = {
    announced: 0,
    sent: 0,
    accepted: 0,
    refused: 0,
    failed: 0,
    dropped: 0,
    duplicated: 0,
    reordered: 0,
    retried: 0,
    givenUp: 0,
    withoutReceiver: 0,
  };

  function enqueue(deliveries: readonly SandboxDelivery[]): void {
    for (const delivery of deliveries) queue.push({ delivery, attempt: 0 });
  }

  function pump(): void {
    while (!stopped && running < (settings.concurrency ?? 8)) {
      const next = queue.shift();
      if (!next) break;
      running++;
      void attempt(next.delivery, next.attempt).finally(() => {
        running--;
        pump();
      });
    }
    if (running === 0 && sleeping === 0 && queue.length === 0) for (const done of waiters.splice(0)) done();
  }

  async function attempt(delivery: SandboxDelivery, number: number): Promise<void> {
    const url = delivery.url ?? settings.url;
    if (!url) {
      count.withoutReceiver++;
      return;
    }
    if (settings.delayMs) await sleep(settings.delayMs);
    count.sent++;
    try {
      const answer = await post(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json; charset=utf-8',
          ...delivery.sign(delivery.body, options.nowMs()),
        },
        body: delivery.body,
        redirect: 'manual',
        signal: AbortSignal.timeout(settings.timeoutMs ?? 10_000),
      });
      await answer.arrayBuffer();
      if (answer.ok) {
        count.accepted++;
        delivery.settled?.(true);
        return;
      }
      count.refused++;
    } catch {
      count.failed++;
    }
    delivery.settled?.(false);
    const delays = settings.retryDelaysMs ?? options.retryDelaysMs ?? RETRY_DELAYS_MS;
    const delay = delays[number];
    if (delay === undefined) {
      count.givenUp++;
      return;
    }
    count.retried++;
    sleeping++;
    void sleep(delay).then(() => {
      sleeping--;
      queue.push({ delivery, attempt: number + 1 });
      pump();
    });
  }

  function release(): void {
    enqueue(held);
    held = [];
    pump();
  }

  return {
    set(next) {
      settings = { ...settings, ...next };
    },
    settings: () => settings,
    send(deliveries) {
      if (deliveries.length === 0) return;
      const now: SandboxDelivery[] = [];
      const later: SandboxDelivery[] = [];
      for (const delivery of deliveries) {
        count.announced++;
        if (random.chance(settings.drop ?? 0)) {
          count.dropped++;
          delivery.settled?.(false);
          continue;
        }
        if (random.chance(settings.reorder ?? 0)) {
          count.reordered++;
          later.push(delivery);
        } else now.push(delivery);
        if (random.chance(settings.duplicate ?? 0)) {
          count.duplicated++;
          (random.chance(0.5) ? now : later).push(delivery);
        }
      }
      enqueue(now);
      enqueue(held.reverse());
      held = later;
      if (held.length > 0) {
        const batch = held;
        void sleep(HELD_MS).then(() => held === batch && release());
      }
      pump();
    },
    async idle() {
      release();
      if (running === 0 && sleeping === 0 && queue.length === 0) return;
      await new Promise<void>((done) => waiters.push(done));
    },
    stats: () => ({ ...count, waiting: queue.length + running + sleeping + held.length }),
    stop() {
      stopped = true;
      queue = [];
      held = [];
      for (const done of waiters.splice(0)) done();
    },
  };
}
