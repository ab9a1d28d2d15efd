import type { Consumer, JetStreamClient, JetStreamManager, JsMsg } from '@nats-io/jetstream';
import type { Change } from '../../engine/feed/change.ts';
import type { PublishedEvent } from '../../engine/feed/feed-store.ts';
import { createKeyedQueue, type KeyedQueue } from '../../engine/feed/keyed-queue.ts';
import { toChange } from '../../engine/feed/memory-source.ts';
import type { Receiver, Source, SourceContext } from '../../engine/feed/source.ts';
import { excessOf } from '../../engine/json-limits.ts';
import { describeError } from '../../errors.ts';
import { parseJson } from '../../kit/json.ts';

export interface NatsSourceOptions {
  readonly jetstream: Pick<JetStreamClient, 'consumers' | 'publish'>;
  readonly manager: Pick<JetStreamManager, 'consumers' | 'streams'>;
  readonly stream: string;
  readonly subjects?: readonly string[];
  /** Reads a message; undefined: it is acknowledged and skipped. Default: what `natsSink` wrote, else the text by its subject. */
  readonly translate?: (message: JsMsg) => (PublishedEvent & Partial<Change>) | undefined;
  /** Where messages go that are given up. Without it they are only logged. */
  readonly deadLetterSubject?: string;
}

const NANOS = 1_000_000;
/** Messages in this process at one time, at most. */
const AT_HAND = 1000;
const REMEMBERED = 10_000;
/** How long one request for messages lives. Its end is awaited before closing: the server answers it until then. */
const PULL_MS = 1_000;

/**
 * Messages of a JetStream stream, through a durable pull consumer named like ours. Order is kept per key, in one
 * process at a time: what a process left unanswered when it died is waited for before anything newer is delivered.
 */
export function natsSource<Payload = unknown>(options: NatsSourceOptions): Source<Payload> {
  const opened = new Map<string, Promise<Intake>>();
  return {
    name: `nats:${options.stream}`,
    async open(context) {
      const { name } = context.settings;
      let intake = opened.get(name);
      if (intake === undefined) {
        intake = createIntake(options, context);
        opened.set(name, intake);
        intake.catch(() => opened.delete(name));
      }
      const ready = await intake;
      ready.queue.configure(context.settings);
      ready.users += 1;
      return createReceiver(options, context, ready, async () => {
        ready.users -= 1;
        if (ready.users > 0) return;
        opened.delete(name);
        await ready.stop();
      });
    },
  };
}

interface Intake {
  readonly queue: KeyedQueue;
  users: number;
  paused: boolean;
  place(to: 'start' | 'now' | Date): Promise<void>;
  settled(): Promise<void>;
  stop(): Promise<void>;
}

