import type { RateBudget, RateRefusal } from './provider.ts';

export interface Limit {
  readonly limit: number;
  readonly windowMs: number;
  /** `bucket` refills steadily, `window` starts anew at each multiple of `windowMs`. Default `bucket`. */
  readonly kind?: 'bucket' | 'window';
}

export interface RateLimitSettings {
  readonly global?: Limit;
  /** For each endpoint class without an own entry. */
  readonly endpoint?: Limit;
  readonly endpoints?: Readonly<Record<string, Limit>>;
  /** Requests under way at the same time. */
  readonly concurrency?: number;
}

export interface RateCounters {
  readonly allowed: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly peakConcurrency: number;
  readonly perClass: Readonly<Record<string, { allowed: number; refused: number }>>;
}

export type Admission =
  | { readonly admitted: true; readonly budget: RateBudget | undefined }
  | { readonly admitted: false; readonly refusal: RateRefusal; readonly budget: RateBudget | undefined };

export interface RateLimit {
  set(settings: RateLimitSettings): void;
  settings(): RateLimitSettings;
  /** Every admitted request must be released when its answer is finished. */
  admit(endpointClass: string): Admission;
  release(): void;
  counters(): RateCounters;
  resetCounters(): void;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

export function createRateLimit(nowMs: () => number, initial: RateLimitSettings = {}): RateLimit {
  let settings = initial;
  let buckets = new Map<string, Bucket>();
  let underWay = 0;
  let allowed = 0;
  let refused: Record<string, number> = {};
  let peakConcurrency = 0;
  let perClass: Record<string, { allowed: number; refused: number }> = {};

  function fill(name: string, limit: Limit, now: number): Bucket {
    let bucket = buckets.get(name);
    if (!bucket) {
      bucket = { tokens: limit.limit, atMs: now };
      buckets.set(name, bucket);
    }
    if (limit.kind === 'window') {
      if (Math.floor(now / limit.windowMs) !== Math.floor(bucket.atMs / limit.windowMs)) bucket.tokens = limit.limit;
    } else {
      bucket.tokens = Math.min(limit.limit, bucket.tokens + ((now - bucket.atMs) * limit.limit) / limit.windowMs);
    }
    bucket.atMs = now;
    return bucket;
  }

  function resetAt(limit: Limit, bucket: Bucket, now: number): number {
    if (limit.kind === 'window') return (Math.floor(now / limit.windowMs) + 1) * limit.windowMs;
    return now + Math.max(0, ((1 - bucket.tokens) * limit.windowMs) / limit.limit);
  }

  return {
    set(next) {
      settings = next;
      buckets = new Map();
    },
    settings: () => settings,
    admit(endpointClass) {
      const now = nowMs();
      perClass[endpointClass] ??= { allowed: 0, refused: 0 };
      const counts = perClass[endpointClass];
      const endpoint = settings.endpoints?.[endpointClass] ?? settings.endpoint;
      const checks: [RateRefusal['reason'], Limit, Bucket][] = [];
      if (settings.global) checks.push(['global-rate', settings.global, fill('', settings.global, now)]);
      if (endpoint) checks.push(['endpoint-rate', endpoint, fill(endpointClass, endpoint, now)]);

      const empty = checks.find(([, , bucket]) => bucket.tokens < 1);
      const crowded = settings.concurrency !== undefined && underWay >= settings.concurrency;
      const tightest = checks.reduce<(typeof checks)[number] | undefined>(
        (least, check) => (!least || check[2].tokens < least[2].tokens ? check : least),
        undefined,
      );
      if (empty || crowded) {
        const reason = empty ? empty[0] : 'global-concurrency';
        refused[reason] = (refused[reason] ?? 0) + 1;
        counts.refused++;
        const retryAfterMs = empty ? Math.ceil(resetAt(empty[1], empty[2], now) - now) : 100;
        return { admitted: false, refusal: { reason, retryAfterMs }, budget: budgetOf(tightest, now) };
      }
      for (const [, , bucket] of checks) bucket.tokens -= 1;
      allowed++;
      counts.allowed++;
      underWay++;
      peakConcurrency = Math.max(peakConcurrency, underWay);
      return { admitted: true, budget: budgetOf(tightest, now) };
    },
    release() {
      underWay--;
    },
    counters: () => ({ allowed, refused: { ...refused }, peakConcurrency, perClass: { ...perClass } }),
    resetCounters() {
      allowed = 0;
      refused = {};
      peakConcurrency = underWay;
      perClass = {};
    },
  };

  function budgetOf(check: readonly [unknown, Limit, Bucket] | undefined, now: number): RateBudget | undefined {
    if (!check) return undefined;
    const [, limit, bucket] = check;
    return {
      limit: limit.limit,
      remaining: Math.max(0, Math.floor(bucket.tokens)),
      resetAtMs: Math.ceil(limit.kind === 'window' ? resetAt(limit, bucket, now) : now + limit.windowMs),
    };
  }
}
