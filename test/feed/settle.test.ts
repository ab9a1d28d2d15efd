import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Batch } from '../../src/engine/feed/change.ts';
import { createFeedStore, type DeclaredConsumer, type FeedStore } from '../../src/engine/feed/feed-store.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { readRows, type Values } from '../support/row-view.ts';

/** One topic and one consumer of it for each test, in one database. */
describeEachDatabase('what a consumer answers', (make) => {
  let db: TestDatabase;
  let store: FeedStore;
  let name = '';
  let count = 0;
  beforeAll(async () => {
    db = await make({ template: 'engine' });
    store = createFeedStore(db.database);
  });
  beforeEach(() => {
    count += 1;
    name = `reader_${count}`;
  });

  const declare = (values: Partial<DeclaredConsumer> = {}) =>
    store.declare(
      [{ name, kind: 'messages', topic: name, start: 'start', lease_ms: 300_000, parallel: 4, ...values }],
      false,
    );
  const publish = (...keys: string[]) =>
    store.publish(
      name,
      keys.map((key, n) => ({ id: `${key}-${n}-${Math.random()}`, key, type: `type.${key}`, payload: { n } })),
    );
  const recv = async (limit = 100) => {
    const batch = await store.recv(name, limit, null);
    return {
      ...batch,
      token: batch.token ?? 0,
      keys: batch.changes.map((change) => change.foreign_id),
      seqs: batch.changes.map((change) => change.seq),
    };
  };
  /** Those that had something to read. */
  const lanes = () =>
    readRows(db, 'consumer_lanes', 'consumer = $1 and (token is not null or last_token is not null) order by id', [
      name,
    ]);
  const held = () => readRows(db, 'consumer_held', 'consumer = $1 order by entity', [name]);
  const dead = () => readRows(db, 'dead_letters', 'consumer = $1 order by id', [name]);
  const health = async (): Promise<Values> => (await readRows(db, 'consumer_health', 'consumer = $1', [name]))[0] ?? {};
  const due = () =>
    db.query(`update supasaasy.consumer_held set not_before = clock_timestamp() where consumer = $1`, [name]);
  const expire = async () => {
    for (const table of ['consumer_lanes', 'consumer_held'])
      await db.query(
        `update supasaasy.${table} set lease_until = clock_timestamp() - interval '1 second' where consumer = $1 and lease_until is not null`,
        [name],
      );
  };
  const nack = (batch: { token: number }, seq: number | undefined, delay: number | null = 90_000, isDead = false) =>
    store.nack(name, batch.token, seq ?? 0, 'the error', delay, isDead);

  describe('with an acknowledgement', () => {
    it('of all of it, once', async () => {
      await declare();
      await publish('a', 'b', 'c');
      const batch = await recv();
      expect(batch.keys).toEqual(['a', 'b', 'c']);
      expect(batch.lease_ms).toBe(300_000);
      expect(await lanes()).toMatchObject([
        { pending: batch.seqs, flight: batch.seqs, token: batch.token, lease_until: '+300 s', crashes: 0 },
      ]);
      expect(await store.ack(name, batch.token, null, undefined)).toMatchObject({
        acked: 3,
        repeated: 0,
        lost: 0,
        acked_seqs: null,
      });
      expect(await lanes()).toMatchObject([
        { pending: [], flight: [], token: null, last_token: batch.token, lease_until: 'never' },
      ]);
      expect(await store.ack(name, batch.token, batch.seqs, undefined)).toMatchObject({
        acked: 0,
        repeated: 3,
        lost: 0,
      });
      expect(await store.ack(name, batch.token, null, undefined)).toMatchObject({ acked: 0, repeated: 0 });
      expect((await recv()).keys).toEqual([]);
    });

    it('of a part of it, in any order', async () => {
      await declare();
      await publish('a', 'b', 'c', 'd');
      const batch = await recv();
      const [a = 0, b = 0, c = 0, d = 0] = batch.seqs;
      expect(await store.ack(name, batch.token, [c, a], undefined)).toMatchObject({ acked: 2, repeated: 0, lost: 0 });
      expect(await lanes()).toMatchObject([
        { pending: [b, d], flight: [b, d], token: batch.token, lease_until: '+300 s' },
      ]);
      expect(await store.ack(name, batch.token, [a, b], undefined)).toMatchObject({
        acked: 1,
        repeated: 1,
        lost: 0,
        acked_seqs: [b],
      });
      expect(await store.ack(name, batch.token, [d, 999_999], undefined)).toMatchObject({ acked: 1, repeated: 1 });
      expect(await lanes()).toMatchObject([{ pending: [], token: null }]);
    });

    it('of what another worker has taken over: lost, and refused where it is all', async () => {
      await declare();
      await publish('a', 'b', 'c');
      const late = await recv();
      const [a = 0, b = 0, c = 0] = late.seqs;
      await store.ack(name, late.token, [a], undefined);
      await expire();
      const taker = await recv();
      expect(taker.seqs).toEqual([b, c]);
      expect(taker.changes[0]?.attempt).toBe(2);
      await expect(store.ack(name, late.token, [b], undefined)).rejects.toThrow('no longer yours');
      expect(await store.ack(name, late.token, null, undefined)).toMatchObject({ acked: 0, lost: 0 });
      await expect(store.ack(name, 12_345, [a], undefined)).rejects.toThrow('no longer yours');
      await expect(store.extend(name, late.token, null)).rejects.toThrow('no longer yours');
      expect(await nack(late, b)).toEqual({ state: 'settled' });
      expect(await store.release(name, late.token)).toBe(false);
      expect(await lanes()).toMatchObject([{ pending: [b, c], flight: [b, c], token: taker.token, crashes: 1 }]);
      expect(await store.ack(name, taker.token, [b, c], undefined)).toMatchObject({ acked: 2 });
      expect(await lanes()).toMatchObject([{ crashes: 0 }]);
    });

    it('counts what handlers did, and ends a time of failures', async () => {
      await declare();
      await publish('a', 'b');
      const batch = await recv();
      await nack(batch, batch.seqs[0]);
      expect(await health()).toMatchObject({ failing_since: 'now' });
      const stats = (processed: number) => [
        { type: 'type.b', processed, errors: 1, seconds: 0.5, buckets: [0, 1, 2, 3, 4, 5, 6] },
      ];
      await store.ack(name, batch.token, [batch.seqs[1] ?? 0], stats(2));
      expect(await health()).toMatchObject({ failing_since: 'never' });
      await store.record(name, stats(3));
      expect(await readRows(db, 'consumer_stats', 'consumer = $1', [name])).toEqual([
        {
          consumer: name,
          type: 'type.b',
          processed: 5,
          errors: 2,
          dead: 0,
          seconds: 1,
          buckets: [0, 2, 4, 6, 8, 10, 12],
        },
      ]);
    });
  });

  it('extends all that is out under its token, and releases it', async () => {
    await declare();
    await publish('a', 'b');
    const first = await recv();
    await nack(first, first.seqs[0]);
    await due();
    const second = await recv();
    expect(second.keys).toEqual(['a']);
    expect(await store.extend(name, first.token, 900_000)).toBe(true);
    expect(await store.extend(name, second.token, 600_000)).toBe(true);
    expect(await lanes()).toMatchObject([{ lease_until: '+900 s' }]);
    expect(await held()).toMatchObject([{ lease_until: '+600 s' }]);
    expect(await store.extend(name, second.token, null)).toBe(true);
    expect(await held()).toMatchObject([{ lease_until: '+300 s' }]);
    expect(await store.release(name, first.token)).toBe(true);
    expect(await lanes()).toMatchObject([
      { token: null, last_token: first.token, lease_until: 'never', flight: [], pending: [first.seqs[1]], crashes: 0 },
    ]);
    expect(await store.release(name, second.token)).toBe(true);
    expect(await held()).toMatchObject([
      { token: null, last_token: second.token, lease_until: 'never', flight: [], attempts: 1 },
    ]);
    expect(await store.release(name, second.token)).toBe(false);
    const again = await recv();
    expect(new Set(again.keys)).toEqual(new Set(['a', 'b']));
    // Nobody died: no attempt is counted.
    expect(again.changes.find((change) => change.foreign_id === 'b')?.attempt).toBe(1);
  });

  describe('with a failure', () => {
    it('holds the entity and all that follows it, and nothing else', async () => {
      await declare();
      await publish('a', 'b', 'a', 'c', 'a');
      const batch = await recv();
      const [a1 = 0, b = 0, a2 = 0, c = 0, a3 = 0] = batch.seqs;
      expect(await nack(batch, a1)).toMatchObject({
        state: 'waiting',
        attempts: 1,
        delay_ms: 90_000,
        failing_ms: expect.any(Number),
      });
      expect(await held()).toMatchObject([
        {
          entity: 'a',
          seqs: [a1, a2, a3],
          flight: [],
          attempts: 1,
          not_before: '+90 s',
          blocked: false,
          error: 'the error',
          token: null,
          last_token: batch.token,
          lease_until: 'never',
        },
      ]);
      expect(await lanes()).toMatchObject([{ pending: [b, c], flight: [b, c], token: batch.token }]);
      // A newer one lines up behind.
      await publish('a', 'd');
      await store.ack(name, batch.token, null, undefined);
      expect((await recv()).keys).toEqual(['d']);
      expect((await held())[0]?.['seqs']).toHaveLength(4);
      await due();
      const again = await recv();
      expect(again.keys).toEqual(['a', 'a', 'a', 'a']);
      expect(again.changes.map(({ attempt }) => attempt)).toEqual([2, 1, 1, 1]);
      expect(await nack(again, a2)).toMatchObject({ state: 'waiting', attempts: 2 });
      expect(await held()).toMatchObject([{ seqs: [a2, a3, expect.any(Number)], attempts: 2 }]);
    });

    it('says that it was answered before', async () => {
      await declare();
      await publish('a', 'b');
      const batch = await recv();
      await store.ack(name, batch.token, null, undefined);
      expect(await nack(batch, batch.seqs[0])).toEqual({ state: 'settled' });
      await expect(nack({ token: 12_345 }, batch.seqs[0])).rejects.toThrow('no longer yours');
    });

    it('waits by the backoff of the consumer, doubled with each attempt, at most as long as it allows', async () => {
      await declare({ backoff_ms: 60_000, max_attempts: 99 });
      await db.query('update supasaasy.consumers set backoff_max_ms = 200000 where name = $1', [name]);
      await publish('a');
      const delays = [];
      for (let attempt = 1; attempt <= 4; attempt += 1) {
        const batch = await recv();
        const answer = await nack(batch, batch.seqs[0], null);
        expect(answer).toMatchObject({ state: 'waiting', attempts: attempt });
        delays.push(answer.delay_ms ?? 0);
        await due();
      }
      for (const [at, most] of [60_000, 120_000, 200_000, 200_000].entries()) {
        expect(delays[at]).toBeGreaterThanOrEqual(most / 2);
        expect(delays[at]).toBeLessThanOrEqual(most);
      }
    });

    it('is given up after as many attempts as are allowed, and the rest of the entity goes on at once', async () => {
      await declare({ max_attempts: 2 });
      await publish('a', 'a');
      const first = await recv();
      expect(await nack(first, first.seqs[0])).toMatchObject({ state: 'waiting' });
      await due();
      const second = await recv();
      expect(await nack(second, first.seqs[0])).toMatchObject({ state: 'dead', attempts: 2 });
      expect(await dead()).toMatchObject([
        {
          seq: first.seqs[0],
          entity: 'a',
          error: 'the error',
          attempts: 2,
          state: 'dead',
          created_at: 'now',
          change: { foreign_id: 'a', type: 'type.a', attempt: 2 },
        },
      ]);
      expect(await held()).toMatchObject([
        {
          seqs: [first.seqs[1]],
          flight: [],
          token: null,
          lease_until: 'never',
          attempts: 0,
          error: null,
          blocked: false,
        },
      ]);
      expect(await readRows(db, 'consumer_stats', 'consumer = $1', [name])).toMatchObject([
        { type: 'type.a', dead: 1, processed: 0 },
      ]);
      const third = await recv();
      expect([third.seqs, third.changes[0]?.attempt]).toEqual([[first.seqs[1]], 1]);
      await store.ack(name, third.token, null, undefined);
      expect(await held()).toEqual([]);
    });

    it('is given up at once where it is hopeless, and leaves nothing behind where nothing follows', async () => {
      await declare();
      await publish('a', 'b');
      const batch = await recv();
      expect(await nack(batch, batch.seqs[0], null, true)).toMatchObject({ state: 'dead', attempts: 1 });
      expect(await held()).toEqual([]);
      expect(await lanes()).toMatchObject([{ pending: [batch.seqs[1]] }]);
      expect((await recv()).keys).toEqual([]);
    });

    it('waits for a person where that is the rule', async () => {
      await declare({ on_dead: 'block' });
      await publish('a', 'a');
      const batch = await recv();
      await nack(batch, batch.seqs[0], null, true);
      expect(await held()).toMatchObject([
        {
          seqs: batch.seqs,
          flight: [],
          token: null,
          lease_until: 'never',
          attempts: 1,
          error: 'the error',
          blocked: true,
        },
      ]);
      await due();
      expect((await recv()).keys).toEqual([]);
      const [letter] = await dead();
      expect(await store.redrive(name, [Number(letter?.['id'])], null)).toBe(1);
      const again = await recv();
      expect(again.keys).toEqual(['a', 'a']);
      await store.ack(name, again.token, null, undefined);
      expect(await dead()).toMatchObject([{ state: 'settled' }]);
    });
  });

  describe('with silence', () => {
    it('counts for the first of a held entity, which is given up in time', async () => {
      await declare({ max_attempts: 3 });
      await publish('a', 'a');
      const first = await recv();
      await nack(first, first.seqs[0]);
      await due();
      await recv();
      await expire();
      const third = await recv();
      expect(third.changes.map(({ attempt }) => attempt)).toEqual([3, 1]);
      await expire();
      const fourth = await recv();
      expect(await dead()).toMatchObject([
        { seq: first.seqs[0], error: 'it was handed out 3 times and nobody answered', attempts: 3 },
      ]);
      expect(fourth.keys.length).toBeLessThanOrEqual(1);
    });

    it('is busy as long as there are as many readers as are allowed', async () => {
      await declare({ parallel: 1 });
      await publish('a', 'b');
      const first = await recv(1);
      expect(await store.recv(name, 1, null)).toMatchObject({ token: null, busy: true, changes: [] });
      await store.ack(name, first.token, null, undefined);
      const second = await recv(1);
      expect(second.keys).toEqual(['b']);
      await nack(second, second.seqs[0], 0);
      await recv(1);
      expect(await store.recv(name, 1, null)).toMatchObject({ token: null, busy: true });
      await expire();
      expect((await recv(1)).keys).toEqual(['b']);
      await store.pause(name, 'because');
      expect(await store.recv(name, 1, null)).toMatchObject({ token: null, paused: true, changes: [] });
    });

    it('says when to look again', async () => {
      await declare();
      const wait = async () => (await store.recv(name, 10, null)).wait_ms;
      expect(await wait()).toBeNull();
      await publish('a', 'b');
      const batch: Batch = await store.recv(name, 10, null);
      const steps = async () => Math.round(((await wait()) ?? Number.NaN) / 30_000);
      expect(await steps()).toBe(10);
      await store.nack(name, batch.token ?? 0, batch.changes[0]?.seq ?? 0, 'x', 120_000, false);
      expect(await steps()).toBe(4);
      await store.ack(name, batch.token ?? 0, null, undefined);
      expect(await steps()).toBe(4);
      await declare({ redrive_after_ms: 60_000 });
      await due();
      const again = await recv();
      await nack(again, again.seqs[0], null, true);
      expect(await steps()).toBe(2);
      await db.query(
        `update supasaasy.dead_letters set created_at = created_at - interval '2 minutes' where consumer = $1`,
        [name],
      );
      expect((await recv()).keys).toEqual(['a']);
      expect(await dead()).toMatchObject([{ state: 'redriven', redriven_at: 'now' }]);
    });
  });
});
