/**
 * What an emulated provider is: a pure function from request to answer, plus what tests may ask of it.
 *
 * It knows no sockets, so that the same emulator runs behind an HTTP server (`serve.ts`) and inside a
 * process under a virtual clock (`fetch.ts`). Faults, latency and rate limits are added around it.
 */
export interface SandboxRequest {
  readonly method: string;
  /** Path without origin and query, e.g. `/v1/customers/cus_123`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface SandboxAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes (UTF-8) where the provider made some: a large page is not turned into a text on the way. */
  readonly body: string | Uint8Array<ArrayBuffer>;
}

/** A change that the provider tells the world about. */
export interface SandboxDelivery {
  readonly id: string;
  /** Where a subscription made through the provider's own API sends it; absent: the target set by control. */
  readonly url?: string;
  /** Request that the provider would send; the signature is made at sending time, as the provider does. */
  readonly body: string;
  sign(body: string, atMs: number): Readonly<Record<string, string>>;
  /** Told after each attempt, and when it is dropped on request. */
  settled?(accepted: boolean): void;
}

/** Why a request was refused by the limits, in the provider's neutral terms. */
export interface RateRefusal {
  readonly reason: 'global-rate' | 'endpoint-rate' | 'global-concurrency' | 'requested';
  readonly retryAfterMs: number;
}

/** Budget of the bucket that is nearest to empty, for headers on every answer. */
export interface RateBudget {
  readonly limit: number;
  readonly remaining: number;
  readonly resetAtMs: number;
}

export interface SandboxProvider {
  readonly name: string;
  handle(request: SandboxRequest): SandboxAnswer;
  /** One deterministic change of the world (create, update or delete of something), with its deliveries. */
  mutate(): readonly SandboxDelivery[];
  /** Truth: number of living objects per resource, as the provider's API would show them to a complete reader. */
  counts(): Readonly<Record<string, number>>;
  /** Truth: every living object of a resource (JSON text, as `retrieve` would answer), lazily. */
  objects(resource: string): Iterable<{ readonly id: string; readonly json: string }>;

  /** Truth without the bodies; `objects` is used where this is absent. */
  ids?(resource: string): Iterable<string>;
  /** Deliveries caused by requests since the last call (a write through the API announces itself too). */
  takeDeliveries?(): readonly SandboxDelivery[];
  /** Waiting times between attempts of one delivery; the length is the number of retries. */
  readonly retryDelaysMs?: readonly number[];
  /** Group of endpoints that shares a rate limit. Default: the first two path segments. */
  endpointClass?(request: SandboxRequest): string;
  /** The provider's own words for a refusal by rate limit. */
  rateLimited?(refusal: RateRefusal): SandboxAnswer;
  /** The provider's own words for a failure on request (403, 500, 503 …). */
  failure?(status: number): SandboxAnswer;
  /** Headers about the remaining budget, on every answer while a limit is set. */
  rateHeaders?(budget: RateBudget): Readonly<Record<string, string>>;
  /** Control routes of this provider alone: path after `/_sandbox/`, body parsed. `undefined`: not known. */
  control?(path: string, body: unknown): unknown;
  /** Back to the first state of the seed. */
  reset?(): void;
}
