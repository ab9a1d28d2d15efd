import { beforeEach, describe, expect, it } from 'vitest';
import { createFeedStore, type DeclaredConsumer, type FeedStore } from '../../src/engine/feed/feed-store.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { fromNow, insertEntity, insertRow, readRows, type Values } from '../support/row-view.ts';

const DAY = 86_400;

describeEachDatabase('the feed and its past', (make) => {
  let db: TestDatabase;
  let store: FeedStore;
  // Retention looks at all of a database.
  beforeEach(async () => {
    if (db === undefined) db = await make({ template: 'engine' });
    for (const table of ['consumers', 'changes', 'messages', 'feed_history', 'entities', 'consumer_receipts'])
      await db.query(`delete from supasaasy.${table}`);
    await db.query(
      `update supasaasy.feed_state set trimmed_until = null, messages_trimmed_until = null, kept_at = null`,
    );
    await db.query(`select supasaasy.ensure_collection('acme_thing')`);
    store = createFeedStore(db.database);
  });

  const change = async (id: string, days: number, values: Values = {}) => {
    const [row] = await db.query<{ seq: string }>(
      `insert into supasaasy.changes (app_key, collection_key, external_id, operation, origin, version, changed_at)
       values ($1, $2, $3, 'create', 'sync', 1, clock_timestamp() - make_interval(days => $4)) returning seq`,
      [values['app_key'] ?? 'app', values['collection_key'] ?? 'acme_thing', id, days],
    );
    return Number(row?.seq);
  };
  const message = async (id: string, days: number) => {
    const [row] = await db.query<{ seq: string }>(
      `insert into supasaasy.messages (topic, message_id, key, type, created_at) values ('t', $1, $1, 'x', clock_timestamp() - make_interval(days => $2)) returning seq`,
      [id, days],
    );
    return Number(row?.seq);
  };
  const left = async (log: 'changes' | 'messages' = 'changes') =>
    (await readRows(db, log, 'true order by seq')).map((row) => row['external_id'] ?? row['message_id']);
  const declare = (name: string, values: Partial<DeclaredConsumer> = {}) =>
    store.declare([{ name, kind: 'changes', start: 'start', lease_ms: 300_000, ...values }], false);
  const state = async (): Promise<Values> => (await readRows(db, 'feed_state', 'true'))[0] ?? {};

  describe('forgets', () => {
    it('what is older than it is told to keep, oldest first, as much as it may at one time', async () => {
      for (const [id, days] of [
        ['a', 12],
        ['b', 11],
        ['c', 9],
        ['d', 0],
      ] as const)
        await change(id, days);
      for (const [id, days] of [
        ['m', 12],
        ['n', 11],
        ['o', 9],
      ] as const)
        await message(id, days);
      expect(await store.trim(10, false, 1)).toEqual({ changes: 1, messages: 1, held_by: [] });
      expect([await left(), await left('messages')]).toEqual([
        ['b', 'c', 'd'],
        ['n', 'o'],
      ]);
      expect(await store.trim(10, false, 100)).toEqual({ changes: 1, messages: 1, held_by: [] });
      expect([await left(), await left('messages')]).toEqual([['c', 'd'], ['o']]);
      expect(await store.trim(10, false, 100)).toEqual({ changes: 0, messages: 0, held_by: [] });
    });

    it('all of it where all of it is old, and says since when the feed is known', async () => {
      for (const id of ['a', 'b']) await change(id, 12);
      await message('m', 12);
      expect(await state()).toMatchObject({ trimmed_until: 'never', messages_trimmed_until: 'never' });
      expect(await store.trim(10, false, 100)).toMatchObject({ changes: 2, messages: 1 });
      const [known] = await db.query<{ changes: number; messages: number }>(
        `select (extract(epoch from clock_timestamp() - trimmed_until) / 86400)::float8 as changes, (extract(epoch from clock_timestamp() - messages_trimmed_until) / 86400)::float8 as messages from supasaasy.feed_state`,
      );
      expect(known?.changes).toBeCloseTo(10, 1);
      expect(known?.messages).toBeCloseTo(10, 1);
    });

    it('nothing that is younger by its number than something that is young', async () => {
      await change('a', 12);
      await change('young', 1);
      await change('old, numbered late', 12);
      expect(await store.trim(10, false, 100)).toMatchObject({ changes: 1 });
      expect(await left()).toEqual(['young', 'old, numbered late']);
    });

    it('nothing of collections whose history is kept', async () => {
      await change('a', 12);
      await change('b', 12, { collection_key: 'acme_note' });
      await change('c', 12, { app_key: 'other' });
      await store.declareHistory([{ app_key: 'app', collection_key: 'acme_thing' }]);
      expect(await store.trim(10, false, 100)).toMatchObject({ changes: 2 });
      expect(await left()).toEqual(['a']);
      await store.declareHistory([{ app_key: 'app', collection_key: 'acme_note' }]);
      expect(await store.trim(10, false, 100)).toMatchObject({ changes: 1 });
    });

    it('what nobody may ask for again: receipts and letters that were seen to', async () => {
      await declare('reader');
      const letter = { consumer: 'reader', entity: 'e', change: {}, error: 'x', attempts: 1 };
      await insertRow(db, 'dead_letters', { ...letter, seq: 1, state: 'settled', created_at: fromNow(-11 * DAY) });
      await insertRow(db, 'dead_letters', { ...letter, seq: 2, state: 'dead', created_at: fromNow(-11 * DAY) });
      await insertRow(db, 'dead_letters', { ...letter, seq: 3, state: 'redriven', created_at: fromNow(-11 * DAY) });
      await insertRow(db, 'dead_letters', { ...letter, seq: 4, state: 'settled', created_at: fromNow(-9 * DAY) });
      await insertRow(db, 'consumer_receipts', { consumer: 'reader', key: 'old', created_at: fromNow(-11 * DAY) });
      await insertRow(db, 'consumer_receipts', { consumer: 'reader', key: 'young', created_at: fromNow(-9 * DAY) });
      await store.trim(10, false, 100);
      expect((await readRows(db, 'dead_letters', 'true order by seq')).map(({ seq }) => seq)).toEqual([2, 4]);
      expect((await readRows(db, 'consumer_receipts', 'true')).map(({ key }) => key)).toEqual(['young']);
    });
  });

  describe('forgets nothing that an active consumer', () => {
    const seed = async () => {
      for (const id of ['a', 'b', 'c', 'd']) await change(id, 12);
    };
    const kept = async (answer: { changes: number; held_by: readonly { consumer: string; since: string }[] }) => ({
      ...answer,
      left: await left(),
      holders: answer.held_by.map(({ consumer }) => consumer),
    });

    it('has not read', async () => {
      await seed();
      await declare('reader');
      const { holders, changes, held_by, left: rest } = await kept(await store.trim(10, false, 100));
      expect([holders, changes, rest]).toEqual([['reader'], 0, ['a', 'b', 'c', 'd']]);
      const days = (Date.now() - Date.parse(held_by[0]?.since ?? '')) / 1000 / DAY;
      expect(days).toBeCloseTo(12, 1);
    });

    it('has out and has not acknowledged', async () => {
      await seed();
      await declare('reader');
      const batch = await store.recv('reader', 100, null);
      expect(await kept(await store.trim(10, false, 100))).toMatchObject({ holders: ['reader'], changes: 0 });
      // Of a batch that is answered in parts: what comes before the first that is open.
      const seqs = batch.changes.map(({ seq }) => seq);
      await store.ack('reader', batch.token ?? 0, [seqs[0] ?? 0, seqs[2] ?? 0], undefined);
      expect(await kept(await store.trim(10, false, 100))).toMatchObject({
        holders: ['reader'],
        changes: 1,
        left: ['b', 'c', 'd'],
      });
      await store.ack('reader', batch.token ?? 0, null, undefined);
      expect(await kept(await store.trim(10, false, 100))).toMatchObject({ holders: [], changes: 3, left: [] });
    });

    it('holds back after a failure; a dead letter has its own copy', async () => {
      await seed();
      await declare('reader');
      const batch = await store.recv('reader', 100, null);
      const second = batch.changes[1]?.seq ?? 0;
      await store.nack('reader', batch.token ?? 0, second, 'x', 60_000, false);
      await store.ack('reader', batch.token ?? 0, null, undefined);
      expect(await kept(await store.trim(10, false, 100))).toMatchObject({
        holders: ['reader'],
        changes: 1,
        left: ['b', 'c', 'd'],
      });
      await db.query('update supasaasy.consumer_held set not_before = clock_timestamp()');
      const again = await store.recv('reader', 100, null);
      await store.nack('reader', again.token ?? 0, second, 'x', null, true);
      expect(await kept(await store.trim(10, false, 100))).toMatchObject({ holders: [], changes: 3, left: [] });
      expect((await store.deadLetters('reader', 10, null))[0]?.change).toMatchObject({ external_id: 'b' });
    });

    it('is behind with, whatever others have read; one that is no longer configured holds nothing', async () => {
      await seed();
      await declare('quick');
      await declare('slow');
      const batch = await store.recv('quick', 100, null);
      await store.ack('quick', batch.token ?? 0, null, undefined);
      expect(await kept(await store.trim(10, false, 100))).toMatchObject({ holders: ['slow'], changes: 0 });
      await db.query(`update supasaasy.consumers set active = false where name = 'slow'`);
      expect(await kept(await store.trim(10, false, 100))).toMatchObject({ holders: [], changes: 4 });
    });

    it('is behind with in a log of messages, and each log for itself', async () => {
      await seed();
      for (const id of ['m', 'n']) await message(id, 12);
      await declare('reader', { kind: 'messages', topic: 't' });
      expect(await store.trim(10, false, 100)).toMatchObject({
        changes: 4,
        messages: 0,
        held_by: [{ consumer: 'reader' }],
      });
      expect(await left('messages')).toEqual(['m', 'n']);
    });

    it('reads that is younger', async () => {
      await change('old', 12);
      await declare('reader', { start: 'now' });
      await change('young', 1);
      expect(await kept(await store.trim(10, false, 100))).toMatchObject({ holders: [], changes: 1, left: ['young'] });
    });

    it('needs, but by force; each says what it has lost', async () => {
      await seed();
      await declare('slow');
      await declare('done', { start: 'now' });
      await change('young', 1);
      expect(await store.trim(10, true, 100)).toMatchObject({ changes: 4, held_by: [{ consumer: 'slow' }] });
      expect((await store.status(null)).map(({ name, lost }) => [name, lost])).toEqual([
        ['done', 0],
        ['slow', 4],
      ]);
      // What it was about to read is empty now; what follows comes with the next call.
      const rest = [await store.recv('slow', 100, null), await store.recv('slow', 100, null)].flatMap(
        ({ changes }) => changes,
      );
      expect(rest.map(({ external_id }) => external_id)).toEqual(['young']);
    });
  });

  it('is seen to once in a while, by one of many', async () => {
    expect(await store.retentionIsDue(3_600_000)).toBe(true);
    expect(await store.retentionIsDue(3_600_000)).toBe(false);
    await db.query(`update supasaasy.feed_state set kept_at = clock_timestamp() - interval '59 minutes'`);
    expect(await store.retentionIsDue(3_600_000)).toBe(false);
    await db.query(`update supasaasy.feed_state set kept_at = clock_timestamp() - interval '60 minutes'`);
    expect(await store.retentionIsDue(3_600_000)).toBe(true);
    expect(await state()).toMatchObject({ kept_at: 'now' });
  });

  describe('knows what an entity was', () => {
    const MOMENTS = ['2026-01-01', '2026-01-02', '2026-01-03', '2026-01-04'].map((day) => `${day}T00:00:00.000Z`);
    const [first = '', second = '', third = '', fourth = ''] = MOMENTS;
    /** Created, changed, deleted, created again. */
    async function write() {
      let previous: number | null = null;
      for (const [n, [operation, before]] of (
        [
          ['create', null],
          ['update', { n: 1 }],
          ['delete', { n: 2 }],
          ['create', null],
        ] as const
      ).entries()) {
        const [row]: { seq: string }[] = await db.query(
          `insert into supasaasy.changes (app_key, collection_key, external_id, operation, origin, version, changed_at, before, previous_seq)
           values ('app', 'acme_thing', 'x', $1, 'sync', 1, $2, $3, $4) returning seq`,
          [operation, MOMENTS[n], before === null ? null : JSON.stringify(before), previous],
        );
        previous = Number(row?.seq);
      }
      await insertEntity(db, {
        app_key: 'app',
        collection_key: 'acme_thing',
        external_id: 'x',
        raw_payload: { n: 3 },
        change_seq: previous,
        created_at: first,
      });
    }
    const asOf = async (at: string, id = 'x', app = 'app') =>
      (
        await db.query<{ p: unknown }>(`select supasaasy.entity_as_of($2, 'acme_thing', $3, $1::timestamptz) as p`, [
          at,
          app,
          id,
        ])
      )[0]?.p;
    const just = (moment: string, ms: number) => new Date(Date.parse(moment) + ms).toISOString();

    it('at each moment: a version begins at its moment and ends before the next one', async () => {
      await write();
      expect(await asOf(just(first, -1))).toBeNull();
      expect(await asOf(first)).toEqual({ n: 1 });
      expect(await asOf(just(second, -1))).toEqual({ n: 1 });
      expect(await asOf(second)).toEqual({ n: 2 });
      expect(await asOf(just(third, -1))).toEqual({ n: 2 });
      expect(await asOf(third)).toBeNull();
      expect(await asOf(just(fourth, -1))).toBeNull();
      expect(await asOf(fourth)).toEqual({ n: 3 });
      expect(await asOf('2030-01-01')).toEqual({ n: 3 });
      expect(await asOf(first, 'y')).toBeNull();
      expect(await asOf(first, 'x', 'other')).toBeNull();
    });

    it('in all versions, oldest first', async () => {
      await write();
      const versions = await db.query<{ operation: string; since: Date; until: Date | null; payload: unknown }>(
        `select * from supasaasy.entity_versions('app', 'acme_thing', 'x')`,
      );
      expect(
        versions.map(({ operation, since, until, payload }) => [
          operation,
          new Date(since).toISOString(),
          until === null ? null : new Date(until).toISOString(),
          payload,
        ]),
      ).toEqual([
        ['create', first, second, { n: 1 }],
        ['update', second, third, { n: 2 }],
        ['delete', third, fourth, null],
        ['create', fourth, null, { n: 3 }],
      ]);
      expect(await db.query(`select * from supasaasy.entity_versions('app', 'acme_thing', 'y')`)).toEqual([]);
      expect(await db.query(`select * from supasaasy.entity_versions('other', 'acme_thing', 'x')`)).toEqual([]);
    });

    it('before the first change that the feed knows', async () => {
      await write();
      await db.query(`delete from supasaasy.changes where changed_at <= $1`, [first]);
      expect(await asOf(first)).toEqual({ n: 1 });
      // A change that the feed no longer has came before it: since when, nobody knows.
      expect(await asOf('2020-01-01')).toEqual({ n: 1 });
      await db.query(`update supasaasy.changes set previous_seq = null where changed_at = $1`, [second]);
      expect(await asOf('2020-01-01')).toBeNull();
      expect(await asOf(first)).toEqual({ n: 1 });
    });

    it('of a quiet first load, and that it no longer knows', async () => {
      await insertEntity(db, {
        app_key: 'app',
        collection_key: 'acme_thing',
        external_id: 'q',
        raw_payload: { n: 1 },
        created_at: second,
      });
      expect([await asOf(first, 'q'), await asOf(second, 'q')]).toEqual([null, { n: 1 }]);
      await insertEntity(db, {
        app_key: 'app',
        collection_key: 'acme_thing',
        external_id: 'gone',
        raw_payload: { n: 1 },
        created_at: second,
        deleted_at: fromNow(-5),
      });
      expect(await asOf(third, 'gone')).toBeNull();
      await db.query('update supasaasy.feed_state set trimmed_until = $1', [fourth]);
      await expect(asOf(third, 'gone')).rejects.toThrow(/the feed begins at .* is no longer known/);
      expect([await asOf(first, 'gone'), await asOf(fourth, 'gone'), await asOf(third, 'never there')]).toEqual([
        null,
        null,
        null,
      ]);
      await store.declareHistory([{ app_key: 'app', collection_key: 'acme_thing' }]);
      expect(await asOf(third, 'gone')).toBeNull();
    });

    it.each<[unknown, unknown, unknown]>([
      [{ a: 1 }, { a: 1 }, []],
      [{ a: 1, b: 2 }, { a: 1, b: 3 }, [{ path: ['b'], before: 2, after: 3 }]],
      [
        { a: 1 },
        { b: 1 },
        [
          { path: ['a'], before: 1 },
          { path: ['b'], after: 1 },
        ],
      ],
      [
        { a: [1, { c: 2 }] },
        { a: [1, { c: 3 }, 4] },
        [
          { path: ['a', '1', 'c'], before: 2, after: 3 },
          { path: ['a', '2'], after: 4 },
        ],
      ],
      [{ a: [1, 2] }, { a: [1] }, [{ path: ['a', '1'], before: 2 }]],
      [{ a: [] }, { a: {} }, [{ path: ['a'], before: [], after: {} }]],
      [{ a: null }, { a: 1 }, [{ path: ['a'], before: null, after: 1 }]],
      [null, { a: 1 }, [{ path: [], before: null, after: { a: 1 } }]],
    ])('and what differs between %o and %o', async (before, after, expected) => {
      const [row] = await db.query<{ d: unknown }>('select supasaasy.diff_values($1::jsonb, $2::jsonb) as d', [
        JSON.stringify(before),
        JSON.stringify(after),
      ]);
      expect(row?.d).toEqual(expected);
    });

    it('and what differs between two moments', async () => {
      await write();
      const [row] = await db.query<{ d: unknown }>(
        `select supasaasy.diff_versions('app', 'acme_thing', 'x', $1, $2) as d`,
        [first, second],
      );
      expect(row?.d).toEqual([{ path: ['n'], before: 1, after: 2 }]);
    });
  });
});
