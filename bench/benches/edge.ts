import { atLeast, atMost, type Bench, fixed, megabytes, percentile, sized, whole } from '../harness/bench.ts';
import { startEdgeWorker } from '../harness/deno.ts';
import { startTrial, verifyRows } from '../harness/stage.ts';

/** What Supabase gives one request of an Edge Function. https://supabase.com/docs/guides/functions/limits */
const LIMITS = { cpuMs: 2_000, wallMs: 150_000 };
const MOST_INVOCATIONS = 400;

/** The worker as an Edge Function: invocation after invocation, each ended from outside when it uses too much. */
export const edge: Bench = {
  name: 'edge',
  what: '1,000,000 customers of 1 KB by the Edge worker under Deno: 256 MB heap, 2 s CPU and 150 s per invocation, enforced from outside',
  minutes: 4,
  async run(stage, options) {
    const customers = sized(1_000_000, options);
    const sandbox = await stage.sandbox({ size: { customers }, customerBytes: 1_024 });
    // Migrates, and begins the run; the work is the worker's.
    const trial = await startTrial(stage, sandbox, { resources: ['customer'] });
    const runId = await trial.engine.call('start', 'full');
    await trial.engine.stop();
    let worker = await startEdgeWorker(trial.databaseUrl, sandbox.url);
    stage.onClose(async () => worker.stop());
    const invocations = [];
    const points: number[][] = [];
    let state = 'running';
    const began = performance.now();
    while (state === 'running' && invocations.length < MOST_INVOCATIONS) {
      const invocation = await worker.invoke(LIMITS);
      invocations.push(invocation);
      const { rows } = await trial.client.query<{ state: string; records: number }>(
        `select r.state, (select coalesce(sum(records), 0)::int from supasaasy.tasks t where t.run_id = r.id and kind = 'list') as records
         from supasaasy.runs r where r.id = $1`,
        [runId],
      );
      state = rows[0]?.state ?? 'gone';
      points.push([(performance.now() - began) / 1000, rows[0]?.records ?? 0, invocation.cpuMs, invocation.rss]);
      if (invocations.length % 5 === 0)
        options.say(`${invocations.length} invocations, ${whole(rows[0]?.records ?? 0)} rows`);
      if (invocation.killed !== undefined) {
        options.say(`the host ended an invocation: ${invocation.killed}`);
        worker = await startEdgeWorker(trial.databaseUrl, sandbox.url);
      }
    }
    const seconds = (performance.now() - began) / 1000;
    const rows = await verifyRows(trial.client, sandbox, ['customer']);
    const cpu = invocations.map((one) => one.cpuMs);
    const killed = invocations.filter((one) => one.killed !== undefined).length;
    worker.stop();
    await trial.client.end();
    return {
      tables: {
        [`${whole(rows)} rows, run ${state}`]: [
          {
            invocations: invocations.length,
            seconds: fixed(seconds),
            'rows/s': whole(rows / seconds),
            'rows an invocation': whole(rows / invocations.length),
            'CPU ms an invocation, p50': whole(percentile(cpu, 0.5)),
            highest: whole(Math.max(...cpu)),
            'longest, s': fixed(Math.max(...invocations.map((one) => one.wallMs)) / 1000),
            'highest memory': megabytes(Math.max(...invocations.map((one) => one.rss))),
            'ended by the host': killed,
          },
        ],
      },
      goals: [
        atLeast('rows, the run completed', state === 'completed' ? rows : 0, customers, 'rows'),
        atMost('invocations over their budget', killed, 0, ''),
      ],
      notes: [
        'The slice stops between pages after 1.4 s of CPU (SUPASAASY_SLICE_CPU_MS); the time of other processes is not in it.',
      ],
      series: { invocations: points },
    };
  },
};
