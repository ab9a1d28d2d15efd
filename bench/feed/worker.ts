/**
 * A process that reads until it is killed: `worker.ts <database> <limit>`. What it was handed it writes into `ledger` in
 * the transaction of the acknowledgement, so that the ledger says exactly what counted, whenever the process dies.
 */
import { createFeedStore } from '../../src/engine/feed/feed-store.ts';
import { LeaseLostError } from '../../src/errors.ts';
import { createPostgres } from '../../src/runtime/node/postgres.ts';
import { pause } from './measured.ts';

const [url = '', limit = '200'] = process.argv.slice(2);
const database = createPostgres({ connectionString: url, max: 1 });
const store = createFeedStore(database);
process.send?.('ready');
// Whoever started us is gone.
process.once('disconnect', () => process.exit());

for (;;) {
  const { token, changes } = await store.recv('reader', Number(limit), null);
  if (token === null) {
    await pause(5);
    continue;
  }
  const seqs = changes.map((change) => change.seq);
  try {
    await database.transaction(async (tx) => {
      const { acked_seqs } = await createFeedStore(tx).ack('reader', token, seqs, undefined);
      const counted = new Set(acked_seqs ?? seqs);
      const mine = changes.filter((change) => counted.has(change.seq));
      await tx.query(
        `insert into ledger (seq, entity) select seq, entity from unnest($1::bigint[], $2::text[]) with ordinality u(seq, entity, n) order by n`,
        [mine.map((change) => change.seq), mine.map((change) => change.foreign_id)],
      );
    });
  } catch (error) {
    if (!(error instanceof LeaseLostError)) throw error;
  }
}
