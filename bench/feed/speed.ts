import { createFeedStore } from '../../src/engine/feed/feed-store.ts';
import { ingestPages } from './ingest-pages.ts';
import { type Bench, type Measured, median } from './measured.ts';
import { reader } from './reader.ts';

const [COUNT, ROUNDS, BATCH] = [60_000, 3, 1000];

/** One consumer on one connection, receiving and acknowledging the whole feed in batches. */
export async function measureSpeed(bench: Bench, bytes: number): Promise<Measured[]> {
  const { database, close } = await bench.fresh();
  const store = createFeedStore(database);
  await ingestPages(database, { count: COUNT, bytes, feed: true });
  await database.query('analyze');
  const measured: Measured[] = [];
  for (const thin of [false, true]) {
    const name = thin ? 'thin' : 'whole';
    await store.declare([reader({ name, thin })], false);
    const rates: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await store.seek(name, 'start');
      const begun = performance.now();
      let count = 0;
      for (;;) {
        const { token, changes } = await store.recv(name, BATCH, null);
        if (token === null) break;
        count += changes.length;
        const seqs = changes.map((change) => change.seq);
        await store.ack(name, token, seqs, undefined);
      }
      if (count !== COUNT) throw new Error(`${count} of ${COUNT} changes were delivered`);
      rates.push((count / (performance.now() - begun)) * 1000);
    }
    const rate = median(rates);
    measured.push({
      what: `one consumer, batches of ${BATCH}, ${thin ? 'thin' : `payloads of ${bytes} bytes`}`,
      result: `${Math.round(rate)} changes/s (median of ${ROUNDS})`,
      goal: '≥ 20000/s',
      met: rate >= 20_000,
      numbers: { rate, slowest: Math.min(...rates), fastest: Math.max(...rates) },
    });
  }
  await close();
  return measured;
}
