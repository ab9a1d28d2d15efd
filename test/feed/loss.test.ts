import { expect, it } from 'vitest';
import type { SqlDatabase } from '../../src/engine/database.ts';
import type { Change } from '../../src/engine/feed/change.ts';
import { topic } from '../../src/engine/feed/database-source.ts';
import { createFeedStore } from '../../src/engine/feed/feed-store.ts';
import { defaultPorts } from '../../src/engine/ports.ts';
import { LeaseLostError } from '../../src/errors.ts';
import { sourceConformance } from '../../src/testing/source-conformance.ts';
import { describeEachDatabase } from '../setup/database.ts';
import { createRandom, writeConcurrently } from './writers.ts';

const DECLARATION = {
  kind: 'changes',
  parallel: 3,
  max_attempts: 10_000,
  backoff_ms: 1,
  on_dead: 'skip',
  consume_lag_ms: 0,
  lag_alert_ms: 1e9,
  lease_ms: 150,
  thin: false,
  start: 'start',
} as const;

interface Account {
  /** Acknowledged, in the order of acknowledging, per entity. */
  readonly acked: Map<string, number[]>;
  readonly seen: Map<number, Change>;
  readonly violations: string[];
}

/** A worker as unreliable as they come: dies with a batch in its hands, fails, loses its lease. */
async function work(database: SqlDatabase, account: Account, seed: number, stop: () => boolean): Promise<void> {
  const store = createFeedStore(database);
  const random = createRandom(seed);
  const done = new Set<number>();
  for (const seqs of account.acked.values()) for (const seq of seqs) done.add(seq);
  while (!stop()) {
    const batch = await store.recv('reader', 1 + Math.floor(random() * 60), null);
    if (batch.token === null) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      continue;
    }
    for (const change of batch.changes) {
      account.seen.set(change.seq, change);
      const before = account.acked.get(change.foreign_id) ?? [];
      if (before.includes(change.seq)) account.violations.push(`${change.seq} came again after its acknowledgement`);
      if ((before.at(-1) ?? 0) > change.seq)
        account.violations.push(`${change.seq} came after ${before.at(-1)} of its entity`);
    }
    const fate = random();
    if (fate < 0.05) continue; // Killed.
    if (fate < 0.15) await new Promise((resolve) => setTimeout(resolve, 200)); // Too slow: the lease ends.
    try {
      const failing = random() < 0.2 ? batch.changes[Math.floor(random() * batch.changes.length)] : undefined;
      const good = batch.changes.filter(
        (change) => failing === undefined || change.foreign_id !== failing.foreign_id || change.seq < failing.seq,
      );
      if (good.length > 0) {
        const { acked, acked_seqs } = await store.ack(
          'reader',
          batch.token,
          good.map((change) => change.seq),
          undefined,
        );
        const taken = good.filter((change) => acked_seqs?.includes(change.seq) ?? true);
        if (acked !== taken.length) account.violations.push(`${acked} acknowledged of ${taken.length}`);
        for (const change of taken) {
          const list = account.acked.get(change.foreign_id) ?? [];
          list.push(change.seq);
          account.acked.set(change.foreign_id, list);
        }
      }
      if (failing !== undefined)
        await store.nack('reader', batch.token, failing.seq, 'not today', random() < 0.3 ? 400 : random() * 20, false);
    } catch (error) {
      if (!(error instanceof LeaseLostError)) throw error;
    }
  }
}

async function story(database: SqlDatabase, seed: number, changes: number, patienceMs = Infinity): Promise<Account> {
  const store = createFeedStore(database);
  await store.declare([{ name: 'reader', ...DECLARATION }], false);
  const account: Account = { acked: new Map(), seen: new Map(), violations: [] };
  let ended = false;
  const writing = writeConcurrently(database, { writers: 24, changes, entities: 300, seed });
  const workers: Promise<void>[] = [];
  const rescale = async () => {
    for (const [i, parallel] of [3, 5, 2].entries()) {
      await store.declare([{ name: 'reader', ...DECLARATION, parallel }], false);
      while (workers.length < parallel) workers.push(work(database, account, seed * 100 + workers.length, () => ended));
      if (i < 2) await new Promise((resolve) => setTimeout(resolve, 300));
    }
  };
  await rescale();
  await writing;
  const until = performance.now() + patienceMs;
  while ((await store.lag('reader')).changes > 0 && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 20));
  ended = true;
  await Promise.all(workers);
  return account;
}

