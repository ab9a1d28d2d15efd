import type { Client } from 'pg';
import { atLeast, atMost, type Bench, fixed, median, sized, whole } from '../harness/bench.ts';
import { startTrial } from '../harness/stage.ts';

const REPETITIONS = 3;

/** A full pass over what is mirrored already: all is read and compared, nothing is written. */
export const resync: Bench = {
  name: 'resync',
  what: '100,000 unchanged customers of 1 KB, read again whole',
  minutes: 1,
  async run(stage, options) {
    const customers = sized(100_000, options);
    const sandbox = await stage.sandbox({ size: { customers }, customerBytes: 1_024 });
    const trial = await startTrial(stage, sandbox, { resources: ['customer'] });
    await trial.sync('full');
    const before = await fingerprint(trial.client);
    const turns = [];
    for (let i = 0; i < REPETITIONS; i += 1) turns.push(await trial.sync('full'));
    const written = (await fingerprint(trial.client)) === before ? 0 : 1;
    await trial.end();
    return {
      tables: {
        [`${whole(customers)} customers`]: turns.map((turn, i) => ({
          turn: i + 1,
          'rows/s': whole(turn.rowsPerSecond),
          requests: turn.requests,
          'client µs/row': fixed((turn.cpuSeconds / turn.rows) * 1e6),
          'PostgreSQL µs/row': fixed((turn.postgresCpu / turn.rows) * 1e6),
        })),
      },
      goals: [
        atLeast('rows/s (median)', median(turns.map((turn) => turn.rowsPerSecond)), 30_000, 'rows/s'),
        atMost('rows of entities and changes that are not where they were', written, 0, ''),
      ],
    };
  },
};

/** Where every version of every row lies and who wrote it: any write, even of the same values, changes it. */
async function fingerprint(client: Client): Promise<string> {
  const { rows } = await client.query<{ it: string }>(
    `select (select concat(count(*), ' ', sum(hashtextextended(concat(ctid, ' ', xmin, ' ', xmax, ' ', external_id), 0)::numeric)) from supasaasy.entities)
      || ' ' || (select concat(count(*), ' ', max(seq)) from supasaasy.changes) as it`,
  );
  return rows[0]?.it ?? '';
}
