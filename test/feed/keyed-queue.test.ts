import { describe, expect, it } from 'vitest';
import type { Change } from '../../src/engine/feed/change.ts';
import { createKeyedQueue } from '../../src/engine/feed/keyed-queue.ts';
import { memory, toChange } from '../../src/engine/feed/memory-source.ts';
import type { ConsumerSettings } from '../../src/engine/feed/source.ts';
import { defaultPorts } from '../../src/engine/ports.ts';
import { LeaseLostError } from '../../src/errors.ts';

const NOON = Date.UTC(2026, 2, 1, 12);
const SETTINGS: ConsumerSettings = {
  name: 'reader',
  parallel: 2,
  maxAttempts: 3,
  errBackOff: 1000,
  onDead: 'skip',
  consumeLag: 0,
  lagAlert: 60_000,
  lease: 30_000,
  thin: false,
  start: 'start',
  redriveAfter: undefined,
};

function open(settings: Partial<ConsumerSettings> = {}) {
  const clock = { now: NOON };
  const settled: [number, boolean][] = [];
  const context = {
    settings: { ...SETTINGS, ...settings },
    ports: defaultPorts({ now: () => clock.now, random: () => 1 }),
  };
  const queue = createKeyedQueue(context as Parameters<typeof createKeyedQueue>[0], (change, dead) =>
    settled.push([change.seq, dead]),
  );
  const add = (seq: number, key: string, ageMs = 0) =>
    queue.add(toChange({ id: `id_${seq}`, key }, seq, new Date(NOON - ageMs)));
  const recv = (limit = 10) => {
    const batch = queue.recv(limit);
    return {
      ...batch,
      token: batch.token ?? 0,
      seqs: batch.changes.map(({ seq }) => seq),
      attempts: batch.changes.map(({ attempt }) => attempt),
    };
  };
  const at = (batch: { changes: readonly Change[] }, seq: number): Change => {
    const change = batch.changes.find((one) => one.seq === seq);
    if (change === undefined) throw new Error(`no ${seq}`);
    return change;
  };
  return { queue, clock, settled, add, recv, at };
}

