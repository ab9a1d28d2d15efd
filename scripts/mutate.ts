/**
 * Makes small mistakes in the engine, the kit, the connectors and the SQL, one at a time, and measures how many of them the
 * tests notice: `npm run mutate -- --sample 2000 --seed 7`, `npm run mutate -- --only src/engine/sync/budget.ts`.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { readAccepted } from './mutate/accepted.ts';
import { createChooser } from './mutate/choose-tests.ts';
import { fingerprint } from './mutate/fingerprint.ts';
import { instrument } from './mutate/instrument.ts';
import { createLane, type Lane } from './mutate/lane.ts';
import type { Outcome } from './mutate/mutant.ts';
import { type Reach, recordReach } from './mutate/reach.ts';
import { describeScores, describeSurvivor } from './mutate/report.ts';
import { sample } from './mutate/sample.ts';
import { makeSandbox } from './mutate/sandbox.ts';
import { mutateSql, readSqlSources } from './mutate/sql-mutants.ts';
import { TEST_FILES } from './mutate/test-files.ts';
import { tryMutant } from './mutate/try-mutant.ts';

const { values } = parseArgs({
  options: {
    sample: { type: 'string' },
    seed: { type: 'string', default: '7' },
    only: { type: 'string', multiple: true },
    ids: { type: 'string' },
    tests: { type: 'string', default: '' },
    workers: { type: 'string', default: String(availableParallelism()) },
    'budget-ms': { type: 'string', default: '3000' },
    out: { type: 'string', default: 'node_modules/.cache/supasaasy-mutate' },
    'limit-s': { type: 'string' },
    list: { type: 'boolean', default: false },
  },
});

// Databases are made and dropped by the hundred: in memory, where the system has such a folder, that is a tenth of the work.
if (process.env['TMPDIR'] === undefined && existsSync('/dev/shm')) process.env['TMPDIR'] = '/dev/shm';
const startedAt = performance.now();
const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(0);
const sources = await readSqlSources('.');
const { files, mutants: typescript } = await instrument('.');
const ids = values.ids === undefined ? undefined : new Set(values.ids.split(','));
const all = [...typescript, ...mutateSql(sources)].filter(
  ({ file, id }) =>
    (values.only === undefined || values.only.some((part) => file.includes(part))) &&
    (ids === undefined || ids.has(id)),
);
const chosen = values.sample === undefined ? all : sample(all, Number(values.sample), Number(values.seed));
if (values.list) {
  for (const { id, file, line, mutator } of chosen) console.log(`${id}  ${file}:${line}  ${mutator}`);
  process.exit();
}

await mkdir(values.out, { recursive: true });
const boxes = await Promise.all(Array.from({ length: Number(values.workers) }, () => makeSandbox(files)));
const roots = boxes.map(({ root }) => root);
const lanes: Lane[] = [];
try {
  for (const root of roots) lanes.push(await createLane(root, TEST_FILES, values.tests));
  const reach = await reachOnce();
  console.log(`${reach.tests.length} tests, ${reach.failing.length} of them fail without a mutant, ${seconds()} s`);
  for (const line of reach.failing) console.log(`  fails: ${line}`);
  const chooser = createChooser(reach);
  const loading = new Set(reach.loading);
  const outcomes: Outcome[] = [];
  // Neighbours one after the other: what killed one is tried first on the next.
  let interrupted = false;
  process.once('SIGINT', () => {
    interrupted = true;
    console.log('the mutants that are under way are the last ones; once more ends at once');
  });
  const queue = chosen.toSorted((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1)).values();
  await Promise.all(
    lanes.map(async (lane, index) => {
      for (const mutant of queue) {
        if (interrupted || performance.now() - startedAt > 1000 * Number(values['limit-s'] ?? Number.POSITIVE_INFINITY))
          return;
        const root = roots[index] ?? '';
        outcomes.push(
          await tryMutant(mutant, { lane, root, reach, chooser, loading, budgetMs: Number(values['budget-ms']) }),
        );
        if (outcomes.length % 10 === 0) console.log(`${outcomes.length} of ${chosen.length}, ${seconds()} s`);
      }
    }),
  );
  await report(outcomes);
} finally {
  await Promise.all(lanes.map((lane) => lane.close()));
  await Promise.all(boxes.map((box) => box.remove()));
}
process.exit();

/** What reaches what is the same as long as no file of the code or the tests is another one. */
async function reachOnce(): Promise<Reach> {
  const file = `${values.out}/reach-${await fingerprint('.', values.tests)}.json`;
  const known = await readFile(file, 'utf8').catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as Reach;
  const reach = await recordReach(lanes, roots, sources, 3000);
  await writeFile(file, JSON.stringify(reach));
  return reach;
}

async function report(outcomes: readonly Outcome[]): Promise<void> {
  const accepted = await readAccepted();
  const alive = outcomes.filter(({ verdict }) => verdict === 'survived' || verdict === 'unreached');
  const open = alive
    .filter(({ mutant }) => !accepted.has(mutant.id))
    .sort((a, b) =>
      a.mutant.file === b.mutant.file ? a.mutant.line - b.mutant.line : a.mutant.file < b.mutant.file ? -1 : 1,
    );
  const text = [
    ...open.map(describeSurvivor),
    '',
    ...describeScores(outcomes, accepted),
    '',
    `${outcomes.length} of ${all.length} mutants, seed ${values.seed}, ${values.workers} workers, budget ${values['budget-ms']} ms, ${seconds()} s, load ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}; ${alive.length - open.length} survivors accepted`,
  ].join('\n');
  await writeFile(`${values.out}/report.txt`, text);
  await writeFile(
    `${values.out}/outcomes.json`,
    JSON.stringify(outcomes.map(({ mutant: { statements: _, ...mutant }, ...rest }) => ({ ...mutant, ...rest }))),
  );
  console.log(text);
}
