import type { Sandbox } from './exchange.ts';
import type { SandboxProvider, SandboxRequest } from './provider.ts';
import { createSandbox, type SandboxOptions } from './sandbox.ts';

/** `fetch` that ends in an emulated provider of this process: no sockets, the clock is the caller's. */
export interface SandboxFetch {
  (input: string | URL | Request, init?: RequestInit): Promise<Response>;
  readonly control: Sandbox;
}

/**
 * In-process transport with the same faults as over HTTP. Latency waits with `options.sleep`; without one it
 * passes at once, so that a virtual clock stays in the hands of its owner.
 */
export function sandboxFetch(provider: SandboxProvider, options: SandboxOptions = {}): SandboxFetch {
  const control = createSandbox(provider, options);
  const sleep = options.sleep ?? (() => Promise.resolve());

  async function exchange(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init);
    const { outcome, end } = control.exchange(await requestOf(request));
    try {
      request.signal.throwIfAborted();
      if (outcome.kind === 'hang') return await untilAborted(request.signal);
      if (outcome.latencyMs > 0) await Promise.race([sleep(outcome.latencyMs), untilAborted(request.signal)]);
      request.signal.throwIfAborted();
      if (outcome.kind === 'reset') throw networkError('ECONNRESET', 'read ECONNRESET');
      const { answer } = outcome;
      const headers = new Headers({
        'content-type': 'application/json',
        ...answer.headers,
        date: new Date(control.nowMs()).toUTCString(),
      });
      const empty = answer.status === 204 || answer.status === 304 || request.method === 'HEAD';
      const body = outcome.truncated ? truncated(answer.body) : empty ? null : answer.body;
      return new Response(body, { status: answer.status, headers });
    } finally {
      end();
    }
  }
  return Object.assign(exchange, { control });
}

async function requestOf(request: Request): Promise<SandboxRequest> {
  const url = new URL(request.url);
  const headers: Record<string, string> = {};
  request.headers.forEach((value, name) => {
    headers[name] = value;
  });
  return {
    method: request.method,
    path: decodeURIComponent(url.pathname),
    query: url.searchParams,
    headers,
    body: await request.text(),
  };
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, fail) => {
    if (signal.aborted) fail(signal.reason);
    else signal.addEventListener('abort', () => fail(signal.reason), { once: true });
  });
}

function networkError(code: string, message: string): TypeError {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code }) });
}

/** Half of the body, then an error, as when the connection is cut under way. */
function truncated(body: string | Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  let sent = false;
  return new ReadableStream({
    pull(controller) {
      if (sent) controller.error(networkError('UND_ERR_SOCKET', 'other side closed'));
      else controller.enqueue(bytes.subarray(0, bytes.length >> 1));
      sent = true;
    },
  });
}
