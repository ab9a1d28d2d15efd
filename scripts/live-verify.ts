/**
 * Two emulated accounts, live, with deliveries that come twice, in another order, and 5 % of them never; then one
 * incremental run, then one audit. Every collection is compared with its account after each of the three.
 * Run: npm run live:verify -- [--changes 1000] [--customers 800] [--contacts 800] [--seed 1]
 * Prints one JSON object; exit code 1 when a row is missing, too many, or says something else than its account.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { intercom } from '../connectors/intercom/index.ts';
import { stripe } from '../connectors/stripe/index.ts';
import { applyMigrations } from '../src/engine/migrate.ts';
import { readMigrations } from '../src/runtime/node/migration-files.ts';
import { createPglite } from '../src/runtime/node/pglite.ts';
import { runLive } from './live-verify/run-live.ts';

const { values } = parseArgs({
  options: {
    changes: { type: 'string', default: '1000' },
    customers: { type: 'string', default: '800' },
    contacts: { type: 'string', default: '800' },
    seed: { type: 'string', default: '1' },
  },
});
const database = await createPglite();
try {
  await applyMigrations(database, await readMigrations([stripe, intercom]));
  const began = performance.now();
  const report = await runLive({
    database,
    changes: Number(values.changes),
    customers: Number(values.customers),
    contacts: Number(values.contacts),
    seed: Number(values.seed),
  });
  console.log(JSON.stringify({ seconds: Math.round((performance.now() - began) / 1000), ...report }, null, 2));
  process.exitCode = report.equal ? 0 : 1;
} finally {
  await database.close();
}