describeEachDatabase(
  'a consumer beside 24 writers',
  (make) => {
    it('I5, S3-09, S3-33: loses nothing, repeats nothing once acknowledged and keeps the order of each entity, while workers are killed and parallel goes 3, 5, 2', async () => {
      const { database } = await make({ template: 'engine', max: 40 });
      const account = await story(database, 1, 3000);
      const rows = await database.query<{ seq: string; entity: string }>(
        `select seq, supasaasy.entity_key(app_key, collection_key, external_id) as entity from supasaasy.changes order by seq`,
      );
      const wanted = new Map<string, number[]>();
      for (const row of rows) wanted.set(row.entity, [...(wanted.get(row.entity) ?? []), Number(row.seq)]);
      expect(account.violations).toEqual([]);
      expect(rows.length).toBeGreaterThan(2000);
      const twice = [...account.acked].flatMap(([, seqs]) => seqs.filter((seq, i) => seqs.indexOf(seq) !== i));
      expect(twice).toEqual([]);
      expect([...account.acked].sort()).toEqual([...wanted].sort());
      // What one change left behind is where the next one begins.
      for (const seqs of wanted.values()) {
        for (const [i, seq] of seqs.entries()) {
          const next = account.seen.get(seqs[i + 1] ?? -1);
          const change = account.seen.get(seq)!;
          if (next !== undefined && change.operation !== 'delete' && next.operation !== 'create')
            expect(next.before).toEqual(change.after);
        }
      }
    });
  },
  { kinds: ['postgres', 'pg15'] },
);

interface Planted {
  readonly bug: string;
  readonly in: string;
  readonly from: string | RegExp;
  readonly to: string;
}

/** Mistakes that a person could make, and that the story above must not forgive. */
const PLANTED: readonly Planted[] = [
  {
    bug: 'reads by number alone, as `id > last` does',
    in: 'take_page',
    from: 'lane.target := p_now; lane.seq := first - 1;',
    to: 'lane.target := p_now; lane.seq := greatest(first - 1, lane.last_seq);',
  },
  {
    bug: 'forgets those that were under way when it looked last',
    in: 'take_page',
    from: /union all\s+select seq from supasaasy\.%1\$I where xid = any\(array\(select pg_snapshot_xip\(\$1\)\)\) and pg_visible_in_snapshot\(xid, \$2\)\) w \$q\$/,
    to: ') w $q$',
  },
  {
    bug: 'takes an answer for the whole batch',
    in: 'settle',
    from: 'if p_seqs is null or lane.flight = p_seqs then',
    to: 'if true then',
  },
];

/** The function with the mistake in it. */
async function plant(database: SqlDatabase, { in: name, from, to }: Planted): Promise<string> {
  const [row] = await database.query<{ source: string }>(
    `select pg_get_functiondef(oid) as source from pg_proc where proname = $1 and pronamespace = 'supasaasy'::regnamespace`,
    [name],
  );
  const broken = row?.source.replace(from, () => to) ?? '';
  expect(broken).not.toBe(row?.source);
  return broken;
}

describeEachDatabase(
  'the story finds a planted bug:',
  (make) => {
    for (const planted of PLANTED) {
      it(planted.bug, async () => {
        const { database } = await make({ template: 'engine', max: 40 });
        const broken = await plant(database, planted);
        await database.script(broken);
        // `last_seq` outlives a window in the first bug: it is what `last` was.
        if (planted.bug.startsWith('reads by number'))
          await database.script(
            broken.replace(/last_seq = case when stopped then lane\.last_seq else 0 end/, 'last_seq = lane.last_seq'),
          );
        const account = await story(database, 2, 1500, 20_000);
        const rows = await database.query<{ seq: string }>('select seq from supasaasy.changes');
        const acked = new Set([...account.acked.values()].flat());
        const lost = rows.filter(({ seq }) => !acked.has(Number(seq))).length;
        expect({
          lost,
          violations: account.violations.length,
          found: lost > 0 || account.violations.length > 0,
        }).toMatchObject({ found: true });
      }, 60_000);
    }
  },
  { kinds: ['postgres'] },
);

/** And those that one case of the suite for sources finds every time. */
const PLANTED_FOR_CASES: readonly (Planted & { readonly foundBy: string })[] = [
  {
    bug: 'lets later changes of a failed entity pass',
    in: 'take_page',
    from: 'aside := found;',
    to: 'aside := false;',
    foundBy: 'holds back the entity that fails, and no other',
  },
  {
    bug: 'holds back the failed change, but not those behind it in the same batch',
    in: 'consumer_nack',
    from: /aside := supasaasy\.seqs_of\(c\.kind, subject, [^;]+;/,
    to: 'aside := array[p_seq];',
    foundBy: 'delivers in order what waited behind a failure, after the delay',
  },
  {
    bug: 'lets a former owner acknowledge',
    in: 'settle',
    from: 'where consumer = p_name and token = p_token order by id for update loop',
    to: 'where consumer = p_name order by id for update loop',
    foundBy: 'refuses an acknowledgement by one that lost its lease',
  },
];

describeEachDatabase(
  'the suite for sources finds a planted bug:',
  (make) => {
    for (const { foundBy, ...planted } of PLANTED_FOR_CASES) {
      it(planted.bug, async () => {
        const { database } = await make({ template: 'engine' });
        const source = topic('things');
        const run = async () =>
          await sourceConformance
            .find(({ title }) => title === foundBy)
            ?.run({
              open: (settings) => source.open({ settings, ports: defaultPorts(), database }),
              write: async (events) => void (await createFeedStore(database).publish('things', events)),
            });
        await run();
        await database.query('delete from supasaasy.consumers');
        await database.query('delete from supasaasy.messages');
        await database.script(await plant(database, planted));
        await expect(run()).rejects.toThrow();
      });
    }
  },
  { kinds: ['postgres'] },
);
