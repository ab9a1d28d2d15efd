import { matchesPath } from './path-pattern.ts';
import type { SandboxRequest } from './provider.ts';
import { hash } from './random.ts';

/**
 * What goes wrong: a status (answered in the provider's words), `reset` (connection cut before an answer),
 * `lost` (handled, then cut: the client cannot know), `truncate` (body cut in the middle), `latency`,
 * `hang` (no answer until the client gives up), `html` (an error page of something in between).
 */
export type FaultKind = number | 'reset' | 'lost' | 'truncate' | 'latency' | 'hang' | 'html';

export interface FaultRule {
  readonly kind: FaultKind;
  /** Path with `*`; default: every path. */
  readonly path?: string;
  readonly method?: string;
  /** Share of the matching requests, 0…1. Default 1. */
  readonly rate?: number;
  /** Begin with the nth matching request (1 is the first). */
  readonly nth?: number;
  /** At most so many times. Default: once with `nth`, else without end. */
  readonly times?: number;
  readonly latencyMs?: number;
  /** Added to the latency, drawn from the seed. */
  readonly jitterMs?: number;
  /** For 429. */
  readonly retryAfterMs?: number;
}

export interface Fault {
  readonly rule: FaultRule;
  readonly latencyMs: number;
}

export interface Faults {
  set(rules: readonly FaultRule[]): void;
  rules(): readonly FaultRule[];
  /** The faults that meet this request: at most one of each sort, latency adds up with any other. */
  draw(request: Pick<SandboxRequest, 'method' | 'path'>): Fault | undefined;
  /** How often each rule has struck, in the order of the rules. */
  struck(): readonly number[];
}

export function createFaults(seed: number, initial: readonly FaultRule[] = []): Faults {
  let rules = initial;
  let seen: number[] = [];
  let struck: number[] = [];

  return {
    set(next) {
      rules = next;
      seen = [];
      struck = [];
    },
    rules: () => rules,
    struck: () => rules.map((_, i) => struck[i] ?? 0),
    draw(request) {
      if (rules.length === 0) return undefined;
      let latencyMs = 0;
      let chosen: FaultRule | undefined;
      for (const [i, rule] of rules.entries()) {
        if (chosen && rule.kind !== 'latency') continue;
        if (rule.method && rule.method !== request.method) continue;
        if (rule.path && !matchesPath(rule.path, request.path)) continue;
        const count = (seen[i] ?? 0) + 1;
        seen[i] = count;
        if (rule.nth !== undefined && count < rule.nth) continue;
        const times = rule.times ?? (rule.nth === undefined ? Number.POSITIVE_INFINITY : 1);
        if ((struck[i] ?? 0) >= times) continue;
        if (rule.rate !== undefined && hash(seed, count, i + 1) / 4294967296 >= rule.rate) continue;
        struck[i] = (struck[i] ?? 0) + 1;
        latencyMs +=
          (rule.latencyMs ?? 0) + Math.floor((hash(seed, count, i + 77) / 4294967296) * (rule.jitterMs ?? 0));
        if (rule.kind !== 'latency') chosen = rule;
      }
      if (chosen) return { rule: chosen, latencyMs };
      return latencyMs > 0 ? { rule: { kind: 'latency' }, latencyMs } : undefined;
    },
  };
}