async function createIntake(options: NatsSourceOptions, context: SourceContext): Promise<Intake> {
  const { jetstream, manager, stream } = options;
  const { settings, ports } = context;
  const ackWaitMs = Math.max(1000, settings.lease);
  const messages = new Map<number, JsMsg>();
  const done = new Set<number>();
  let answers: Promise<unknown>[] = [];
  let reading: Promise<void> | undefined;
  let stopped = new AbortController();
  // Left behind by a process that died: what is newer waits for it.
  let missing = 0;
  let barrier = 0;
  let later: JsMsg[] = [];

  const queue = createKeyedQueue(context, (change, dead) => {
    const message = messages.get(change.seq);
    messages.delete(change.seq);
    done.add(change.seq);
    if (done.size > REMEMBERED) done.delete(done.values().next().value ?? 0);
    if (message === undefined) return;
    answers.push(dead ? bury(message, change) : message.ackAck());
  });

  async function bury(message: JsMsg, change: Change): Promise<void> {
    ports.log('error', `${settings.name}: message ${change.seq} of ${stream} was given up`);
    if (options.deadLetterSubject !== undefined)
      await jetstream.publish(options.deadLetterSubject, message.data, { msgID: `${settings.name}-${change.id}` });
    message.term();
  }

  function take(message: JsMsg): void {
    const event = done.has(message.seq) ? undefined : (options.translate ?? translateDefault)(message);
    if (event === undefined) {
      message.ack();
      return;
    }
    messages.set(message.seq, message);
    const { id = String(message.seq), key = message.subject } = event;
    queue.add({ ...toChange({ ...event, id, key }, message.seq, message.time), ...onlyChange(event) });
  }

  function arrive(message: JsMsg): void {
    if (missing > 0 && message.seq > barrier) {
      later.push(message);
      return;
    }
    const back = missing > 0 && !messages.has(message.seq);
    take(message);
    if (!back) return;
    missing -= 1;
    if (missing === 0) waitNoLonger();
  }

  function waitNoLonger(): void {
    missing = 0;
    for (const message of later.splice(0).sort((a, b) => a.seq - b.seq)) take(message);
  }

  async function read(): Promise<void> {
    const consumer: Consumer = await jetstream.consumers.get(stream, settings.name);
    const info = await consumer.info();
    missing = info.num_ack_pending;
    barrier = info.delivered.stream_seq;
    later = [];
    stopped = new AbortController();
    const { signal } = stopped;
    reading = (async () => {
      while (!signal.aborted) {
        try {
          const answer = await consumer.fetch({ max_messages: AT_HAND, expires: PULL_MS });
          for await (const message of answer) arrive(message);
        } catch (error) {
          ports.log('error', `${settings.name}: ${describeError(error)}`);
          await ports.sleep(PULL_MS, signal);
        }
      }
    })();
    void (async () => {
      // JetStream's own lease, kept for as long as this process holds the message.
      for (let turn = 0; !signal.aborted; turn += 1) {
        await ports.sleep(ackWaitMs / 3, signal);
        if (!signal.aborted) for (const message of [...messages.values(), ...later]) message.working();
        if (turn === 5) waitNoLonger();
      }
    })();
  }

  async function add(start: SourceContext['settings']['start']): Promise<void> {
    await manager.consumers.add(stream, {
      durable_name: settings.name,
      ack_policy: 'explicit',
      ack_wait: ackWaitMs * NANOS,
      max_ack_pending: AT_HAND,
      max_deliver: -1,
      ...(options.subjects === undefined
        ? {}
        : options.subjects.length === 1
          ? { filter_subject: options.subjects[0] }
          : { filter_subjects: [...options.subjects] }),
      ...(start instanceof Date
        ? { deliver_policy: 'by_start_time', opt_start_time: start.toISOString() }
        : { deliver_policy: start === 'start' ? 'all' : 'new' }),
    } as Parameters<JetStreamManager['consumers']['add']>[1]);
  }

  async function stop(): Promise<void> {
    stopped.abort();
    await reading;
    await settled();
    for (const message of [...messages.values(), ...later.splice(0)]) message.nak();
    messages.clear();
    queue.clear();
  }

  async function settled(): Promise<void> {
    const waiting = answers;
    answers = [];
    await Promise.all(waiting);
  }

  const known = await manager.consumers.info(stream, settings.name).catch(() => undefined);
  if (known === undefined) await add(settings.start);
  await read();
  return {
    queue,
    users: 0,
    paused: false,
    settled,
    stop,
    async place(to) {
      stopped.abort();
      await reading;
      messages.clear();
      done.clear();
      queue.clear();
      await manager.consumers.delete(stream, settings.name);
      await add(to);
      await read();
    },
  };
}

function createReceiver(
  options: NatsSourceOptions,
  context: SourceContext,
  intake: Intake,
  onClose: () => Promise<void>,
): Receiver {
  const { queue } = intake;
  const { settings, ports } = context;
  const held = new Set<number>();
  return {
    async recv(limit) {
      if (intake.paused) return { token: null, changes: [], wait_ms: null, paused: true };
      const batch = queue.recv(limit);
      if (batch.token !== null) held.add(batch.token);
      return batch;
    },
    async ack(token, changes) {
      const result = queue.ack(token, changes);
      await intake.settled();
      return result;
    },
    async nack(token, change, failure) {
      const result = queue.nack(token, change, failure);
      await intake.settled();
      return result;
    },
    extend: async (token, leaseMs) => queue.extend(token, leaseMs),
    release: async (token) => queue.release(token),
    async lag() {
      const info = await options.manager.consumers.info(options.stream, settings.name);
      const here = queue.lag();
      let { seconds } = here;
      if (here.changes === 0 && info.num_pending > 0) {
        const next = await options.manager.streams
          .getMessage(options.stream, { seq: info.delivered.stream_seq + 1 })
          .catch(() => null);
        seconds = next === null ? 0 : Math.max(0, ports.now() - next.time.getTime()) / 1000;
      }
      return { changes: here.changes + info.num_pending, more: false, seconds };
    },
    seek: async (to) => await intake.place(to),
    async pause() {
      intake.paused = true;
    },
    async close() {
      for (const token of held) queue.release(token);
      await onClose();
    },
  };
}

/** What `natsSink` wrote; anything else is its text, kept in order by its subject. */
function translateDefault(message: JsMsg): PublishedEvent & Partial<Change> {
  const text = message.string();
  // What nests without end is its text: nobody could write it again.
  if (excessOf(text) !== undefined) return { type: message.subject, payload: text };
  try {
    const body = parseJson(text) as Partial<Change> | null;
    if (typeof body?.foreign_id === 'string' && typeof body.id === 'string' && typeof body.type === 'string')
      return { ...body, id: body.id, key: body.foreign_id, type: body.type, payload: body.after };
    return { type: message.subject, payload: body };
  } catch {
    return { type: message.subject, payload: text };
  }
}

/** The fields of a change that an event does not have. Place and time are the stream's. */
function onlyChange(event: PublishedEvent & Partial<Change>): Partial<Change> {
  const { app_key, collection_key, external_id, operation, before, changed_fields, created_at } = event;
  return Object.fromEntries(
    Object.entries({ app_key, collection_key, external_id, operation, before, changed_fields, created_at }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}