describe('a queue in this process', () => {
  it('hands out in order, as much as was asked for, and each change once', () => {
    const { queue, add, recv, settled } = open();
    for (const [seq, key] of [
      [3, 'c'],
      [1, 'a'],
      [2, 'b'],
    ] as const)
      add(seq, key);
    add(2, 'b');
    const first = recv(2);
    expect(first).toMatchObject({ token: 1, seqs: [1, 2], attempts: [1, 1], lease_ms: 30_000, wait_ms: 0 });
    expect(recv()).toMatchObject({ token: 2, seqs: [3] });
    expect(queue.recv(10)).toEqual({ token: null, changes: [], wait_ms: null, busy: true });
    expect(queue.ack(first.token, first.changes)).toEqual({ acked: 2, repeated: 0, lost: 0 });
    expect(queue.ack(first.token, first.changes)).toEqual({ acked: 0, repeated: 2, lost: 0 });
    expect(settled).toEqual([
      [1, false],
      [2, false],
    ]);
    expect(queue.recv(10)).toEqual({ token: null, changes: [], wait_ms: null });
  });

  it('acknowledges in parts, and keeps the lease until the last', () => {
    const { queue, add, recv, at } = open({ parallel: 1 });
    for (const seq of [1, 2, 3]) add(seq, `k${seq}`);
    const batch = recv();
    expect(queue.ack(batch.token, [at(batch, 2)])).toEqual({ acked: 1, repeated: 0, lost: 0 });
    expect(queue.ack(batch.token, [at(batch, 2), at(batch, 3)])).toEqual({ acked: 1, repeated: 1, lost: 0 });
    expect(queue.recv(10)).toMatchObject({ busy: true });
    queue.ack(batch.token, [at(batch, 1)]);
    expect(queue.recv(10)).not.toHaveProperty('busy');
  });

  it('keeps what follows with what is out', () => {
    const { queue, add, recv } = open();
    add(1, 'a');
    const first = recv();
    add(2, 'a');
    add(3, 'b');
    expect(recv().seqs).toEqual([3]);
    queue.ack(first.token, first.changes);
    expect(recv().seqs).toEqual([2]);
  });

  it('takes leases back that have ended, which counts as an attempt', () => {
    const { queue, add, recv, clock, at } = open();
    add(1, 'a');
    add(2, 'a');
    const first = recv();
    clock.now += 29_999;
    expect(recv().seqs).toEqual([]);
    clock.now += 1;
    const second = recv();
    expect([second.seqs, second.attempts]).toEqual([
      [1, 2],
      [2, 1],
    ]);
    expect(() => queue.ack(first.token, first.changes)).toThrow(LeaseLostError);
    expect(() => queue.nack(first.token, at(first, 1), { error: 'x' })).toThrow('no longer yours');
    expect(() => queue.extend(first.token)).toThrow(LeaseLostError);
    clock.now += 20_000;
    queue.extend(second.token);
    clock.now += 29_999;
    expect(recv().seqs).toEqual([]);
    queue.extend(second.token, 5000);
    clock.now += 5000;
    const third = recv();
    expect(third.attempts).toEqual([3, 1]);
    clock.now += 30_000;
    const fourth = recv();
    expect([fourth.seqs, fourth.attempts]).toEqual([[2], [1]]);
    expect(queue.deadLetters).toMatchObject([
      { change: { seq: 1 }, attempts: 3, error: 'it was handed out 3 times and nobody answered' },
    ]);
  });

  it('gives back at once what is released, without counting', () => {
    const { queue, add, recv } = open();
    add(1, 'a');
    queue.release(recv().token);
    expect(recv()).toMatchObject({ seqs: [1], attempts: [1], token: 2 });
  });

  it('holds an entity after a failure, for as long as was asked or by the backoff', () => {
    const { queue, add, recv, clock, at } = open();
    for (const [seq, key] of [
      [1, 'a'],
      [2, 'b'],
      [3, 'a'],
    ] as const)
      add(seq, key);
    const first = recv();
    expect(queue.nack(first.token, at(first, 1), { error: 'x', delayMs: 500 })).toEqual({
      state: 'waiting',
      attempts: 1,
      delay_ms: 500,
      failing_ms: 0,
    });
    // What followed it in this batch is not ours to answer any more.
    expect(queue.nack(first.token, at(first, 3), { error: 'x' })).toEqual({ state: 'settled' });
    expect(queue.ack(first.token, [at(first, 2)])).toMatchObject({ acked: 1 });
    expect(recv()).toMatchObject({ seqs: [], wait_ms: 500 });
    clock.now += 499;
    expect(recv()).toMatchObject({ seqs: [], wait_ms: 1 });
    clock.now += 1;
    const second = recv();
    expect([second.seqs, second.attempts]).toEqual([
      [1, 3],
      [2, 1],
    ]);
    expect(queue.nack(second.token, at(second, 1), { error: 'x' })).toEqual({
      state: 'waiting',
      attempts: 2,
      delay_ms: 2000,
      failing_ms: 0,
    });
    clock.now += 2000;
    const third = recv();
    expect(queue.nack(third.token, at(third, 1), { error: 'the last' })).toEqual({
      state: 'dead',
      attempts: 3,
      failing_ms: 2000,
    });
    expect(queue.deadLetters).toMatchObject([{ change: { seq: 1 }, error: 'the last', attempts: 3 }]);
    const fourth = recv();
    expect([fourth.seqs, fourth.attempts]).toEqual([[3], [1]]);
    queue.ack(fourth.token, fourth.changes);
    add(4, 'a');
    const fifth = recv();
    clock.now += 7;
    // A success in between ended the time of failures.
    expect(queue.nack(fifth.token, at(fifth, 4), { error: 'x' })).toMatchObject({ failing_ms: 0, attempts: 1 });
  });

  it('gives up what is hopeless, and goes on or waits by its rule', () => {
    const skip = open();
    for (const seq of [1, 2]) skip.add(seq, 'a');
    const one = skip.recv();
    expect(skip.queue.nack(one.token, skip.at(one, 1), { error: 'x', dead: true })).toMatchObject({
      state: 'dead',
      attempts: 1,
    });
    expect(skip.settled).toEqual([[1, true]]);
    expect(skip.recv().seqs).toEqual([2]);
    const block = open({ onDead: 'block' });
    for (const seq of [1, 2]) block.add(seq, 'a');
    block.add(3, 'b');
    const two = block.recv();
    block.queue.nack(two.token, block.at(two, 1), { error: 'x', dead: true });
    block.queue.ack(two.token, [block.at(two, 3)]);
    expect(block.settled).toEqual([[3, false]]);
    expect(block.recv().seqs).toEqual([]);
    expect(block.queue.lag()).toEqual({ changes: 0, more: false, seconds: 0 });
  });

  it('keeps what is younger than its lag, and all that follows it', () => {
    const { add, recv, clock, queue } = open({ consumeLag: 1000 });
    add(1, 'a', 1000);
    add(2, 'a', 999);
    add(3, 'a', 5000);
    expect(recv().seqs).toEqual([1]);
    const other = open({ consumeLag: 1000 });
    other.add(2, 'a', 400);
    other.add(4, 'b', 700);
    expect(other.recv()).toMatchObject({ seqs: [], wait_ms: 300 });
    clock.now += 2500;
    expect(queue.lag()).toEqual({ changes: 3, more: false, seconds: 7.5 });
  });

  it('forgets all of it, and follows new settings', () => {
    const { queue, add, recv } = open();
    add(1, 'a');
    const batch = recv();
    queue.configure({ ...SETTINGS, parallel: 1, lease: 7 });
    expect(queue.recv(1)).toMatchObject({ busy: true });
    queue.clear();
    expect(() => queue.ack(batch.token, batch.changes)).toThrow(LeaseLostError);
    add(1, 'a');
    expect(recv()).toMatchObject({ seqs: [1], lease_ms: 7 });
  });
});

