import assert from 'node:assert/strict';
import type { Batch, Change } from '../engine/feed/change.ts';
import type { PublishedEvent } from '../engine/feed/feed-store.ts';
import type { ConsumerSettings, Receiver } from '../engine/feed/source.ts';
import { LeaseLostError } from '../errors.ts';

/** One source on trial. */
export interface SourceUnderTest {
  /** Opens (or opens again) the consumer `settings.name`. */
  open(settings: ConsumerSettings): Promise<Receiver>;
  /** Appends events, durably. Their `key`s are entities. */
  write(events: readonly Required<Pick<PublishedEvent, 'id' | 'key' | 'type'>>[]): Promise<void>;
  /** A `type` that the receivers of this source filter away. */
  readonly unwantedType?: string;
  /** What the source cannot do by its nature, with the reason: its cases are skipped. */
  readonly cannot?: Partial<Record<'seek' | 'consumeLag' | 'rescale' | 'keys' | 'filter', string>>;
}

/** One sentence about sources, and how to see whether it is true. `skip` is the reason why it does not apply. */
export interface ConformanceCase {
  readonly title: string;
  run(source: SourceUnderTest): Promise<void>;
  skip(source: SourceUnderTest): string | undefined;
}

const SETTINGS: ConsumerSettings = {
  name: 'trial',
  parallel: 1,
  maxAttempts: 3,
  errBackOff: 1,
  onDead: 'skip',
  consumeLag: 0,
  lagAlert: 60_000,
  lease: 30_000,
  thin: false,
  start: 'start',
};
const LEASE_MS = 300;

let names = 0;
function nextName(): string {
  names += 1;
  return `trial-${Date.now().toString(36)}-${names}`;
}

