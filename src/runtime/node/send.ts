import { setMaxListeners } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { promisify } from 'node:util';
import { gunzip, type ZlibOptions } from 'node:zlib';
import { AnswerTooLargeError, MAX_ANSWER_BYTES, type Outgoing, type Received, type Send } from '../../engine/send.ts';

const unzip = promisify<Buffer, ZlibOptions, Buffer>(gunzip);

/**
 * Over Node's own HTTP client, with connections that are kept. For a page of 90 kB it takes 0.2 ms of CPU where the
 * built-in `fetch` takes 0.5 ms: no web streams, no decoding.
 */
export function createNodeSend(): Send {
  const options = { keepAlive: true, keepAliveMsecs: 1_000, scheduling: 'lifo' as const };
  const agents = { 'http:': new http.Agent(options), 'https:': new https.Agent(options) };
  return async (request) => {
    const url = new URL(request.url);
    const secure = url.protocol === 'https:';
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await exchange(request, url, secure ? https.request : http.request, agents[secure ? 'https:' : 'http:']);
      } catch (error) {
        // The server closed an idle connection while we wrote to it: nothing was done there.
        if (!(error instanceof StaleConnectionError) || request.method !== 'GET' || attempt >= 3) throw error;
      }
    }
  };
}

class StaleConnectionError extends Error {}

function exchange(
  { method, headers, body, timeoutMs, maxBytes = MAX_ANSWER_BYTES, signal }: Outgoing,
  url: URL,
  begin: typeof http.request,
  agent: http.Agent,
): Promise<Received> {
  return new Promise((resolve, reject) => {
    const request = begin(url, { method, agent, headers: { 'accept-encoding': 'gzip', ...headers } });
    const late = setTimeout(() => {
      request.destroy(Object.assign(new Error(`no answer within ${timeoutMs} ms`), { name: 'TimeoutError' }));
    }, timeoutMs);
    const abort = () => {
      request.destroy(Object.assign(new Error('aborted'), { name: 'AbortError' }));
    };
    // One signal ends many requests at once; Node takes more than ten listeners for a leak.
    if (signal !== undefined) setMaxListeners(0, signal);
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
    const end = () => {
      clearTimeout(late);
      signal?.removeEventListener('abort', abort);
    };
    const fail = (error: NodeJS.ErrnoException, answered: boolean) => {
      end();
      const stale = !answered && request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      reject(stale ? new StaleConnectionError(error.message, { cause: error }) : error);
    };
    request.on('error', (error) => fail(error, false));
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxBytes) response.destroy(new AnswerTooLargeError(maxBytes));
        else chunks.push(chunk);
      });
      response.on('error', (error) => fail(error, true));
      response.on('end', () => {
        end();
        if (!response.complete) return reject(new Error('the answer was cut off'));
        const whole = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
        const zipped = response.headers['content-encoding'] === 'gzip';
        (zipped ? unpack(whole, maxBytes) : Promise.resolve(whole)).then(
          (bytes) => resolve({ status: response.statusCode ?? 0, bytes, header: (name) => headerOf(response, name) }),
          reject,
        );
      });
    });
    request.end(body);
  });
}

/** A few kB may become gigabytes: what is unpacked is bounded like what is sent. */
async function unpack(zipped: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    return await unzip(zipped, { maxOutputLength: maxBytes });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? new AnswerTooLargeError(maxBytes) : error;
  }
}

function headerOf(response: http.IncomingMessage, name: string): string | null {
  const value = response.headers[name.toLowerCase()];
  return value === undefined ? null : Array.isArray(value) ? value.join(', ') : value;
}