describe('a source in memory', () => {
  const at = (seconds: number) => new Date(NOON + seconds * 1000);
  const seeded = () =>
    memory([
      { id: 'one', at: at(0) },
      { id: 'two', key: 'k', type: 't', headers: { h: '1' }, payload: { n: 1 }, at: at(10) },
      { at: at(20) },
    ]);
  const receiver = async (source = seeded(), settings: Partial<ConsumerSettings> = {}) =>
    await source.open({
      settings: { ...SETTINGS, ...settings },
      ports: defaultPorts({ now: () => NOON + 60_000 }),
    } as unknown as Parameters<typeof source.open>[0]);
  const never = new AbortController().signal;

  it('shows an event as handlers get it', async () => {
    const { changes } = await (await receiver()).recv(10, never);
    expect(changes).toEqual([
      {
        seq: 1,
        id: 'one',
        foreign_id: 'one',
        type: 'event',
        app_key: null,
        collection_key: null,
        external_id: null,
        operation: null,
        headers: { idempotency_key: 'one' },
        created_at: at(0).toISOString(),
        before: null,
        after: null,
        changed_fields: null,
        attempt: 1,
      },
      {
        seq: 2,
        id: 'two',
        foreign_id: 'k',
        type: 't',
        app_key: null,
        collection_key: null,
        external_id: null,
        operation: null,
        headers: { idempotency_key: 'two', h: '1' },
        created_at: at(10).toISOString(),
        before: null,
        after: { n: 1 },
        changed_fields: null,
        attempt: 1,
      },
      expect.objectContaining({ seq: 3, id: '3', foreign_id: '3' }),
    ]);
  });

  it('begins where it is told to', async () => {
    const read = async (start: ConsumerSettings['start']) =>
      (await (await receiver(seeded(), { start })).recv(10, never)).changes.map(({ seq }) => seq);
    expect(await read('start')).toEqual([1, 2, 3]);
    expect(await read('now')).toEqual([]);
    expect(await read(at(10))).toEqual([2, 3]);
    expect(await read(at(11))).toEqual([3]);
    expect(await read(at(99))).toEqual([]);
    const source = seeded();
    const one = await receiver(source, { start: 'now' });
    source.push({ id: 'four', at: at(30) });
    expect((await one.recv(10, never)).changes.map(({ id }) => id)).toEqual(['four']);
    await one.seek(at(10));
    expect((await one.recv(10, never)).changes.map(({ seq }) => seq)).toEqual([2, 3, 4]);
  });

  it('keeps the place of a consumer for the next process, and gives back what was out', async () => {
    const source = seeded();
    const first = await receiver(source);
    const batch = await first.recv(2, never);
    await first.ack(batch.token ?? 0, batch.changes.slice(0, 1), undefined);
    expect((await first.lag()).changes).toBe(2);
    await first.close();
    const second = await receiver(source, { start: 'now' });
    expect((await second.recv(10, never)).changes.map(({ seq }) => seq)).toEqual([2, 3]);
    await second.pause('because');
    expect(await second.recv(10, never)).toEqual({ token: null, changes: [], wait_ms: null, paused: true });
    expect(source.deadLetters('reader')).toEqual([]);
    expect(source.deadLetters('nobody')).toEqual([]);
  });
});
