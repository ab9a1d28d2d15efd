import type { SqlDatabase } from '../../src/engine/database.ts';
import { createFeedStore } from '../../src/engine/feed/feed-store.ts';
import { createRandom } from '../../test/feed/writers.ts';
import type { Bench, Measured } from './measured.ts';
import { reader } from './reader.ts';

const IDS = 100_000;
const SHARDS = [1, 2, 3, 5, 8, 64];

/** How many readers own each of random ids, with as many readers as `parallel` allows. One is right. */
export async function measureOwnership(bench: Bench): Promise<Measured> {
  const { database, close } = await bench.fresh();
  const random = createRandom(11);
  const ids = Array.from({ length: IDS }, () => `cus_${Math.floor(random() * 2 ** 52).toString(36)}`);
  let wrong = 0;
  for (const n of SHARDS) wrong += await countWrong(database, ids, n);
  await close();
  return {
    what: `${IDS} random ids, n = ${SHARDS.join(', ')}`,
    result: `${((1 - wrong / IDS / SHARDS.length) * 100).toFixed(wrong === 0 ? 0 : 4)} % owned by exactly one reader`,
    goal: '100 %',
    met: wrong === 0,
    mustHold: true,
  };
}

async function countWrong(database: SqlDatabase, ids: readonly string[], n: number): Promise<number> {
  const store = createFeedStore(database);
  await database.query('delete from supasaasy.consumers');
  await database.query('delete from supasaasy.changes');
  // One change for each partition, so that every reader finds some.
  await database.query(
    `insert into supasaasy.changes (app_key, collection_key, external_id, operation, origin, version)
    select distinct on (supasaasy.partition_of(supasaasy.entity_key('acme', 'stripe_customer', id)))
      'acme', 'stripe_customer', id, 'create', 'sync', 1 from unnest($1::text[]) id`,
    [ids.slice(0, 5000)],
  );
  await store.declare([reader({ parallel: n })], false);
  for (let i = 0; i < n; i += 1) {
    if ((await store.recv('reader', 1000, null)).token === null) throw new Error(`reader ${i + 1} of ${n} got nothing`);
  }
  const [row] = await database.query<{ wrong: number }>(
    `with owned as (select p, count(token)::int as owners from generate_series(0, 63) p
      left join supasaasy.consumer_lanes l on (l.partitions >> p) & 1 = 1 group by p)
    select count(*)::int as wrong from unnest($1::text[]) id
    join owned on p = supasaasy.partition_of(supasaasy.entity_key('acme', 'stripe_customer', id)) where owners <> 1`,
    [ids],
  );
  return row?.wrong ?? ids.length;
}
