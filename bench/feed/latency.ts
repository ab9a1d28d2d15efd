import { changes } from '../../src/engine/feed/database-source.ts';
import { defineConsumer } from '../../src/engine/feed/define-consumer.ts';
import { createFeed } from '../../src/engine/feed/feed.ts';
import { defaultPorts } from '../../src/engine/ports.ts';
import { createRandom, write } from '../../test/feed/writers.ts';
import { type Bench, type Measured, pause, quantile } from './measured.ts';

const WRITES = 500;

/** From the moment that a writer knows its commit to the handler's first line, at irregular intervals. */
export async function measureLatency(bench: Bench, notified: boolean): Promise<Measured> {
  const { database, close } = await bench.fresh();
  const { listen: _, ...deaf } = database;
  const arrived = new Map<string, number>();
  const feed = createFeed({
    database: notified ? database : deaf,
    ports: defaultPorts(),
    consumers: [
      defineConsumer({
        name: 'reader',
        source: changes(),
        start: 'start',
        handler: (change) => void arrived.set(change.external_id ?? '', performance.now()),
      }),
    ],
    startRun: async () => ({ runId: '', resumed: false }),
  });
  const controller = new AbortController();
  const running = feed.run({ signal: controller.signal });
  await pause(1000);
  const random = createRandom(3);
  const committed = new Map<string, number>();
  for (let i = 0; i < WRITES; i += 1) {
    await pause(5 + random() * (notified ? 100 : 1000 * (i % 5 === 0 ? 1 : 0.05)));
    await write(database, `c${i}`, { i });
    committed.set(`c${i}`, performance.now());
  }
  for (let waited = 0; arrived.size < WRITES && waited < 30_000; waited += 20) await pause(20);
  controller.abort();
  await running;
  await close();
  const waits = [...committed].map(([id, at]) => Math.max(0, (arrived.get(id) ?? Number.POSITIVE_INFINITY) - at));
  const [p50, p99] = [quantile(waits, 0.5), quantile(waits, 0.99)];
  const goal = notified ? 200 : 1000;
  return {
    what: `commit to handler, ${notified ? 'direct connection (notify)' : 'by polling'}`,
    result: `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms of ${WRITES}`,
    goal: `p99 ≤ ${goal} ms`,
    met: p99 <= goal,
    tables: {
      'commit to handler, ms': [
        {
          by: notified ? 'notify' : 'polling',
          p50: Math.round(p50),
          p99: Math.round(p99),
          slowest: Math.round(Math.max(...waits)),
        },
      ],
    },
  };
}
