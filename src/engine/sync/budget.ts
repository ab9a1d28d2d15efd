import { RateLimitError } from '../../errors.ts';
import type { ProviderRequest } from '../../kit/resource.ts';
import type { App } from '../app.ts';
import type { Ports } from '../ports.ts';
import type { Store } from '../store.ts';

/** Permission to send requests, shared with every other worker through the database. */
export interface Budget {
  /** Waits until the request may be sent. Resolves false when `signal` ended the wait. */
  acquire(app: App, request: ProviderRequest, priority: number, signal: AbortSignal): Promise<boolean>;
  /** What the provider answered: too many (with its wish), or fine. */
  report(app: App, request: ProviderRequest, limited: boolean, retryAfterMs?: number): Promise<void>;
  /** Share of the requests allowed to an app's busiest bucket that this process has sent in the last seconds, 0 … 1. */
  use(appKey: string): number;
}

/** Tokens taken ahead are given up after this long: a worker that sleeps must not burst. */
const HELD_MS = 1_000;
/** Taken at one time at most. */
const MOST_TOKENS = 25;
/** Longer than this nobody waits with a task in hand. */
const LONGEST_WAIT_MS = 5_000;
/** Fine answers before the rate is raised a step. */
const RAISE_AFTER = 50;

interface Held {
  rate: number;
  fine: number;
  /** Monotonic milliseconds of what was sent in the last seconds. */
  sent: number[];
  /** By priority: whoever may take the reserve waits for nobody who may not. */
  readonly purses: Map<number, Purse>;
}

/** Tokens taken ahead. */
interface Purse {
  tokens: number;
  until: number;
  taking: Promise<void> | undefined;
}

/** `use` looks back so far. */
const USE_MS = 5_000;

export function createBudget(store: Store, ports: Ports): Budget {
  const held = new Map<string, Held>();
  const heldFor = (key: string): Held => {
    const h = held.get(key) ?? { rate: 0, fine: 0, sent: [], purses: new Map() };
    held.set(key, h);
    return h;
  };
  const purseOf = ({ purses }: Held, priority: number): Purse => {
    const purse = purses.get(priority) ?? { tokens: 0, until: 0, taking: undefined };
    purses.set(priority, purse);
    return purse;
  };

  /** One caller asks the database, the others wait for what it brings. Resolves to milliseconds to sleep. */
  async function take(app: App, rateClass: string, h: Held, purse: Purse, priority: number): Promise<number> {
    const limit = app.config.connector.limits.limit(rateClass, app.account());
    const want = Math.max(1, Math.min(MOST_TOKENS, Math.floor(limit.burst / 5)));
    const { granted, wait_ms, rate } = await store.takeTokens(
      app.key,
      rateClass,
      want,
      priority,
      limit.perSecond,
      limit.burst,
    );
    purse.tokens = granted;
    purse.until = ports.monotonic() + HELD_MS;
    h.rate = rate ?? h.rate;
    return wait_ms;
  }

  return {
    async acquire(app, request, priority, signal) {
      for (const rateClass of app.config.connector.limits.classes(request)) {
        const h = heldFor(`${app.key}/${rateClass}`);
        const purse = purseOf(h, priority);
        for (;;) {
          if (signal.aborted) return false;
          if (purse.tokens > 0 && ports.monotonic() < purse.until) {
            purse.tokens -= 1;
            h.sent.push(ports.monotonic());
            if (h.sent.length > 2 * USE_MS) h.sent = h.sent.filter((at) => at > ports.monotonic() - USE_MS);
            break;
          }
          if (purse.taking !== undefined) {
            await purse.taking;
            continue;
          }
          const turn = (async () => {
            const wait = await take(app, rateClass, h, purse, priority);
            // A lease must not run out over a wait: the task goes back to the queue for so long.
            if (wait > LONGEST_WAIT_MS)
              throw new RateLimitError(`${app.key}: no request for ${wait} ms`, { retryAfterMs: wait });
            if (wait > 0) await ports.sleep(wait, signal);
          })();
          purse.taking = turn.catch(() => {});
          try {
            await turn;
          } finally {
            purse.taking = undefined;
          }
        }
      }
      return true;
    },
    use(appKey) {
      const now = ports.monotonic();
      let most = 0;
      for (const [key, h] of held) {
        if (!key.startsWith(`${appKey}/`) || h.rate === 0) continue;
        h.sent = h.sent.filter((at) => at > now - USE_MS);
        const span = Math.max(1_000, now - (h.sent[0] ?? now));
        most = Math.max(most, ((h.sent.length / span) * 1_000) / h.rate);
      }
      return Math.min(1, most);
    },
    async report(app, request, limited, retryAfterMs) {
      const [particular] = app.config.connector.limits.classes(request);
      if (particular === undefined) return;
      const h = heldFor(`${app.key}/${particular}`);
      if (limited) {
        for (const purse of h.purses.values()) purse.tokens = 0;
        h.fine = 0;
        await store.learnRate(app.key, particular, true, retryAfterMs ?? null);
        return;
      }
      h.fine += 1;
      if (h.fine < RAISE_AFTER) return;
      h.fine = 0;
      if (h.rate < app.config.connector.limits.limit(particular, app.account()).perSecond)
        await store.learnRate(app.key, particular, false, null);
    },
  };
}
