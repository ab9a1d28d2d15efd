import { beforeAll, expect, it } from 'vitest';
import type { Database } from '../../src/engine/database.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { ACME_TEMPLATE, acmeLarge } from '../support/acme-connector.ts';
import { createMirror } from '../support/mirror.ts';

const OBJECTS = 2_000;
const PAGES = OBJECTS / 100;

/** Small brothers of `npm run bench:proofs`. */
describeEachDatabase(
  'what it costs to stay in sync',
  (make) => {
    let db: TestDatabase;
    beforeAll(async () => {
      // One connection: what it writes ahead is what the engine writes ahead.
      db = await make({ template: ACME_TEMPLATE, max: 1 });
    });

    async function synced(kind: string) {
      const counted = { calls: 0 };
      const wrap = (database: Database): Database => ({
        ...database,
        call(name, args) {
          counted.calls += 1;
          return database.call(name, args);
        },
      });
      const mirror = createMirror(db, { resources: [kind], connector: acmeLarge.metadata.name, slots: 4, wrap });
      const ids = Array.from({ length: OBJECTS }, (_, n) => {
        if (n % 7 === 0) mirror.account.tick();
        return mirror.account.create(kind, { n, text: 'x'.repeat(500) }).id;
      });
      await mirror.full();
      mirror.account.tick(10);
      return { mirror, ids, counted };
    }

    async function walBytes(): Promise<number> {
      await db.query('select pg_stat_force_next_flush()');
      const [row] = await db.query<{ bytes: string }>(
        'select wal_bytes::text as bytes from pg_stat_get_backend_wal(pg_backend_pid())',
      );
      return Number(row?.bytes);
    }

    it('A31 unchanged objects read again: no row, no entry of the feed, less than 50 bytes of WAL each', async () => {
      const { mirror } = await synced('thing');
      const rows = () =>
        db.query('select external_id, xmin::text, ctid::text from supasaasy.entities where app_key = $1 order by 1', [
          mirror.key,
        ]);
      const [before, changes] = [await rows(), await mirror.changes()];
      await db.query('checkpoint');
      const wal = await walBytes();
      await mirror.full();
      const written = (await walBytes()) - wal;
      expect(await rows()).toEqual(before);
      expect(await mirror.changes()).toEqual(changes);
      expect(written).toBeGreaterThan(0);
      // The run, its tasks and its certificate are written once, whatever was read.
      expect(written).toBeLessThan(OBJECTS * 50 + 100_000);
    });

    it('an audit of equal objects asks for each page once and finds no difference', async () => {
      const { mirror } = await synced('label');
      const before = mirror.api.requests.length;
      const run = await mirror.engine.audit(mirror.key);
      expect(run).toMatchObject({ state: 'completed', resources: { label: { missing: 0, stale: 0, extra: 0 } } });
      expect(mirror.api.requests.length - before).toBeLessThanOrEqual(1.05 * PAGES);
    });

    it('A32 every deletion is found: by its event, by an audit, by a full pass in a few statements a page', async () => {
      const { mirror, ids, counted } = await synced('thing');
      const living = async () => (await mirror.held('thing')).size;
      const remove = (count: number) => {
        for (const id of ids.splice(0, count)) mirror.account.remove('thing', id);
        return mirror.account.log.slice(-count);
      };
      // `npm run bench:proofs` measures how long this takes.
      await mirror.deliver(...remove(1));
      expect(await living()).toBe(OBJECTS - 1);

      remove(20);
      expect(await mirror.engine.audit(mirror.key, { repair: true })).toMatchObject({
        state: 'completed',
        resources: { thing: { extra: 20, repaired: 20 } },
      });
      expect(await living()).toBe(OBJECTS - 21);

      remove(300);
      const before = counted.calls;
      await mirror.full();
      expect(await living()).toBe(OBJECTS - 321);
      expect(counted.calls - before).toBeLessThan(5 * PAGES);
      await mirror.expectTruth();
    });
  },
  { kinds: ['postgres'] },
);
