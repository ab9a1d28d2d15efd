import type { Change } from './change.ts';
import type { PublishedEvent } from './feed-store.ts';
import { createKeyedQueue, type KeyedQueue, type QueueDeadLetter } from './keyed-queue.ts';
import type { Receiver, Source, SourceContext } from './source.ts';

/** Events in memory, for tests and development. */
export interface MemorySource extends Source {
  /** Appends; `at` is when it was produced (default: now). */
  push(...events: readonly (PublishedEvent & { readonly at?: Date })[]): void;
  deadLetters(consumer: string): readonly QueueDeadLetter[];
}

/** A source seeded with events. Each consumer keeps its place in it for as long as the source lives. */
export function memory(seed: readonly (PublishedEvent & { readonly at?: Date })[] = []): MemorySource {
  const log: Change[] = [];
  const queues = new Map<string, { queue: KeyedQueue; read: number; paused: boolean }>();

  function push(...events: readonly (PublishedEvent & { readonly at?: Date })[]): void {
    for (const event of events) {
      const seq = log.length + 1;
      log.push(toChange(event, seq, event.at ?? new Date()));
    }
  }
  push(...seed);

  function open(context: SourceContext): Receiver {
    const { settings } = context;
    const known = queues.get(settings.name);
    const state = known ?? { queue: createKeyedQueue(context), read: 0, paused: false };
    queues.set(settings.name, state);
    if (known === undefined) place(state, settings.start);
    state.queue.configure(settings);
    const held = new Set<number>();
    const intake = () => {
      for (; state.read < log.length; state.read += 1) {
        const change = log[state.read];
        if (change !== undefined) state.queue.add(change);
      }
    };
    return {
      async recv(limit) {
        if (state.paused) return { token: null, changes: [], wait_ms: null, paused: true };
        intake();
        const batch = state.queue.recv(limit);
        if (batch.token !== null) held.add(batch.token);
        return batch;
      },
      ack: async (token, changes) => state.queue.ack(token, changes),
      nack: async (token, change, failure) => state.queue.nack(token, change, failure),
      extend: async (token, leaseMs) => state.queue.extend(token, leaseMs),
      release: async (token) => state.queue.release(token),
      async lag() {
        intake();
        return state.queue.lag();
      },
      seek: async (to) => place(state, to),
      async pause() {
        state.paused = true;
      },
      async close() {
        for (const token of held) state.queue.release(token);
      },
    };
  }

  function place(state: { queue: KeyedQueue; read: number }, to: 'start' | 'now' | Date): void {
    state.queue.clear();
    const first = to instanceof Date ? log.findIndex((change) => Date.parse(change.created_at) >= to.getTime()) : 0;
    state.read = to === 'now' || first < 0 ? log.length : first;
  }

  return {
    name: 'memory',
    push,
    deadLetters: (consumer) => queues.get(consumer)?.queue.deadLetters ?? [],
    open: async (context) => open(context),
  };
}

/** An event from outside in the shape that handlers get. */
export function toChange(event: PublishedEvent, seq: number, at: Date): Change {
  const id = event.id ?? String(seq);
  return {
    seq,
    id,
    foreign_id: event.key ?? id,
    type: event.type ?? 'event',
    app_key: null,
    collection_key: null,
    external_id: null,
    operation: null,
    headers: { idempotency_key: id, ...event.headers },
    created_at: at.toISOString(),
    before: null,
    after: event.payload ?? null,
    changed_fields: null,
    attempt: 1,
  };
}
