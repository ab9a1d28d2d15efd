/** One exchange over HTTP, whole. The body stays bytes: a page goes from socket to socket without becoming text. */
export type Send = (request: Outgoing) => Promise<Received>;

export interface Outgoing {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For the whole exchange, its answer's last byte included. */
  readonly timeoutMs: number;
  /** Bytes of the answer at most, unpacked (default `MAX_ANSWER_BYTES`); a longer one is an `AnswerTooLargeError`. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

export interface Received {
  readonly status: number;
  readonly bytes: Uint8Array;
  /** Null when it is not there. */
  header(name: string): string | null;
}

/** A page of a hundred objects has 0.1 to 10 MB. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** The answer is longer than it may be; the rest was not read. */
export class AnswerTooLargeError extends Error {
  constructor(maxBytes: number) {
    super(`the answer has more than ${maxBytes} bytes`);
    this.name = 'AnswerTooLargeError';
  }
}

/** Over any `fetch`. Rejects with a `TimeoutError` when the time is over. */
export function fromFetch(fetch: typeof globalThis.fetch): Send {
  return async ({ url, method, headers, body, timeoutMs, maxBytes = MAX_ANSWER_BYTES, signal }) => {
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
      bytes: await readAnswer(response, maxBytes),
      header: (name) => response.headers.get(name),
    };
  };
}

async function readAnswer(response: Response, maxBytes: number): Promise<Uint8Array> {
  if (response.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels the rest.
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new AnswerTooLargeError(maxBytes);
    chunks.push(chunk);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