/** The suite that every source passes: run each case against a fresh `SourceUnderTest`. */
export const sourceConformance: readonly ConformanceCase[] = [
  conformance('delivers every event once acknowledged, in the order of each key', async (source) => {
    const receiver = await open(source);
    await source.write(events(30, 4));
    const got: Change[] = [];
    while (got.length < 30) {
      const batch = await take(receiver, 7);
      got.push(...batch.changes);
      await receiver.ack(batch.token, batch.changes);
    }
    assert.deepEqual(ids(got).sort(), ids30().sort());
    assertOrder(got);
    assert.equal((await receiver.recv(10)).token, null);
    await receiver.close();
  }),
  conformance('delivers again what was not acknowledged when the lease ended', async (source) => {
    const receiver = await open(source, { lease: LEASE_MS });
    await source.write(events(3, 3));
    const first = await take(receiver, 10, 3);
    const again = await take(receiver, 10, 3);
    assert.deepEqual(ids(again.changes).sort(), ids(first.changes).sort());
    assert.notEqual(again.token, first.token);
    await receiver.ack(again.token, again.changes);
    await receiver.close();
  }),
  conformance('delivers again after a crash between handler and acknowledgement', async (source) => {
    const settings = { ...SETTINGS, name: nextName(), lease: LEASE_MS };
    const crashed = await source.open(settings);
    await source.write(events(4, 2));
    const first = await take(crashed, 10, 4);
    await crashed.ack(first.token, first.changes.slice(0, 1));
    // Gone without a word. Another process opens the consumer.
    const next = await source.open(settings);
    const left = await takeAll(next, 3);
    assert.deepEqual(ids(left).sort(), ids(first.changes.slice(1)).sort());
    assertOrder(left);
    await next.close();
    await crashed.close();
  }),
  conformance('refuses an acknowledgement by one that lost its lease', async (source) => {
    const receiver = await open(source, { lease: LEASE_MS });
    await source.write(events(2, 1));
    const first = await take(receiver, 10, 2);
    const second = await take(receiver, 10, 2);
    await assert.rejects(receiver.ack(first.token, first.changes), LeaseLostError);
    await assert.rejects(receiver.extend(first.token), LeaseLostError);
    const { acked } = await receiver.ack(second.token, second.changes);
    assert.equal(acked, 2);
    await receiver.close();
  }),
  conformance('takes an acknowledgement that comes twice for what it is', async (source) => {
    const receiver = await open(source);
    await source.write(events(2, 2));
    const batch = await take(receiver, 10, 2);
    await receiver.ack(batch.token, batch.changes);
    const { acked, repeated } = await receiver.ack(batch.token, batch.changes);
    assert.deepEqual({ acked, repeated }, { acked: 0, repeated: 2 });
    await receiver.close();
  }),
  conformance('lets a lease be extended', async (source) => {
    const receiver = await open(source, { lease: LEASE_MS });
    await source.write(events(1, 1));
    const batch = await take(receiver, 1);
    await receiver.extend(batch.token, 60_000);
    await pass(LEASE_MS * 2);
    const { acked } = await receiver.ack(batch.token, batch.changes);
    assert.equal(acked, 1);
    await receiver.close();
  }),
  conformance(
    'holds back the entity that fails, and no other',
    async (source) => {
      const receiver = await open(source, { maxAttempts: 100 });
      await source.write(events(12, 3));
      const batch = await take(receiver, 12, 12);
      const poison = batch.changes[0] as Change;
      await receiver.nack(batch.token, poison, { error: 'poison', delayMs: 60_000 });
      const others = batch.changes.filter((change) => change.foreign_id !== poison.foreign_id);
      await receiver.ack(batch.token, others);
      await source.write([
        { id: 'late-poison', key: keyOf(poison), type: 'thing.changed' },
        { id: 'late-other', key: 'another', type: 'thing.changed' },
      ]);
      const late = await take(receiver, 12);
      assert.deepEqual(ids(late.changes), ['late-other']);
      await receiver.ack(late.token, late.changes);
      assert.equal((await receiver.lag()).changes, 5, 'the poison, the three behind it and the late one wait');
      await receiver.close();
    },
    'keys',
  ),
  conformance(
    'delivers in order what waited behind a failure, after the delay',
    async (source) => {
      const receiver = await open(source, { maxAttempts: 100 });
      await source.write(events(4, 1));
      const batch = await take(receiver, 4, 4);
      const [first, second] = batch.changes as [Change, Change];
      await receiver.ack(batch.token, [first]);
      const before = Date.now();
      await receiver.nack(batch.token, second, { error: 'later', delayMs: 200 });
      const rest = await takeAll(receiver, 3);
      assert.ok(Date.now() - before >= 190, 'not before its delay');
      assert.deepEqual(ids(rest), ['e1', 'e2', 'e3']);
      assert.equal(rest[0]?.attempt, 2);
      await receiver.close();
    },
    'keys',
  ),
  conformance(
    'gives up after maxAttempts and lets the entity go on',
    async (source) => {
      const receiver = await open(source, { maxAttempts: 2 });
      await source.write(events(2, 1));
      const states: string[] = [];
      for (let i = 0; i < 2; i += 1) {
        const batch = await take(receiver, 1);
        states.push((await receiver.nack(batch.token, batch.changes[0] as Change, { error: 'no', delayMs: 0 })).state);
      }
      assert.deepEqual(states, ['waiting', 'dead']);
      const rest = await takeAll(receiver, 1);
      assert.deepEqual(ids(rest), ['e1']);
      await receiver.close();
    },
    'keys',
  ),
  conformance('keeps the entity waiting for a person with onDead: block', async (source) => {
    const receiver = await open(source, { onDead: 'block' });
    await source.write(events(4, 2));
    const batch = await take(receiver, 10, 4);
    const poison = batch.changes[0] as Change;
    await receiver.nack(batch.token, poison, { error: 'never', dead: true });
    await receiver.ack(
      batch.token,
      batch.changes.filter((change) => change.foreign_id !== poison.foreign_id),
    );
    assert.equal((await receiver.recv(10)).token, null);
    await receiver.close();
  }),
  conformance('counts its lag in changes and seconds, also while nobody reads', async (source) => {
    const receiver = await open(source);
    assert.deepEqual(shortLag(await receiver.lag()), { changes: 0, seconds: 0 });
    await source.write(events(5, 5));
    // What was written may still be on its way: its age begins when it is there.
    for (let tries = 0; (await receiver.lag()).changes < 5 && tries < 400; tries += 1) await pass(5);
    await pass(30);
    const lag = await receiver.lag();
    assert.equal(lag.changes, 5);
    assert.ok(lag.seconds > 0.02 && lag.seconds < 30, `${lag.seconds} s`);
    await receiver.pause('a person said so');
    const paused = await receiver.recv(10);
    assert.deepEqual([paused.token, paused.paused], [null, true]);
    assert.equal((await receiver.lag()).changes, 5);
    await receiver.close();
  }),
  conformance('gives back on close what was taken, and keeps what was acknowledged', async (source) => {
    const settings = { ...SETTINGS, name: nextName() };
    const first = await source.open(settings);
    await source.write(events(4, 4));
    const batch = await take(first, 10, 4);
    await first.ack(batch.token, batch.changes.slice(0, 2));
    await first.close();
    const second = await source.open(settings);
    assert.deepEqual(ids(await takeAll(second, 2)).sort(), ids(batch.changes.slice(2)).sort());
    await second.close();
  }),
  conformance(
    'seeks to the start and to now',
    async (source) => {
      const receiver = await open(source);
      await source.write(events(6, 3));
      await takeAll(receiver, 6);
      await receiver.seek('start');
      assert.equal((await takeAll(receiver, 6)).length, 6);
      await receiver.seek('start');
      const batch = await take(receiver, 2);
      await receiver.seek('now');
      await assert.rejects(receiver.ack(batch.token, batch.changes), LeaseLostError);
      assert.equal((await receiver.recv(10)).token, null);
      await source.write([{ id: 'news', key: 'k0', type: 'thing.changed' }]);
      assert.deepEqual(ids(await takeAll(receiver, 1)), ['news']);
      await receiver.close();
    },
    'seek',
  ),
  conformance(
    'acknowledges what its filter leaves out',
    async (source) => {
      const type = source.unwantedType;
      assert.ok(type !== undefined, 'say unwantedType, or why not in cannot.filter');
      const receiver = await open(source);
      await source.write([
        { id: 'a', key: 'k0', type },
        { id: 'b', key: 'k0', type: 'thing.changed' },
        { id: 'c', key: 'k1', type },
      ]);
      assert.deepEqual(ids(await takeAll(receiver, 1)), ['b']);
      assert.equal((await receiver.lag()).changes, 0);
      await receiver.close();
    },
    'filter',
  ),
  conformance(
    'delivers only what is old enough with consumeLag',
    async (source) => {
      const receiver = await open(source, { consumeLag: 400 });
      const before = Date.now();
      await source.write(events(1, 1));
      const young = await receiver.recv(10);
      assert.equal(young.token, null);
      await takeAll(receiver, 1);
      assert.ok(Date.now() - before >= 390);
      await receiver.close();
    },
    'consumeLag',
  ),
  conformance(
    'keeps its place and its order when parallel changes',
    async (source) => {
      const settings = { ...SETTINGS, name: nextName() };
      // Known, so that a source which keeps only what somebody reads keeps this.
      await (await source.open(settings)).close();
      await source.write(events(60, 20));
      const got: Change[] = [];
      for (const parallel of [3, 5, 2]) {
        const receivers = await Promise.all(
          Array.from({ length: parallel }, () => source.open({ ...settings, parallel })),
        );
        for (const receiver of receivers) {
          const batch = await receiver.recv(8);
          if (batch.token === null) continue;
          got.push(...batch.changes);
          await receiver.ack(batch.token, batch.changes);
        }
        for (const receiver of receivers) await receiver.close();
      }
      const last = await source.open({ ...settings, parallel: 1 });
      got.push(...(await takeAll(last, 60 - got.length)));
      assert.equal(new Set(ids(got)).size, 60);
      assert.equal(got.length, 60);
      assertOrder(got);
      await last.close();
    },
    'rescale',
  ),
];

