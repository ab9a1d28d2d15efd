import { createFeedStore, type FeedStore } from '../../src/engine/feed/feed-store.ts';
import { fixed, whole } from '../harness/bench.ts';
import { cpuSeconds } from '../harness/child.ts';
import { ingestPages } from './ingest-pages.ts';
import { type Bench, type Measured, median, pause } from './measured.ts';
import { reader } from './reader.ts';

const [COUNT, ROUNDS, BATCH] = [60_000, 3, 1000];

/** One consumer, receiving and acknowledging the whole feed in batches. */
export async function measureSpeed(bench: Bench, bytes: number): Promise<Measured[]> {
  const { database, close } = await bench.fresh();
  const store = createFeedStore(database);
  await ingestPages(database, { count: COUNT, bytes, feed: true });
  await database.query('analyze');
  const measured: Measured[] = [];
  for (const { thin, parallel } of [
    { thin: false, parallel: 1 },
    { thin: true, parallel: 1 },
    { thin: false, parallel: 2 },
  ]) {
    const name = `${thin ? 'thin' : 'whole'}-${parallel}`;
    await store.declare([reader({ name, thin, parallel })], false);
    const [rates, postgres, client]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      await store.seek(name, 'start');
      const [begun, server, own] = [performance.now(), bench.cpuSeconds(), cpuSeconds()];
      await readAll(store, name, parallel);
      rates.push((COUNT / (performance.now() - begun)) * 1000);
      postgres.push(((bench.cpuSeconds() - server) / COUNT) * 1e6);
      client.push(((cpuSeconds() - own) / COUNT) * 1e6);
    }
    const rate = median(rates);
    measured.push({
      what: `one consumer, batches of ${BATCH}, ${thin ? 'thin' : `payloads of ${bytes} bytes`}${parallel === 1 ? '' : `, parallel ${parallel}`}`,
      result: `${Math.round(rate)} changes/s (median of ${ROUNDS})`,
      goal: '≥ 20000/s',
      met: rate >= 20_000,
      tables: {
        [`${whole(COUNT)} changes, received and acknowledged`]: [
          {
            payloads: thin ? 'none (thin)' : `${bytes} bytes`,
            parallel,
            'changes/s': whole(rate),
            'changes/s, all rounds': rates.map(whole).join(', '),
            'PostgreSQL µs/change': fixed(median(postgres)),
            'client µs/change': fixed(median(client)),
          },
        ],
      },
    });
  }
  await close();
  return measured;
}

/** As many readers as `parallel`, until all of them together have acknowledged everything. */
async function readAll(store: FeedStore, name: string, parallel: number): Promise<void> {
  let count = 0;
  const read = async () => {
    while (count < COUNT) {
      const { token, changes } = await store.recv(name, BATCH, null);
      if (token === null) {
        await pause(2);
        continue;
      }
      const seqs = changes.map((change) => change.seq);
      const { acked } = await store.ack(name, token, seqs, undefined);
      count += acked;
    }
  };
  await Promise.all(Array.from({ length: parallel }, read));
  if (count !== COUNT) throw new Error(`${count} of ${COUNT} changes were acknowledged`);
}
