import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { SqlDatabase } from '../../src/engine/database.ts';
import type { Change } from '../../src/engine/feed/change.ts';
import { createFeedStore, type FeedStore } from '../../src/engine/feed/feed-store.ts';
import { createPostgres } from '../../src/runtime/node/postgres.ts';
import { findDebian15, startCluster } from '../setup/cluster.ts';
import { describeEachDatabase } from '../setup/database.ts';
import { write } from './writers.ts';

/** Everything that is due, each acknowledged. */
async function takeAll(store: FeedStore): Promise<string[]> {
  const got: Change[] = [];
  for (;;) {
    const { token, changes } = await store.recv('reader', 1000, null);
    if (token === null) return got.map(idOf);
    got.push(...changes);
    await store.ack('reader', token, null, undefined);
  }
}
const idOf = (change: Change) => `${change.external_id}:${(change.after as { n: number }).n}`;

/** As after years of work: many transactions more than a new cluster has seen. */
async function growOld(database: SqlDatabase): Promise<void> {
  await database.script(`create procedure public.grow_old() language plpgsql as $$
    begin for i in 1 .. 20000 loop perform pg_current_xact_id(); commit; end loop; end $$`);
  await database.query('call public.grow_old()');
}

describeEachDatabase(
  'the feed after pg_dump and pg_restore into a younger cluster',
  (make) => {
    it('goes on where each consumer was: nothing is lost, nothing acknowledged comes again, order is kept', async () => {
      const binaries = findDebian15();
      if (typeof binaries === 'string') throw new Error(binaries);
      const folder = mkdtempSync(join(tmpdir(), 'supasaasy-dump-'));
      const file = join(folder, 'dump');
      const young = await startCluster(binaries);
      onTestFinished(async () => {
        await young.stop();
        rmSync(folder, { recursive: true, force: true });
      });

      const { database, connectionString = '' } = await make({ template: 'engine' });
      await growOld(database);
      const store = createFeedStore(database);
      await database.call('declare_consumers', { consumers: [{ name: 'reader', parallel: 3, start: 'start' }] });
      const written: string[] = [];
      const writeOne = async (on: SqlDatabase, id: string, n: number) => {
        await write(on, id, { n });
        written.push(`${id}:${n}`);
      };
      for (let n = 0; n < 3; n += 1) for (let i = 0; i < 40; i += 1) await writeOne(database, `c${i}`, n);
      const acked: string[] = [];
      const first = await store.recv('reader', 50, null);
      acked.push(...first.changes.map(idOf));
      await store.ack('reader', first.token ?? 0, null, undefined);
      // One fails and waits, one is given up, the rest is out when the dump is made.
      const second = await store.recv('reader', 20, null);
      const [failing, dead] = second.changes as [Change, Change];
      await store.nack('reader', second.token ?? 0, failing.seq, 'later', 0, false);
      await store.nack('reader', second.token ?? 0, dead.seq, 'never', 0, true);
      await store.recv('reader', 10, null);

      const restored = createPostgres({ connectionString: young.url, max: 5 });
      onTestFinished(() => restored.close());
      // Roles are the cluster's: no dump of one database has them.
      const roles = (on: SqlDatabase) => on.query<{ rolname: string }>(`select rolname from pg_roles`);
      const known = (await roles(restored)).map(({ rolname }) => rolname);
      for (const { rolname } of await roles(database))
        if (!known.includes(rolname)) await restored.query(`create role ${rolname}`);
      execFileSync(join(binaries.bin, 'pg_dump'), ['-Fc', '-f', file, connectionString]);
      execFileSync(join(binaries.bin, 'pg_restore'), ['--no-owner', '-d', young.url, file]);
      const after = createFeedStore(restored);
      const [age] = await restored.query<{ younger: boolean }>(
        `select pg_current_xact_id() < (select max(xid) from supasaasy.changes) as younger`,
      );
      expect(age?.younger).toBe(true);

      for (let i = 0; i < 5; i += 1) await writeOne(restored, `c${i}`, 9);
      await restored.query(`update supasaasy.consumer_held set not_before = now()`);
      const rest = await takeAll(after);
      expect([...acked, idOf(dead), ...rest].sort()).toEqual([...written].sort());
      const versions = new Map<string, number>();
      for (const [id = '', n] of rest.map((one) => one.split(':'))) {
        expect(Number(n)).toBeGreaterThan(versions.get(id) ?? -1);
        versions.set(id, Number(n));
      }
      expect((await after.status('reader'))[0]).toMatchObject({
        lag: { changes: 0 },
        dead_letters: 1,
        lost: 0,
        held: 0,
      });
      const [state] = await restored.query<{ there: boolean }>(
        'select restored_at is not null as there from supasaasy.feed_state',
      );
      expect(state?.there).toBe(true);
      await writeOne(restored, 'c1', 10);
      expect(await takeAll(after)).toEqual(['c1:10']);
    }, 120_000);
  },
  { kinds: ['pg15'] },
);
