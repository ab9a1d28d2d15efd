import { expect, it } from 'vitest';
import type { SqlDatabase } from '../../src/engine/database.ts';
import type { Batch } from '../../src/engine/feed/change.ts';
import { createFeedStore } from '../../src/engine/feed/feed-store.ts';
import { describeEachDatabase } from '../setup/database.ts';
import { createRandom, write } from './writers.ts';

/** A moment between what was and what comes. */
const at = async (database: SqlDatabase) => {
  const [before] = await database.query<{ now: Date }>(`select clock_timestamp() + interval '2 ms' as now`);
  await expect
    .poll(
      async () =>
        (
          await database.query<{ past: boolean }>(
            `select clock_timestamp() > $1::timestamptz + interval '2 ms' as past`,
            [before!.now],
          )
        )[0]?.past,
      { interval: 2 },
    )
    .toBe(true);
  return before!.now;
};
const declare = (database: SqlDatabase, ...consumers: Record<string, unknown>[]) =>
  database.call('declare_consumers', { consumers });
const take = async (database: SqlDatabase, name: string, limit = 1000) => {
  const batch = await database.call<Batch>('consumer_recv', { name, limit });
  if (batch.token !== null) await database.call('consumer_ack', { name, token: batch.token });
  return batch.changes;
};

