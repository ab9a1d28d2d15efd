import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SqlDatabase } from '../../src/engine/database.ts';
import { createFeedStore, type FeedStore } from '../../src/engine/feed/feed-store.ts';
import { createRandom, writeConcurrently } from '../../test/feed/writers.ts';
import type { Row } from '../harness/bench.ts';
import { type Bench, type Measured, pause } from './measured.ts';
import { reader } from './reader.ts';

export interface LossOptions {
  readonly changes: number;
  readonly runs: number;
}

const WRITERS = 24;
const LEASE_MS = 1000;
/** Some of what is written is undone, or changes nothing. */
const MORE = 1.2;

/**
 * Writers that commit in another order than they begin, and reading processes; `killed`: which are killed at random
 * (SIGKILL) while `parallel` goes 3 → 5 → 2. Everything is counted in the database.
 */
export async function measureLoss(bench: Bench, options: LossOptions, killed: boolean): Promise<Measured> {
  const total = { changes: 0, lost: 0, repeated: 0, reordered: 0, kills: 0, least: Number.POSITIVE_INFINITY };
  const rows: Row[] = [];
  for (let run = 1; run <= options.runs; run += 1) {
    const begun = performance.now();
    const one = await readWhileWriting(bench, options.changes, run, killed);
    const seconds = Math.round((performance.now() - begun) / 1000);
    rows.push({ run, ...one, seconds });
    bench.say(`${killed ? 'killed' : 'calm'} run ${run}: ${JSON.stringify(one)}`);
    for (const key of ['changes', 'lost', 'repeated', 'reordered', 'kills'] as const) total[key] += one[key];
    total.least = Math.min(total.least, one.changes);
  }
  const { lost, repeated, reordered } = total;
  return {
    what: killed ? `${WRITERS} writers, readers killed at random, parallel 3 → 5 → 2` : `${WRITERS} writers, 3 readers`,
    result:
      `${lost} lost, ${repeated} repeated after ack, ${reordered} reordered of ${total.changes} ` +
      `(${options.runs} runs of ≥ ${total.least}${killed ? `, ${total.kills} kills` : ''})`,
    goal: '0, 0, 0',
    met: lost + repeated + reordered === 0,
    mustHold: true,
    tables: { [killed ? 'readers killed at random, parallel 3 → 5 → 2' : 'three readers that live']: rows },
  };
}

async function readWhileWriting(bench: Bench, changes: number, seed: number, killed: boolean) {
  const { database, url, close } = await bench.fresh();
  const store = createFeedStore(database);
  await database.query('create table ledger (n bigserial primary key, seq bigint, entity text)');
  const declare = (parallel: number) => store.declare([reader({ parallel, lease_ms: LEASE_MS })], false);
  await declare(3);
  const pool = await startPool(url, killed ? 5 : 3);
  const stop = new AbortController();
  const [kills] = await Promise.all([
    killed ? killAtRandom(pool, createRandom(seed), stop.signal) : 0,
    killed ? rescale(database, declare, changes) : undefined,
    (async () => {
      await writeConcurrently(database, { writers: WRITERS, changes: changes * MORE, entities: 2000, seed });
      await caughtUp(store);
      stop.abort();
    })(),
  ]);
  await pool.end();
  const [state] = await database.query<{ at: string | null }>(
    'select restored_at::text as at from supasaasy.feed_state',
  );
  if (state?.at != null) throw new Error(`the feed took itself for a restored one at ${state.at}`);
  const [row] = await database.query<{ changes: number; lost: number; repeated: number; reordered: number }>(
    `select (select count(*)::int from supasaasy.changes) as changes,
      (select count(*)::int from supasaasy.changes c where not exists (select from ledger l where l.seq = c.seq)) as lost,
      (select (count(*) - count(distinct seq))::int from ledger) as repeated,
      (select count(*)::int from (select seq < lag(seq) over (partition by entity order by n) as wrong from ledger) x where wrong) as reordered`,
  );
  await close();
  if (row === undefined || row.changes < changes)
    throw new Error(`${row?.changes} changes were written, ${changes} were meant`);
  return { ...row, kills };
}

async function caughtUp(store: FeedStore): Promise<void> {
  while ((await store.lag('reader')).changes > 0) await pause(100);
}

/** After a third and after two thirds of the changes. */
async function rescale(
  database: SqlDatabase,
  declare: (parallel: number) => Promise<unknown>,
  changes: number,
): Promise<void> {
  for (const [part, parallel] of [
    [1, 5],
    [2, 2],
  ] as const) {
    const handled = async () => (await database.query<{ n: string }>('select last_value as n from ledger_n_seq'))[0]?.n;
    while (Number(await handled()) < (changes * part) / 3) await pause(50);
    await declare(parallel);
  }
}

async function killAtRandom(pool: Pool, random: () => number, signal: AbortSignal): Promise<number> {
  let kills = 0;
  while (!signal.aborted) {
    await pause(200 + random() * 1000);
    if (signal.aborted) break;
    await pool.kill(random());
    kills += 1;
  }
  return kills;
}

interface Pool {
  /** Kills the one at this share of the list, and starts another. */
  kill(share: number): Promise<void>;
  end(): Promise<void>;
}

async function startPool(url: string, size: number): Promise<Pool> {
  const start = async () => {
    const child = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), [url, '200'], {
      execArgv: ['--import', 'tsx'],
    });
    await once(child, 'message');
    return child;
  };
  const children: ChildProcess[] = await Promise.all(Array.from({ length: size }, start));
  const kill = async (child: ChildProcess | undefined) => {
    if (child === undefined) return;
    const ended = once(child, 'exit');
    if (child.exitCode !== null) throw new Error(`a reader ended by itself with ${child.exitCode}: see above`);
    child.kill('SIGKILL');
    await ended;
  };
  return {
    async kill(share) {
      const place = Math.floor(share * children.length);
      await kill(children[place]);
      children[place] = await start();
    },
    end: async () => void (await Promise.all(children.map(kill))),
  };
}
