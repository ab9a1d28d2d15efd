import { atLeast, type Bench, fixed, median, megabytes, type Row, sized, whole } from '../harness/bench.ts';
import { DIGEST_FUNCTION, digestSql, mustEqual } from '../harness/verify.ts';

const REPETITIONS = 3;

/** PostgreSQL inside the engine's own process, in a folder as `npm start` has it: nothing to install. */
export const pglite: Bench = {
  name: 'pglite',
  what: '50,000 customers of 1 KB into PGlite (a data folder), no latency',
  minutes: 1,
  async run(stage, options) {
    const customers = sized(50_000, options);
    const sandbox = await stage.sandbox({ size: { customers }, customerBytes: 1_024 });
    const table: Row[] = [];
    const rates: number[] = [];
    for (let i = 0; i < REPETITIONS; i += 1) {
      const engine = await stage.engine({ sandboxUrl: sandbox.url, resources: ['customer'] });
      const { seconds, cpuSeconds, run } = await engine.call('sync', { mode: 'full' });
      if (run.state !== 'completed') throw new Error(`the run ${run.state}: ${run.error}`);
      await engine.call('query', DIGEST_FUNCTION);
      const [found] = await engine.call(
        'query',
        digestSql('supasaasy.entities', 'external_id', `collection_key = 'stripe_customer'`),
      );
      const truth = await sandbox.call('truth', 'customer');
      mustEqual('customer', { count: Number(found?.['count']), digest: String(found?.['digest']) }, truth);
      rates.push(truth.count / seconds);
      table.push({
        turn: i + 1,
        'rows/s': whole(truth.count / seconds),
        seconds: fixed(seconds, 2),
        'engine and database µs/row': fixed((cpuSeconds / truth.count) * 1e6),
        memory: megabytes(await engine.call('peakRss', null)),
      });
      await engine.stop();
    }
    return {
      tables: { [`${whole(customers)} customers`]: table },
      goals: [atLeast('rows/s (median)', median(rates), 15_000, 'rows/s')],
    };
  },
};