describeEachDatabase(
  'the feed in SQL',
  (make) => {
    const fresh = async () => (await make({ template: 'engine' })).database;

    it('S3-19, S3-32: gives 100 % of 100,000 random ids to exactly one of n readers', async () => {
      const database = await fresh();
      const random = createRandom(7);
      const ids = Array.from({ length: 100_000 }, () => `id_${Math.floor(random() * 2 ** 52).toString(36)}`);
      const shares = await database.query<{ p: number; n: number }>(
        `select supasaasy.partition_of(supasaasy.entity_key('acme', 'stripe_customer', id)) as p, count(*)::int as n from unnest($1::text[]) id group by 1`,
        [ids],
      );
      const count = new Map(shares.map(({ p, n }) => [p, n]));
      expect(count.size).toBe(64);
      for (const n of [1, 2, 3, 5, 8, 64]) {
        await database.query('delete from supasaasy.consumers');
        await database.query('delete from supasaasy.changes');
        // One change for each partition, so that each reader finds some.
        await database.query(
          `insert into supasaasy.changes (app_key, collection_key, external_id, operation, origin, version)
        select 'acme', 'stripe_customer', id, 'create', 'sync', 1 from (
          select distinct on (p) id from (select id, supasaasy.partition_of(supasaasy.entity_key('acme', 'stripe_customer', id)) as p
            from unnest($1::text[]) id) x order by p, id) y`,
          [ids.slice(0, 2000)],
        );
        await declare(database, { name: 'reader', parallel: n, start: 'start' });
        for (let i = 0; i < n; i += 1)
          expect((await database.call<Batch>('consumer_recv', { name: 'reader', limit: 1000 })).token).not.toBeNull();
        // Which lease owns a partition is which reader owns its ids.
        const lanes = await database.query<{ token: string | null; partitions: string }>(
          'select token, partitions from supasaasy.consumer_lanes',
        );
        let owned = 0;
        for (const [p, size] of count) {
          const owners = lanes.filter(
            (lane) => lane.token !== null && ((BigInt(lane.partitions) >> BigInt(p)) & 1n) === 1n,
          );
          expect(owners.length).toBe(1);
          owned += size;
        }
        expect(owned).toBe(100_000);
        expect(new Set(lanes.map((lane) => lane.token)).size).toBe(n);
      }
    }, 120_000);

    it('answers an unknown consumer with those that there are', async () => {
      const database = await fresh();
      await declare(database, { name: 'one' }, { name: 'two' });
      await expect(database.call('consumer_recv', { name: 'three' })).rejects.toMatchObject({
        code: 'not_found',
        message: 'there is no consumer "three" (consumers: one, two)',
      });
    });

    it('counts a reader that never answers as failing: alone after two silences, given up after max_attempts', async () => {
      const database = await fresh();
      await declare(database, { name: 'reader', start: 'start', lease_ms: 1, max_attempts: 5 });
      for (const id of ['poison', 'b', 'c']) await write(database, id, {});
      const sizes: number[] = [];
      for (let i = 0; i < 5; i += 1) {
        const { changes } = await database.call<Batch>('consumer_recv', { name: 'reader', limit: 10 });
        sizes.push(changes.length);
        await expect
          .poll(
            async () =>
              await database.query('select from supasaasy.consumer_lanes where lease_until > clock_timestamp()'),
          )
          .toEqual([]);
      }
      expect(sizes).toEqual([3, 3, 3, 1, 1]);
      expect((await take(database, 'reader')).map((change) => change.external_id)).toEqual(['b', 'c']);
      expect(await createFeedStore(database).deadLetters('reader', 10, null)).toMatchObject([
        { attempts: 5, error: 'it was handed out 5 times and nobody answered' },
      ]);
    });

    it('leaves a filtered consumer nothing to wait for, and an idle one no lag', async () => {
      const database = await fresh();
      await declare(
        database,
        { name: 'updates', filter: { types: ['update'] }, start: 'start' },
        { name: 'invoices', filter: { collections: ['stripe_invoice'] }, start: 'start' },
        { name: 'whole', filter: { apps: ['acme'], types: ['stripe.customer.updated'] }, start: 'start' },
      );
      await write(database, 'a', { n: 1 });
      await write(database, 'a', { n: 2 });
      expect((await take(database, 'updates')).map((change) => change.operation)).toEqual(['update']);
      expect((await take(database, 'whole')).map((change) => change.operation)).toEqual(['update']);
      expect(await take(database, 'invoices')).toEqual([]);
      for (const name of ['updates', 'invoices', 'whole'])
        expect(await database.call('consumer_lag', { name })).toMatchObject({ changes: 0, seconds: 0 });
    });

    it('loses nothing of a topic whose few messages lie behind thousands of others, far apart', async () => {
      const database = await fresh();
      await declare(database, { name: 'quiet', kind: 'messages', topic: 'quiet' });
      const publish = (topic: string, first: number, last: number) =>
        database.query(
          `insert into supasaasy.messages (topic, message_id, key, type) select $1, n::text, n::text, 'x' from generate_series($2::int, $3::int) n`,
          [topic, first, last],
        );
      await publish('busy', 1, 1);
      await database.query(`select setval('supasaasy.message_seq', nextval('supasaasy.message_seq') + 100000)`);
      await publish('busy', 2, 6000);
      await publish('quiet', 1, 3);
      expect(await database.call('consumer_lag', { name: 'quiet' })).toMatchObject({ changes: 3 });
      // Nothing yet, but there is more to look through: at once.
      expect(await database.call('consumer_recv', { name: 'quiet' })).toEqual({ token: null, changes: [], wait_ms: 0 });
      expect((await take(database, 'quiet')).map((change) => change.id)).toEqual(['1', '2', '3']);
    });

    it('delivers in rows what it delivers as JSON', async () => {
      const database = await fresh();
      await declare(
        database,
        { name: 'json', start: 'start' },
        { name: 'rows', start: 'start' },
        { name: 'thin', start: 'start', thin: true },
        { name: 'topic', kind: 'messages', topic: 'things' },
      );
      const { rows: _, ...withoutRows } = database;
      const [inRows, asJson] = [createFeedStore(database), createFeedStore(withoutRows)];
      const both = async (one: string, other = one) => {
        const read = async (store: typeof inRows, name: string) => {
          const batch = await store.recv(name, 100, 5000);
          if (batch.token !== null) await store.release(name, batch.token);
          return { ...batch, token: batch.token === null ? null : 'a token' };
        };
        const batches = [await read(inRows, one), await read(asJson, other)];
        expect(batches[0]).toEqual(batches[1]);
        return batches[0]!;
      };
      expect(await both('rows', 'json')).toEqual({ token: null, changes: [], wait_ms: null });
      await write(database, 'a"b', { name: 'Zoë', n: 1.5, deep: [{ x: null }] });
      await write(database, 'a"b', { name: 'Zoë', n: 2, deep: [] });
      await write(database, 'a"b', { name: 'Zoë', n: 2, deep: [] }, true);
      await database.call('publish_messages', { topic: 'things', events: [{ id: '1', key: 'k', payload: [1] }] });
      expect((await both('rows', 'json')).changes).toMatchObject([
        { operation: 'create', changed_fields: null },
        { operation: 'update', changed_fields: ['deep', 'n'] },
        { operation: 'delete', after: null },
      ]);
      expect((await both('thin')).changes).toMatchObject([{ after: null }, { after: null }, { before: null }]);
      expect((await both('topic')).changes).toMatchObject([{ id: '1', after: [1] }]);
      await inRows.pause('rows', null);
      expect(await both('rows')).toEqual({ token: null, changes: [], wait_ms: null, paused: true });
      // A change that the feed no longer has comes from its dead letter, in its place.
      const batch = await asJson.recv('json', 100, null);
      await asJson.nack('json', Number(batch.token), batch.changes[1]!.seq, 'no', null, true);
      await database.query('delete from supasaasy.changes where seq = $1', [batch.changes[1]!.seq]);
      await asJson.redrive('json', null, null);
      await asJson.ack('json', Number(batch.token), [batch.changes[0]!.seq], undefined);
      expect((await both('json')).changes.map(({ operation }) => operation)).toEqual(['update', 'delete']);
    });

    it('S3-26: loses no row of a watched table, and refuses a column that it does not have', async () => {
      const database = await fresh();
      await database.query('create table public.orders (id bigint primary key, state text)');
      await expect(database.call('watch_table', { table: 'public.orders', key: 'nope' })).rejects.toThrow(
        'has no column "nope"',
      );
      expect(await database.call('watch_table', { table: 'public.orders', key: 'id' })).toBe('table:public.orders');
      await declare(database, { name: 'orders', kind: 'messages', topic: 'table:public.orders', start: 'start' });
      await database.query(`insert into public.orders values (1, 'new'), (2, 'new')`);
      await database.query(`update public.orders set state = 'paid' where id = 1`);
      await database.query(`delete from public.orders where id = 2`);
      expect(
        (await take(database, 'orders')).map(({ type, foreign_id, after, headers }) => [
          type,
          foreign_id,
          (after as { state: string }).state,
          headers['table'],
          headers['action'],
        ]),
      ).toEqual([
        ['orders.inserted', '1', 'new', 'public.orders', 'insert'],
        ['orders.inserted', '2', 'new', 'public.orders', 'insert'],
        ['orders.updated', '1', 'paid', 'public.orders', 'update'],
        ['orders.deleted', '2', 'new', 'public.orders', 'delete'],
      ]);
    });

    it('remembers what an entity was, at every moment, and how two moments differ', async () => {
      const database = await fresh();
      const before = await at(database);
      await write(database, 'a', { name: 'A', plan: { tier: 1 }, tags: ['x'] });
      const first = await at(database);
      await write(database, 'a', { name: 'A', plan: { tier: 2 }, tags: ['x', 'y'] });
      const second = await at(database);
      await write(database, 'a', null, true);
      const gone = await at(database);
      await write(database, 'a', { name: 'again' });
      const asOf = async (moment: Date) =>
        (
          await database.query<{ p: unknown }>(
            `select supasaasy.entity_as_of('acme', 'stripe_customer', 'a', $1) as p`,
            [moment],
          )
        )[0]?.p;
      expect(await asOf(before)).toBeNull();
      expect(await asOf(first)).toEqual({ name: 'A', plan: { tier: 1 }, tags: ['x'] });
      expect(await asOf(second)).toEqual({ name: 'A', plan: { tier: 2 }, tags: ['x', 'y'] });
      expect(await asOf(gone)).toBeNull();
      expect(await asOf(await at(database))).toEqual({ name: 'again' });
      const [diff] = await database.query<{ d: unknown }>(
        `select supasaasy.diff_versions('acme', 'stripe_customer', 'a', $1, $2) as d`,
        [first, second],
      );
      expect(diff?.d).toEqual([
        { path: ['plan', 'tier'], before: 1, after: 2 },
        { path: ['tags', '1'], after: 'y' },
      ]);
    });

    it('knows the first state of an entity that a quiet first load wrote', async () => {
      const database = await fresh();
      await database.query(`select supasaasy.apply_states('acme', 'stripe_customer', array[row('q', null, '{"n":1}'::jsonb, null, false, null, false, 1, 1, null)::supasaasy.entity_state],
      '{"source": "read", "origin": "sync", "started_at": "2020-01-01", "quiet_creates": true}')`);
      expect(await database.query('select from supasaasy.changes')).toEqual([]);
      const loaded = await at(database);
      await write(database, 'q', { n: 2 });
      const versions = await database.query<{ operation: string | null; payload: unknown }>(
        `select operation, payload from supasaasy.entity_versions('acme', 'stripe_customer', 'q')`,
      );
      expect(versions).toEqual([
        { operation: null, payload: { n: 1 } },
        { operation: 'update', payload: { n: 2 } },
      ]);
      expect(
        (
          await database.query<{ p: unknown }>(
            `select supasaasy.entity_as_of('acme', 'stripe_customer', 'q', $1) as p`,
            [loaded],
          )
        )[0]?.p,
      ).toEqual({ n: 1 });
    });

    it('forgets what is old, but nothing that an active consumer has not settled, and says who it waits for', async () => {
      const database = await fresh();
      await declare(database, { name: 'quick', start: 'start' }, { name: 'slow', start: 'start' });
      for (const id of ['a', 'b', 'c', 'd']) await write(database, id, {});
      await take(database, 'quick');
      await take(database, 'slow', 2);
      const kept = await database.call<{ changes: number; held_by: { consumer: string }[] }>('trim_feed', {
        keep: '0 seconds',
      });
      expect(kept).toMatchObject({ changes: 2, held_by: [{ consumer: 'slow' }] });
      expect((await take(database, 'slow')).map((change) => change.external_id)).toEqual(['c', 'd']);
      expect(await database.call('trim_feed', { keep: '0 seconds' })).toMatchObject({ changes: 2, held_by: [] });
      await expect(database.call('consumer_seek', { name: 'quick', to: '2020-01-01' })).rejects.toThrow(
        /the feed begins at .* are no longer there/,
      );
      await expect(
        database.query(`select supasaasy.entity_as_of('acme', 'stripe_customer', 'a', '2020-01-01')`),
      ).resolves.toEqual([{ entity_as_of: null }]);
    });

    it('forgets by force, and the consumer that lost something says how much', async () => {
      const database = await fresh();
      await declare(database, { name: 'slow', start: 'start' });
      for (const id of ['a', 'b', 'c']) await write(database, id, {});
      expect(await database.call('trim_feed', { keep: '0 seconds', force: true })).toMatchObject({ changes: 3 });
      expect((await createFeedStore(database).status('slow'))[0]).toMatchObject({ lost: 3, lag: { changes: 0 } });
      expect(await take(database, 'slow')).toEqual([]);
    });

    it('keeps the versions of collections with history for good', async () => {
      const database = await fresh();
      await database.call('declare_history', { collections: [{ app_key: 'acme', collection_key: 'stripe_customer' }] });
      await write(database, 'a', { n: 1 });
      const first = await at(database);
      await write(database, 'a', { n: 2 });
      expect(await database.call('trim_feed', { keep: '0 seconds' })).toMatchObject({ changes: 0 });
      expect(
        (
          await database.query<{ p: unknown }>(
            `select supasaasy.entity_as_of('acme', 'stripe_customer', 'a', $1) as p`,
            [first],
          )
        )[0]?.p,
      ).toEqual({ n: 1 });
    });

    it('finds its place again after a dump was restored into a younger cluster', async () => {
      const database = await fresh();
      await declare(database, { name: 'reader', parallel: 2, start: 'start' });
      for (let i = 0; i < 30; i += 1) await write(database, `c${i}`, { i });
      const done = (await take(database, 'reader', 12)).map((change) => change.external_id);
      const open = await database.call<Batch>('consumer_recv', { name: 'reader', limit: 5 });
      // What a younger cluster sees: ids of transactions that it has not reached, in rows and in positions.
      await database.script(`alter table supasaasy.changes disable trigger all;
      update supasaasy.changes set xid = (xid::text::bigint + 1000000)::text::xid8;
      alter table supasaasy.changes enable trigger all;
      update supasaasy.consumer_lanes set
        seen = (select format('%s:%s:%s', (pg_snapshot_xmin(seen)::text::bigint) + 1000000, (pg_snapshot_xmax(seen)::text::bigint) + 1000000,
          (select string_agg((x::text::bigint + 1000000)::text, ',') from pg_snapshot_xip(seen) x)))::pg_snapshot,
        target = case when target is not null then format('%s:%s:%s', (pg_snapshot_xmin(target)::text::bigint) + 1000000, (pg_snapshot_xmax(target)::text::bigint) + 1000000,
          (select string_agg((x::text::bigint + 1000000)::text, ',') from pg_snapshot_xip(target) x))::pg_snapshot end;`);
      // The first thing that happens there is a write, before anybody reads.
      await write(database, 'new', {});
      const rest: string[] = [];
      for (let batch = await take(database, 'reader'); batch.length > 0; batch = await take(database, 'reader'))
        rest.push(...batch.map((change) => change.external_id ?? ''));
      expect(open.changes.length).toBe(5);
      expect([...done, ...rest].sort()).toEqual([...Array.from({ length: 30 }, (_, i) => `c${i}`), 'new'].sort());
      expect(
        (
          await database.query<{ there: boolean }>('select restored_at is not null as there from supasaasy.feed_state')
        )[0]?.there,
      ).toBe(true);
      await write(database, 'newer', {});
      expect((await take(database, 'reader')).map((change) => change.external_id)).toEqual(['newer']);
    });

    it('takes no change that commits while it looks for one from another cluster', async () => {
      const database = await fresh();
      if (database.kind === 'pglite') return;
      let asked: Promise<boolean> | undefined;
      await database.transaction(async (tx) => {
        // It waits here between its first step and its last.
        await tx.query('lock table supasaasy.messages in access exclusive mode');
        asked = database.call<boolean>('feed_is_from_elsewhere', {});
        const waiting = async () =>
          (await tx.query<{ n: number }>('select count(*)::int as n from pg_locks where not granted'))[0]?.n;
        await expect.poll(waiting).toBe(1);
        await database.transaction(async (writer) => {
          await writer.query('set local session_replication_role = replica');
          await writer.query(`insert into supasaasy.changes (app_key, collection_key, external_id, operation, origin, version)
            values ('acme', 'stripe_customer', 'a', 'create', 'sync', 1)`);
        });
      });
      expect(await asked).toBe(false);
    });

    it('a transaction that stays open for long hides nothing and is read when it commits', async () => {
      const database = await fresh();
      if (database.kind === 'pglite') return;
      await declare(database, { name: 'reader', start: 'now' });
      const got: string[] = [];
      await database.transaction(async (tx) => {
        await write(tx, 'slow', {});
        for (let i = 0; i < 50; i += 1) {
          await write(database, `quick${i}`, {});
          got.push(...(await take(database, 'reader')).map((change) => change.external_id ?? ''));
        }
      });
      expect(got).toEqual(Array.from({ length: 50 }, (_, i) => `quick${i}`));
      expect((await take(database, 'reader')).map((change) => change.external_id)).toEqual(['slow']);
    });
  },
  { kinds: ['pglite', 'postgres', 'pg15'] },
);
