/**
 * `npm run bench -- NAME [NAME …] [--json FILE] [--quick]`, `npm run bench -- --list`, `npm run bench -- all`.
 * Prints tables and the machine, and writes `bench/results/NAME.json`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { benches } from './benches/index.ts';
import type { Bench, Outcome } from './harness/bench.ts';
import { describeMachine, type Machine } from './harness/machine.ts';
import { printGoals, printTable } from './harness/print.ts';
import { openStage } from './harness/stage.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const wanted = positionals.includes('all') ? benches : benches.filter(({ name }) => positionals.includes(name));
const unknown = positionals.filter((name) => name !== 'all' && !benches.some((bench) => bench.name === name));

if (values.list || values.help || positionals.length === 0) {
  console.log('npm run bench -- NAME [NAME …] [--json FILE] [--quick]\n');
  for (const { name, what, minutes } of benches) console.log(`  ${name.padEnd(10)} ${what} (${minutes} min)`);
} else if (unknown.length > 0 || (values.json !== undefined && wanted.length > 1)) {
  console.error(
    unknown.length > 0 ? `no bench "${unknown.join('", "')}"; --list names them` : '--json is for one bench at a time',
  );
  process.exitCode = 2;
} else {
  for (const bench of wanted) await runBench(bench);
}

async function runBench(bench: Bench): Promise<void> {
  const stage = await openStage(bench.settings);
  const interrupted = () => void stage.close().finally(() => process.exit(130));
  process.once('SIGINT', interrupted);
  try {
    const machine = describeMachine(stage.server.version);
    const began = performance.now();
    const outcome = await bench.run(stage, { quick: values.quick, say: (text) => console.error(`… ${text}`) });
    const seconds = Math.round((performance.now() - began) / 1000);
    print(bench, machine, outcome, seconds);
    if (values.quick && values.json === undefined) return;
    const file = values.json ?? join(import.meta.dirname, 'results', `${bench.name}.json`);
    mkdirSync(dirname(file), { recursive: true });
    const result = { bench: bench.name, what: bench.what, at: new Date().toISOString(), seconds, machine, ...outcome };
    writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
    console.log(`\nwritten to ${file}`);
  } catch (error) {
    console.error(`${bench.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exitCode = 1;
  } finally {
    process.off('SIGINT', interrupted);
    await stage.close();
  }
}

function print({ name, what }: Bench, machine: Machine, outcome: Outcome, seconds: number): void {
  console.log(`\n${name}: ${what} (${seconds} s)${values.quick ? ' — QUICK: these numbers say nothing' : ''}`);
  console.log(
    `${machine.cores} × ${machine.cpu}, ${machine.memory}, ${machine.system}; Node ${machine.node}, PostgreSQL ${machine.postgres}; load before: ${machine.load}`,
  );
  for (const [title, rows] of Object.entries(outcome.tables)) printTable(title, rows);
  printGoals(outcome.goals);
  for (const note of outcome.notes ?? []) console.log(`\n${note}`);
}
