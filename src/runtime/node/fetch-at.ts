import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { FetchAt } from '../../engine/ports.ts';

const IDLE_MS = 30_000;
const ADDRESSES = 'judgedAddresses';
/** What an answer may say before nobody listens any more. */
const ENOUGH_BYTES = 64 * 1024;

/**
 * A `fetch` for deliveries that connects to the given addresses and to no other, whatever the name says by then: who controls
 * a name could have it checked as one address and reached as another. The certificate is still that of the name. Follows no
 * redirect, and answers without the body, which nobody reads.
 */
export function createFetchAt(): FetchAt {
  const options = { keepAlive: true, keepAliveMsecs: 1000, scheduling: 'lifo' as const };
  const agents = { http: new http.Agent(options), https: new https.Agent(options) };
  for (const agent of Object.values(agents)) nameByAddresses(agent);
  return (addresses) => async (input, init) => {
    const { url, method, headers, signal } = new Request(input, init);
    const target = new URL(url);
    const secure = target.protocol === 'https:';
    return await new Promise<Response>((resolve, reject) => {
      const request = (secure ? https : http).request(target, {
        method,
        headers: Object.fromEntries(headers),
        agent: secure ? agents.https : agents.http,
        signal,
        lookup: lookupOf(addresses),
        ...{ [ADDRESSES]: [...addresses].sort().join() },
        timeout: IDLE_MS,
      });
      request.on('error', reject);
      request.on('timeout', () => request.destroy(new Error(`no sign of life for ${IDLE_MS} ms`)));
      request.on('response', (answer) => {
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > ENOUGH_BYTES) answer.destroy();
        });
        answer.on('error', () => {});
        const said = Object.entries(answer.headers).flatMap(([name, value]) =>
          [value ?? []].flat().map((one): [string, string] => [name, one]),
        );
        resolve(new Response(null, { status: answer.statusCode ?? 0, headers: said }));
      });
      request.end(init?.body ?? undefined);
    });
  };
}

/** A connection that was kept is taken again for the same addresses only. */
function nameByAddresses(agent: http.Agent): void {
  const nameOf = agent.getName.bind(agent);
  agent.getName = (options) => `${nameOf(options)}:${(options as { [ADDRESSES]?: string } | undefined)?.[ADDRESSES]}`;
}

function lookupOf(addresses: readonly string[]): LookupFunction {
  const known = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  return (_host, options, answer) => {
    const wanted = known.filter(({ family }) => !options.family || options.family === family);
    const [first] = wanted;
    if (first === undefined) return answer(new Error('the name has no address'), '', 0);
    if (options.all === true) answer(null, wanted);
    else answer(null, first.address, first.family);
  };
}
