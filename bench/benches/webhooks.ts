import { setTimeout as sleep } from 'node:timers/promises';
import { atMost, type Bench, fixed, percentile, type Row, sized, whole } from '../harness/bench.ts';
import { startChild } from '../harness/child.ts';
import type { LoadCalls, Offered } from '../harness/load-process.ts';
import { startTrial } from '../harness/stage.ts';

const SECONDS = 30;
const RATES = [500, 2_000];

/** Deliveries at a fixed rate into `serve`: what is acknowledged, how fast, and when the row is there. */
export const webhooks: Bench = {
  name: 'webhooks',
  what: `signed customer.updated events at 500/s and at 2,000/s for ${SECONDS} s into one server process`,
  minutes: 2,
  // When a transaction was committed is only known to a server that writes it down.
  settings: { track_commit_timestamp: 'on' },
  async run(stage, options) {
    const seconds = options.quick ? 3 : SECONDS;
    const needed = (RATES.reduce((sum, rate) => sum + rate, 0) + 100) * seconds;
    // One of three customers is delinquent already.
    const sandbox = await stage.sandbox({ size: { customers: sized(120_000, options) }, customerBytes: 1_024 });
    const trial = await startTrial(stage, sandbox, { resources: ['customer'] });
    await trial.sync('full');
    const load = startChild<LoadCalls>(new URL('../harness/load-process.ts', import.meta.url));
    stage.onClose(load.stop);
    const there = await load.call('prepare', trial.databaseUrl);
    if (there < needed) throw new Error(`${needed} customers are needed, and there are ${there}`);
    const url = `${await trial.engine.call('serve', null)}/webhook/stripe_main`;
    // The provider stamps whole seconds: what happens now must be later than what the lists have shown.
    await sleep(2_000);
    await load.call('offer', { url, perSecond: 100, seconds });
    const table: Row[] = [];
    const all: Offered[] = [];
    for (const perSecond of RATES) {
      options.say(`${whole(perSecond)} events/s`);
      const cpu = { engine: await trial.engine.call('cpu', null), postgres: stage.server.cpuSeconds() };
      const offered = await load.call('offer', { url, perSecond, seconds });
      all.push(offered);
      table.push({
        'events/s': whole(perSecond),
        offered: whole(offered.offered),
        'answered 2xx': whole(offered.statuses['200'] ?? 0),
        'ack p50, ms': fixed(percentile(offered.ackMs, 0.5)),
        'ack p99 ': fixed(percentile(offered.ackMs, 0.99)),
        'rows there': whole(offered.rowMs.length),
        'event → row p50, ms': fixed(percentile(offered.rowMs, 0.5)),
        'p99 ': fixed(percentile(offered.rowMs, 0.99)),
        'all rows there after, s': fixed(offered.settledMs / 1000),
        'engine µs/event': fixed((((await trial.engine.call('cpu', null)) - cpu.engine) / offered.offered) * 1e6),
        'PostgreSQL µs/event': fixed(((stage.server.cpuSeconds() - cpu.postgres) / offered.offered) * 1e6),
      });
    }
    const [slow, fast] = all;
    const missing = (one: Offered | undefined) => (one?.offered ?? 0) - (one?.statuses['200'] ?? 0);
    return {
      tables: { deliveries: table },
      goals: [
        atMost('not accepted at 2,000/s', missing(fast), 0, 'events'),
        atMost('ack p99 at 500/s', percentile(slow?.ackMs ?? [], 0.99), 100, 'ms'),
        atMost('event → row p50 at 500/s', percentile(slow?.rowMs ?? [], 0.5), 150, 'ms'),
        atMost('event → row p99 at 500/s', percentile(slow?.rowMs ?? [], 0.99), 1_000, 'ms'),
        atMost('event → row p50 at 2,000/s', percentile(fast?.rowMs ?? [], 0.5), 150, 'ms'),
        atMost('event → row p99 at 2,000/s', percentile(fast?.rowMs ?? [], 0.99), 1_000, 'ms'),
        atMost(
          'rows that are not there',
          all.reduce((sum, one) => sum + one.offered - one.rowMs.length, 0),
          0,
          '',
        ),
      ],
    };
  },
};
