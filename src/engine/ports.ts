import { fromFetch, type Send } from './send.ts';

/** Time, chance and the outside world, passed in: nothing in the engine reads them for itself. */
export interface Ports {
  readonly fetch: typeof fetch;
  /** How pages are asked for; over `fetch` unless a platform has something lighter. */
  readonly send: Send;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  /** Never goes back, milliseconds. */
  readonly monotonic: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly log: Log;
  /** Milliseconds of CPU that this process has used, on platforms that can tell. */
  readonly cpu?: () => number;
  /** All addresses of a host's name, on platforms that can tell. */
  readonly resolve?: Resolve;
  readonly fetchAt?: FetchAt;
  /** Which process this is, on platforms that can say whether another one still lives. */
  readonly holder?: string;
}

export type Resolve = (host: string) => Promise<readonly string[]>;

/** A `fetch` that connects to these addresses of the host and to no other, on platforms that can. Its answers have no body. */
export type FetchAt = (addresses: readonly string[]) => typeof fetch;

/** One line a call; `fields` never hold payloads or secrets. */
export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

/** The real ones. */
export function defaultPorts(overrides: Partial<Ports> = {}): Ports {
  return {
    fetch: (input, init) => fetch(input, init),
    send: fromFetch(overrides.fetch ?? ((input, init) => fetch(input, init))),
    now: () => Date.now(),
    monotonic: () => performance.now(),
    random: Math.random,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const timer = setTimeout(done, ms);
        function done() {
          clearTimeout(timer);
          signal?.removeEventListener('abort', done);
          resolve();
        }
        signal?.addEventListener('abort', done, { once: true });
      }),
    log: () => {},
    ...overrides,
  };
}