function conformance(
  title: string,
  run: (source: SourceUnderTest) => Promise<void>,
  needs?: keyof NonNullable<SourceUnderTest['cannot']>,
): ConformanceCase {
  return { title, run, skip: (source) => (needs === undefined ? undefined : source.cannot?.[needs]) };
}

const open = (source: SourceUnderTest, settings: Partial<ConsumerSettings> = {}) =>
  source.open({ ...SETTINGS, name: nextName(), ...settings });

const events = (count: number, keys: number) =>
  Array.from({ length: count }, (_, i) => ({ id: `e${i}`, key: `k${i % keys}`, type: 'thing.changed' }));
const ids30 = () => events(30, 4).map((event) => event.id);
/** An event's own id, wherever the source keeps it. */
const idOf = (change: Change) => change.headers['event_id'] ?? change.id;
const ids = (changes: readonly Change[]) => changes.map(idOf);
const keyOf = (change: Change) => change.foreign_id.split('/').at(-1) ?? change.foreign_id;
const shortLag = ({ changes, seconds }: { changes: number; seconds: number }) => ({ changes, seconds });

function assertOrder(changes: readonly Change[]): void {
  const last = new Map<string, number>();
  for (const change of changes) {
    assert.ok((last.get(change.foreign_id) ?? -1) < change.seq, `${idOf(change)} came after a later one of its entity`);
    last.set(change.foreign_id, change.seq);
  }
}

const pass = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * The next batch of at least `count` changes, as soon as there is one. A source may deliver what has arrived while more is
 * on its way: a smaller batch is given back.
 */
async function take(receiver: Receiver, limit: number, count = 1): Promise<Batch & { readonly token: number }> {
  let most = 0;
  for (let waited = 0; waited < 10_000; waited += 10) {
    const batch = await receiver.recv(limit);
    if (batch.token !== null && batch.changes.length >= count) return { ...batch, token: batch.token };
    if (batch.token !== null) await receiver.release(batch.token);
    most = Math.max(most, batch.changes.length);
    await pass(10);
  }
  throw new assert.AssertionError({ message: `${most} of ${count} were delivered together within 10 s` });
}

/** `count` changes, each acknowledged. */
async function takeAll(receiver: Receiver, count: number): Promise<Change[]> {
  const got: Change[] = [];
  while (got.length < count) {
    const batch = await take(receiver, count - got.length);
    got.push(...batch.changes);
    await receiver.ack(batch.token, batch.changes);
  }
  return got;
}
