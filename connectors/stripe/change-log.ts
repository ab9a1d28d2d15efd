import { z } from 'zod';
import { ProviderError } from '../../src/errors.ts';
import type { ChangeLog } from '../../src/kit/index.ts';
import { readEvent } from './events.ts';
import { resources } from './resources/index.ts';

/** `types[]` takes at most so many. */
const TYPES_AT_MOST = 20;
const DAY_MS = 86_400_000;

const eventList = z.object({ data: z.array(z.unknown()), has_more: z.boolean() });
const withId = z.looseObject({ id: z.string().min(1) });

/** The event types that concern these resources, each once, in a stable order. */
export function eventTypes(names: readonly string[]): string[] {
  return [...new Set(names.flatMap((name) => resources[name]?.events ?? []))].sort();
}

/** Stripe's own log of events: 30 days, newest first, written a little late. https://docs.stripe.com/api/events/list */
export const changeLog: ChangeLog = {
  retentionMs: 30 * DAY_MS,
  overlapMs: 5 * 60_000,
  groups(names) {
    const types = eventTypes(names);
    return Array.from({ length: Math.ceil(types.length / TYPES_AT_MOST) }, (_, i) =>
      types.slice(i * TYPES_AT_MOST, (i + 1) * TYPES_AT_MOST),
    );
  },
  request(types, { since, to, cursor, limit }) {
    return {
      path: '/v1/events',
      query: {
        ...Object.fromEntries(types.map((type, i) => [`types[${i}]`, type])),
        'created[gte]': since === undefined ? undefined : Math.floor(since / 1000),
        'created[lt]': to,
        limit,
        starting_after: cursor,
      },
    };
  },
  read(page) {
    const list = eventList.safeParse(page);
    if (!list.success) throw new ProviderError('the answer is no list of events', { cause: list.error });
    const { data, has_more } = list.data;
    const last = withId.safeParse(data.at(-1));
    if (has_more && !last.success) throw new ProviderError('the list of events goes on, and its last one has no id');
    return {
      events: data.map((value, i) => ({ value, path: ['data', String(i)] })),
      cursor: has_more ? (last.data?.id ?? null) : null,
    };
  },
  parse: readEvent,
};
