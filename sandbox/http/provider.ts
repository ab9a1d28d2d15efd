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
  readonly body: string;
}

/** A change that the provider tells the world about. */
export interface SandboxDelivery {
  readonly id: string;
  /** Request that the provider would send; the signature is made at sending time, as the provider does. */
  readonly body: string;
  sign(body: string, atMs: number): Readonly<Record<string, string>>;
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
}
