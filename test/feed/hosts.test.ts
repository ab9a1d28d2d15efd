import { expect, it, vi } from 'vitest';
import '../../connectors/stripe/index.ts';
import { defineConfig } from '../../src/config.ts';
import { assembleMigrations } from '../../src/engine/assemble.ts';
import { createEngine } from '../../src/engine/engine.ts';
import type { Change } from '../../src/engine/feed/change.ts';
import { changes, table } from '../../src/engine/feed/database-source.ts';
import { type ConsumerInput, defineConsumer } from '../../src/engine/feed/define-consumer.ts';
import { createFeedStore } from '../../src/engine/feed/feed-store.ts';
import { workSlice } from '../../src/engine/slice.ts';
import { createEdge } from '../../src/runtime/edge/create-edge.ts';
import { readMigrations } from '../../src/runtime/node/migration-files.ts';
import { describeEachDatabase } from '../setup/database.ts';
import { write } from './writers.ts';

const consumer = (input: Partial<ConsumerInput> & Pick<ConsumerInput, 'handler'>) =>
  defineConsumer({ name: 'reader', source: changes(), start: 'start', errBackOff: 60_000, ...input });
const BROKEN = consumer({
  name: 'broken',
  source: { name: 'broken', open: () => Promise.reject(new Error('its server is away')) },
  handler() {},
});

describeEachDatabase(
  'consumers on hosts that live for one request',
  (make) => {
    it('are run by the Edge worker, and one that cannot run stops no other', async () => {
      const { database } = await make({ template: 'engine' });
      const got: string[] = [];
      const log = vi.fn();
      const worker = createEdge({
        config: defineConfig({
          consumers: [BROKEN, consumer({ handler: (change) => void got.push(change.external_id ?? '') })],
        }),
        name: 'worker',
        env: { SUPASAASY_ADMIN_KEY: 'key' },
        database,
        log,
        runInBackground() {},
      });
      for (const id of ['a', 'b']) await write(database, id, {});
      const ring = async () =>
        await worker.fetch(
          new Request('https://x.supabase.co/worker', { method: 'POST', headers: { authorization: 'Bearer key' } }),
        );
      expect(await (await ring()).json()).toMatchObject({ changes: 2 });
      expect(got).toEqual(['a', 'b']);
      expect(log).toHaveBeenCalledWith('error', 'consumer broken stopped: its server is away');
      expect(await (await ring()).json()).toMatchObject({ changes: 0 });
    });

    it('stop within a batch when their time is over, and the next one goes on', async () => {
      const { database } = await make({ template: 'engine' });
      for (const id of ['a', 'b', 'c', 'd']) await write(database, id, {});
      const got: string[] = [];
      let clock = 0;
      const handler = (change: Change) => {
        got.push(change.external_id ?? '');
        clock += 60;
      };
      const config = defineConfig({ consumers: [consumer({ handler })] });
      const engine = createEngine({ config, database, env: {}, ports: { monotonic: () => clock } });
      await workSlice(engine, { budgetMs: 100 });
      expect(got).toEqual(['a', 'b']);
      expect((await engine.feed.store.status('reader'))[0]).toMatchObject({ in_flight: 0, lag: { changes: 2 } });
      await workSlice(engine, { budgetMs: 100 });
      expect(got).toEqual(['a', 'b', 'c', 'd']);
    });

    it('forget what is older than the retention, once an hour, and name who holds the feed back', async () => {
      const { database } = await make({ template: 'engine' });
      const log = vi.fn();
      const config = defineConfig({ feed: { retention_days: 1 } });
      const engine = createEngine({ config, database, env: {}, ports: { log } });
      await database.call('declare_consumers', { consumers: [{ name: 'slow', start: 'start' }] });
      for (const id of ['a', 'b']) await write(database, id, {});
      await database.query(`update supasaasy.changes set changed_at = changed_at - interval '2 days'`);
      await createFeedStore(database).recv('slow', 1, null);
      await workSlice(engine, { budgetMs: 5000 });
      expect(log).toHaveBeenCalledWith('warn', expect.stringMatching(/^consumer slow holds the feed back/));
      await database.query('update supasaasy.consumers set active = false');
      const left = async () => (await database.query('select from supasaasy.changes')).length;
      await workSlice(engine, { budgetMs: 5000 });
      expect(await left()).toBe(2);
      await database.query(`update supasaasy.feed_state set kept_at = kept_at - interval '1 hour'`);
      await workSlice(engine, { budgetMs: 5000 });
      expect(await left()).toBe(0);
    });

    it('are rung by the clock when a change or a retry waits for them, and not otherwise', async () => {
      const { database } = await make({ template: 'engine' });
      const store = createFeedStore(database);
      const waits = async () =>
        (await database.query<{ w: boolean }>('select supasaasy.consumers_wait() as w'))[0]?.w ?? false;
      const seen: boolean[] = [];
      const look = async () => void seen.push(await waits());
      await database.call('declare_consumers', { consumers: [{ name: 'reader', start: 'start' }], all: true });
      await database.call('declare_consumers', { consumers: [{ name: 'by-hand', start: 'start' }] });
      await look();
      await write(database, 'a', {});
      await look();
      const batch = await store.recv('reader', 10, 60_000);
      await look();
      await store.nack('reader', batch.token ?? 0, batch.changes[0]?.seq ?? 0, 'no', 60_000, false);
      await look();
      await database.query(`update supasaasy.consumer_held set not_before = now()`);
      await look();
      await store.pause('reader', null);
      await look();
      await store.resume('reader');
      const again = await store.recv('reader', 10, null);
      await store.ack('reader', again.token ?? 0, null, undefined);
      await look();
      expect(seen).toEqual([false, true, false, false, true, false, false]);
    });

    it('are known to a Supabase project from its migration on, with what they watch and what keeps its history', async () => {
      const { database } = await make();
      await database.script('create table public.orders (id bigint primary key, state text)');
      const config = defineConfig({
        apps: [{ app_key: 'acme', connector: 'stripe', history: ['customer'] }],
        consumers: [
          consumer({ handler() {} }),
          consumer({ name: 'orders', source: table('orders', { key: 'id' }), handler() {} }),
          consumer({ name: 'missing', source: table('not_yet', { key: 'id' }), handler() {} }),
        ],
      });
      const assembly = await assembleMigrations({
        config,
        migrations: await readMigrations(config.apps.map((app) => app.connector)),
        existing: [],
        nowMs: 0,
      });
      if (assembly.state !== 'new') throw new Error('nothing was assembled');
      await database.script(assembly.file.text);
      await database.query(`insert into public.orders values (1, 'new')`);
      const store = createFeedStore(database);
      expect((await store.recv('orders', 10, null)).changes).toMatchObject([{ type: 'orders.inserted' }]);
      expect((await store.status(null)).map(({ name, active }) => [name, active])).toEqual([
        ['missing', true],
        ['orders', true],
        ['reader', true],
      ]);
      expect(await database.query('select app_key, collection_key from supasaasy.feed_history')).toEqual([
        { app_key: 'acme', collection_key: 'stripe_customer' },
      ]);
      // Whoever opens the source now has nothing to do: no right to the table is needed, no lock is taken.
      expect(await store.watchTable('public.orders', 'id')).toBe('table:public.orders');
    });
  },
  { kinds: ['pglite'] },
);
