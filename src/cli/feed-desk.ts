import type { FeedStore } from '../engine/feed/feed-store.ts';
import { RequestRefusedError } from '../errors.ts';
import { parseJson, stringifyJson } from '../kit/json.ts';
import type { Door } from '../runtime/node/door.ts';

/** What a person asks and tells about consumers. */
export type FeedDesk = Pick<FeedStore, 'status' | 'pause' | 'resume' | 'seek' | 'deadLetters' | 'redrive'>;

/** The same through the server that has the embedded database. */
export function createFeedDesk({ url, key }: Door): FeedDesk {
  async function ask<T>(path: string, body?: object): Promise<T> {
    const response = await fetch(`${url}/consumers${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${key}` },
      ...(body === undefined ? {} : { body: stringifyJson(body) }),
    });
    const answer: unknown = parseJson(await response.text());
    if (!response.ok) throw new RequestRefusedError((answer as { error: { message: string } }).error.message);
    return answer as T;
  }
  const path = (name: string, act = '') => `/${encodeURIComponent(name)}${act}`;
  return {
    status: async (name) => (name === null ? await ask('') : [await ask(path(name))]),
    pause: async (name, reason) => (await ask<{ paused: boolean }>(path(name, '/pause'), { reason })).paused,
    resume: async (name) => (await ask<{ resumed: boolean }>(path(name, '/resume'), {})).resumed,
    seek: (name, to) => ask(path(name, '/seek'), { to }),
    deadLetters: (name, limit, before) =>
      ask(path(name, `/dead-letters?limit=${limit}${before === null ? '' : `&before=${before}`}`)),
    async redrive(name, ids, entity) {
      const which = ids !== null ? { ids } : entity !== null ? { entity } : { all: true };
      return (await ask<{ redriven: number }>(path(name, '/redrive'), which)).redriven;
    },
  };
}
