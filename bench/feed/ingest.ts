import { ingestPages } from './ingest-pages.ts';
import { type Bench, type Measured, median } from './measured.ts';

const [PAIRS, WARM_UP] = [5, 2000];

/** A backfill with the feed on against one with it off, in pairs, each going first in turn. */
export async function measureIngest(bench: Bench, count: number, bytes: number): Promise<Measured> {
  const rates: Record<'on' | 'off', number[]> = { on: [], off: [] };
  for (let pair = 0; pair < PAIRS; pair += 1) {
    for (const feed of pair % 2 === 0 ? [false, true] : [true, false]) {
      const { database, close } = await bench.fresh();
      await ingestPages(database, { count: WARM_UP, bytes, feed });
      await database.query('truncate supasaasy.entities, supasaasy.changes');
      rates[feed ? 'on' : 'off'].push(count / (await ingestPages(database, { count, bytes, feed })));
      const [row] = await database.query<{ n: number }>('select count(*)::int as n from supasaasy.changes');
      if (row?.n !== (feed ? count : 0)) throw new Error(`${row?.n} changes with the feed ${feed ? 'on' : 'off'}`);
      await close();
    }
    bench.say(
      `ingest pair ${pair + 1}: ${Math.round(rates.off[pair] ?? 0)} off, ${Math.round(rates.on[pair] ?? 0)} on`,
    );
  }
  const cost = median(rates.on.map((on, i) => 1 - on / (rates.off[i] ?? on)));
  const [on, off] = [median(rates.on), median(rates.off)];
  return {
    what: `backfill of ${count} records of ${bytes} bytes, feed on against off`,
    result: `${Math.round(on)} against ${Math.round(off)} rows/s: ${(cost * 100).toFixed(1)} % (median of ${PAIRS} pairs)`,
    goal: '≤ 25 %',
    met: cost <= 0.25,
    tables: {
      'backfill with the feed off and on, rows/s': rates.on.map((on, i) => ({
        pair: i + 1,
        off: Math.round(rates.off[i] ?? 0),
        on: Math.round(on),
      })),
    },
  };
}
