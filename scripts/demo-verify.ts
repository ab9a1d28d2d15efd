/**
 * The demo as a user runs it, for some minutes of live changes; then every row is compared with the emulated accounts.
 * Run: npm run demo:verify -- [--minutes 10] [--per-second 2] [--folder DIR]
 * Compared three times: when all webhooks are worked, after an incremental run, after a full one.
 * Prints one JSON object; exit code 1 when a row is missing, too many, or says something else than its account.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { type Comparison, compareWithAccount } from './demo-verify/compare.ts';
import { createDelays } from './demo-verify/delays.ts';
import { startDemo } from './demo-verify/run-demo.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    'per-second': { type: 'string', default: '2' },
    folder: { type: 'string' },
  },
});
const minutes = Number(values.minutes);
const everyMs = 1000 / Number(values['per-second']);

const demo = await startDemo(values.folder ?? mkdtempSync(join(tmpdir(), 'supasaasy-demo-')));
try {
  const delays = createDelays(demo);
  // The changes are made by hand, at the demo's own pace, so that the moment of each is known.
  for (const account of demo.accounts) await account.control('live', { per_second: 0 });
  const endsAt = performance.now() + minutes * 60_000;
  for (let next = performance.now(); next < endsAt; next += everyMs) {
    await new Promise((done) => setTimeout(done, next - performance.now()));
    for (const account of demo.accounts) await delays.change(account);
  }
  await demo.settle();
  const afterEvents = await compareAll();
  // What no event tells (Stripe's balance transactions) the next scheduled run reads.
  await demo.sync('incremental');
  const afterIncremental = await compareAll();
  // What nothing tells (an Intercom lead that was merged away without being named) only a complete pass can miss.
  await demo.sync('full');
  const afterFull = await compareAll();
  const report = {
    minutes,
    changes: delays.changes(),
    webhooks: await demo.query('select state, count(*) as deliveries from inbox group by 1 order by 1'),
    delay_ms: await delays.measure(),
    differences: {
      after_events: differencesOf(afterEvents),
      after_incremental: differencesOf(afterIncremental),
      after_full: differencesOf(afterFull),
    },
    collections: afterFull,
    equal: Object.keys(differencesOf(afterFull)).length === 0,
  };
  console.log(JSON.stringify(report, null, 2));
  process.exitCode = report.equal ? 0 : 1;
} finally {
  const code = await demo.stop();
  if (code !== 0) {
    console.error(`the demo ended with code ${code}:\n${demo.errors()}`);
    process.exitCode = 1;
  }
}

async function compareAll(): Promise<Record<string, Comparison>> {
  const compared = await Promise.all(demo.accounts.map((account) => compareWithAccount(demo, account)));
  return Object.fromEntries(compared.flatMap((each) => Object.entries(each)));
}

function differencesOf(collections: Record<string, Comparison>): Record<string, Comparison['differences']> {
  const different = Object.entries(collections).filter(([, { differences }]) => Object.keys(differences).length > 0);
  return Object.fromEntries(different.map(([collection, { differences }]) => [collection, differences]));
}
