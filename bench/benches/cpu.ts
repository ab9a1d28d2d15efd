import { atLeast, atMost, type Bench, fixed, type Row, sized, whole } from '../harness/bench.ts';
import { startEdgeWorker } from '../harness/deno.ts';
import { startTrial, verifyRows } from '../harness/stage.ts';

const ENDLESS = { cpuMs: 1e9, wallMs: 600_000 };

/** What a row costs the engine itself, apart from what it costs the database. */
export const cpu: Bench = {
  name: 'cpu',
  what: 'client CPU a row: Node with rows of 1 KB and 4 KB, Deno with 1 KB',
  minutes: 2,
  async run(stage, options) {
    const table: Row[] = [];
    let fourKilobytes = 0;
    let denoRows = 0;
    for (const bytes of [1_024, 4_096]) {
      const sandbox = await stage.sandbox({ size: { customers: sized(50_000, options) }, customerBytes: bytes });
      const trial = await startTrial(stage, sandbox, { resources: ['customer'] });
      for (const turn of ['first mirror', 'unchanged']) {
        const { rows, cpuSeconds, postgresCpu } = await trial.sync('full');
        const client = (cpuSeconds / rows) * 1e6;
        if (bytes === 4_096) fourKilobytes = Math.max(fourKilobytes, client);
        table.push(rowOf(`Node, ${turn}`, bytes, rows, client, (postgresCpu / rows) * 1e6));
      }
      await trial.end();
      if (bytes === 1_024) {
        const deno = await startTrial(stage, sandbox, { resources: ['customer'] });
        await deno.engine.call('start', 'full');
        await deno.engine.stop();
        const worker = await startEdgeWorker(deno.databaseUrl, sandbox.url);
        const postgres = stage.server.cpuSeconds();
        let used = 0;
        for (let more = true; more; ) {
          const invocation = await worker.invoke(ENDLESS);
          used += invocation.cpuMs;
          more = invocation.more;
        }
        worker.stop();
        const rows = await verifyRows(deno.client, sandbox, ['customer']);
        denoRows = (rows / used) * 2_000;
        const postgresCpu = stage.server.cpuSeconds() - postgres;
        table.push(rowOf('Deno, Edge worker', bytes, rows, (used / rows) * 1_000, (postgresCpu / rows) * 1e6));
        await deno.client.end();
      }
      await sandbox.stop();
    }
    return {
      tables: { 'CPU a row': table },
      goals: [
        atMost('client CPU a row of 4 KB, Node', fourKilobytes, 25, 'µs', fixed),
        atLeast('rows of 1 KB in 2 s of CPU, Deno', denoRows, 120_000, 'rows'),
      ],
    };
  },
};

const rowOf = (engine: string, bytes: number, rows: number, client: number, postgres: number): Row => ({
  engine,
  'row, bytes': bytes,
  rows: whole(rows),
  'client µs/row': fixed(client),
  'rows in 2 s of client CPU': whole(2e6 / client),
  'PostgreSQL µs/row': fixed(postgres),
});
