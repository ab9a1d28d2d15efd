import { atMost, type Bench, fixed, type Row, sized, whole } from '../harness/bench.ts';
import { startTrial } from '../harness/stage.ts';

const LATENCY_MS = 200;
const PARALLEL = 25;

const SHAPES = {
  even: { distribution: 'even', burst: 4 },
  'skewed: most in a few dense months': { distribution: 'skewed', burst: 4 },
  'even, 250 in one second': { distribution: 'even', burst: 250 },
  'skewed, 250 in one second': { distribution: 'skewed', burst: 250 },
} as const;

/** A provider that takes its time: how near the time comes to that of the fewest possible requests, 25 at a time. */
export const latency: Bench = {
  name: 'latency',
  what: '50,000 customers, 200 ms an answer, at most 25 requests at a time; requests counted, on four shapes of data',
  minutes: 2,
  async run(stage, options) {
    const customers = sized(50_000, options);
    const table: Row[] = [];
    let slowest = 0;
    let wasteful = 0;
    let evenSeconds = 0;
    for (const [shape, { distribution, burst }] of Object.entries(SHAPES)) {
      const sandbox = await stage.sandbox({
        size: { customers },
        customerBytes: 1_024,
        latencyMs: LATENCY_MS,
        distribution,
        burst,
      });
      const trial = await startTrial(stage, sandbox, { resources: ['customer'], concurrency: PARALLEL });
      const { seconds, rows, requests } = await trial.sync('full');
      const { peakConcurrency } = await sandbox.call('rate', null);
      const needed = Math.ceil(rows / 100);
      const floor = (Math.ceil(needed / PARALLEL) * LATENCY_MS) / 1000;
      table.push({
        data: shape,
        seconds: fixed(seconds, 2),
        'floor, s': fixed(floor, 2),
        requests,
        'requests / pages': fixed(requests / needed, 3),
        'at a time': peakConcurrency,
        'rows/s': whole(rows / seconds),
      });
      if (shape === 'even') evenSeconds = seconds;
      slowest = Math.max(slowest, seconds);
      wasteful = Math.max(wasteful, requests / needed);
      await trial.end();
      await sandbox.stop();
    }
    return {
      tables: { [`${whole(customers)} customers`]: table },
      goals: [
        atMost('seconds, even', evenSeconds, 4.6, 's', (n) => fixed(n, 2)),
        atMost('seconds, the slowest shape', slowest, 4.6, 's', (n) => fixed(n, 2)),
        atMost('requests a full page, the most wasteful shape', wasteful, 1.05, '', (n) => fixed(n, 3)),
      ],
    };
  },
};
