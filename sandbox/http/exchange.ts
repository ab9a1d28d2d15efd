import type { Deliverer } from './deliver.ts';
import type { Faults } from './faults.ts';
import type { SandboxAnswer, SandboxDelivery, SandboxProvider, SandboxRequest } from './provider.ts';
import type { RateLimit } from './rate-limit.ts';

/** What the transport has to do with a request. */
export type Outcome =
  | { readonly kind: 'answer'; readonly answer: SandboxAnswer; readonly latencyMs: number; readonly truncated: boolean }
  | { readonly kind: 'reset'; readonly latencyMs: number }
  | { readonly kind: 'hang' };

export interface Exchange {
  readonly outcome: Outcome;
  /** Called once, when the answer is written or the connection is gone: frees the concurrency slot. */
  end(): void;
}

/** A provider with faults, limits, counters and deliveries around it; the transports share this. */
export interface Sandbox {
  readonly provider: SandboxProvider;
  readonly nowMs: () => number;
  readonly faults: Faults;
  readonly rateLimit: RateLimit;
  readonly deliverer: Deliverer;
  exchange(request: SandboxRequest): Exchange;
  /** Requests per method and path class, e.g. `GET /v1/customers/:id`. */
  requests(): Readonly<Record<string, number>>;
  /** Changes the world and sends the deliveries. */
  mutate(count?: number): readonly SandboxDelivery[];
  /** Continuing change; 0 stops. */
  live(perSecond: number): void;
  reset(): void;
  close(): void;
}
