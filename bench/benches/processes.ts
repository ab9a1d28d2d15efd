import { type Bench, fixed, type Goal, megabytes, type Row, sized, whole } from '../harness/bench.ts';
import { verifyRows } from '../harness/stage.ts';
import { DIGEST_FUNCTION } from '../harness/verify.ts';

const LATENCY_MS = 200;

/** Worker processes that share one run through the database and nothing else. */
export const processes: Bench = {
  name: 'processes',
  what: '200,000 customers, 200 ms an answer, no rate limit: 1, 2 and 4 worker processes of 25 requests each',
  minutes: 2,
  async run(stage, options) {
    const customers = sized(200_000, options);
    const sandbox = await stage.sandbox({ size: { customers }, customerBytes: 1_024, latencyMs: LATENCY_MS });
    const table: Row[] = [];
    const rates: number[] = [];
    for (const count of [1, 2, 4]) {
      const databaseUrl = await stage.server.createDatabase();
      const order = { databaseUrl, sandboxUrl: sandbox.url, resources: ['customer'] };
      const workers = [];
      for (let i = 0; i < count; i += 1) workers.push(await stage.engine(order));
      const client = await stage.connect(databaseUrl);
      await client.query(DIGEST_FUNCTION);
      const cpu = { postgres: stage.server.cpuSeconds(), sandbox: await sandbox.call('cpu', null) };
      const requestsBefore = await sandbox.call('requests', null);
      const began = performance.now();
      await workers[0]?.call('start', 'full');
      const worked = await Promise.all(workers.map((worker) => worker.call('work', null)));
      const seconds = (performance.now() - began) / 1000;
      const postgres = stage.server.cpuSeconds() - cpu.postgres;
      const emulator = (await sandbox.call('cpu', null)) - cpu.sandbox;
      const clients = worked.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
      const rows = await verifyRows(client, sandbox, ['customer']);
      rates.push(rows / seconds);
      const peaks = await Promise.all(workers.map((worker) => worker.call('peakRss', null)));
      table.push({
        processes: count,
        'rows/s': whole(rows / seconds),
        seconds: fixed(seconds),
        requests: (await sandbox.call('requests', null)) - requestsBefore,
        'cores busy: PostgreSQL': fixed(postgres / seconds, 2),
        'sandbox ': fixed(emulator / seconds, 2),
        'workers ': fixed(clients / seconds, 2),
        'memory of each': megabytes(Math.max(...peaks)),
      });
      await Promise.all(workers.map((worker) => worker.stop()));
      await client.end();
      await stage.server.dropDatabase(databaseUrl);
    }
    const gain = (rates[1] ?? 0) / (rates[0] ?? 1);
    const goals: Goal[] = [
      {
        measure: 'two processes against one, until the cores are used up',
        goal: 'faster',
        measured: `${fixed(gain, 2)} ×`,
        met: gain > 1,
      },
    ];
    return {
      tables: { [`${whole(customers)} customers`]: table },
      goals,
      notes: [
        'One process is bound by its own 25 requests of 200 ms: 12,500 rows/s. What stops the growth after that is the machine: the column "cores busy" adds up to its number of cores.',
      ],
      series: { processes: [1, 2, 4].map((count, i) => [count, rates[i] ?? 0]) },
    };
  },
};
