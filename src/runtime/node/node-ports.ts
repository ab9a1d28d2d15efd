import { lookup } from 'node:dns/promises';
import type { Ports } from '../../engine/ports.ts';
import { createFetchAt } from './fetch-at.ts';
import { createHolder } from './holder.ts';
import { createNodeSend } from './send.ts';

/** What Node does better than the web's standards, or alone. A `fetch` of the caller's is used for pages too. */
export function nodePorts(given: Partial<Ports> = {}): Partial<Ports> {
  return {
    ...(given.fetch === undefined ? { send: createNodeSend() } : {}),
    resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
    fetchAt: createFetchAt(),
    holder: createHolder(),
    ...given,
  };
}
