import { atLeast, atMost, type Bench, fixed, megabytes, type Row, sized, whole } from '../harness/bench.ts';
import { startTrial } from '../harness/stage.ts';

/** Whether a large account costs more a row, or more memory, than a small one. */
export const scale: Bench = {
  name: 'scale',
  what: '1,000,000 customers of 1 KB: rate and memory against 50,000',
  minutes: 3,
  async run(stage, options) {
    const table: Row[] = [];
    const rates: number[] = [];
    const series: Record<string, readonly (readonly number[])[]> = {};
    let highest = 0;
    for (const customers of [sized(50_000, options), sized(250_000, options), sized(1_000_000, options)]) {
      options.say(`${whole(customers)} customers`);
      const sandbox = await stage.sandbox({ size: { customers }, customerBytes: 1_024 });
      const trial = await startTrial(stage, sandbox, { resources: ['customer'] });
      const measured = await trial.sync('full');
      const peak = await trial.engine.call('peakRss', null);
      rates.push(measured.rowsPerSecond);
      highest = Math.max(highest, peak);
      series[String(measured.rows)] = measured.points;
      table.push({
        customers: whole(measured.rows),
        seconds: fixed(measured.seconds),
        'rows/s': whole(measured.rowsPerSecond),
        'highest memory': megabytes(peak),
        requests: measured.requests,
        'client µs/row': fixed((measured.cpuSeconds / measured.rows) * 1e6),
        'PostgreSQL µs/row': fixed((measured.postgresCpu / measured.rows) * 1e6),
      });
      await trial.end();
      await sandbox.stop();
    }
    return {
      tables: { 'by size': table },
      goals: [
        atLeast('rate of the largest, share of the smallest', ((rates.at(-1) ?? 0) / (rates[0] ?? 1)) * 100, 85, '%'),
        atMost('resident memory of the engine, at its highest', highest / 1e6, 150, 'MB'),
      ],
      series,
    };
  },
};
