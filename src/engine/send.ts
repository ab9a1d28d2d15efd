/** One exchange over HTTP, whole. The body stays bytes: a page goes from socket to socket without becoming text. */
export type Send = (request: Outgoing) => Promise<Received>;

export interface Outgoing {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface Received {
  readonly status: number;
  readonly bytes: Uint8Array;
  /** Null when it is not there. */
  header(name: string): string | null;
}

/** Over any `fetch`. Rejects with a `TimeoutError` when the time is over. */
export function fromFetch(fetch: typeof globalThis.fetch): Send {
  return async ({ url, method, headers, body, timeoutMs, signal }) => {
    const timeout = AbortSignal.timeout(timeoutMs);
    const response = await fetch(url, {
      method,
      headers,
      redirect: 'error',
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
      ...(body === undefined ? {} : { body }),
    });
    return {
      status: response.status,
      bytes: new Uint8Array(await response.arrayBuffer()),
      header: (name) => response.headers.get(name),
    };
  };
}
