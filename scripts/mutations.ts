/**
 * Plants mistakes in a copy of the repository, one at a time, and reports whether the tests notice:
 * `npm run mutations`, `npm run mutations -- --only "breaker"`, `npm run mutations -- --list`.
 */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runProgram } from './check/gate.ts';
import type { Mutation } from './mutations/mutation.ts';
import { mutations } from './mutations/mutations.ts';

const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true, default: [''] }, list: { type: 'boolean', default: false } },
});
const chosen = mutations.filter(({ name }) => values.only.some((part) => name.includes(part)));
const COPIED = [
  'bin',
  'src',
  'connectors',
  'sandbox',
  'test',
  'scripts',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'vitest.config.ts',
];

type Outcome = { readonly verdict: 'killed' | 'SURVIVED' | 'BROKEN'; readonly by: string };

async function makeCopy(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'supasaasy-mutations-'));
  for (const path of COPIED) await cp(path, join(copy, path), { recursive: true });
  await symlink(resolve('node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** The first test that failed; BROKEN when something failed that is no test, which proves nothing. */
async function runTests(root: string, tests: readonly string[], by?: string): Promise<Outcome> {
  const report = join(root, 'report.json');
  await rm(report, { force: true });
  const { status, stderr } = await runProgram(
    root,
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      ...tests,
      '--bail=1',
      '--reporter=json',
      `--outputFile=${report}`,
      ...(by === undefined ? [] : ['-t', by]),
    ],
    { TEST_DATABASES: process.env['TEST_DATABASES'] ?? 'postgres' },
  );
  if (status === 0) return { verdict: 'SURVIVED', by: '' };
  const read = await readFile(report, 'utf8').catch(() => '{"testResults":[]}');
  const { testResults } = JSON.parse(read) as {
    testResults: { assertionResults: { status: string; title: string }[] }[];
  };
  const failed = testResults.flatMap((file) => file.assertionResults).find((test) => test.status === 'failed');
  return failed === undefined
    ? { verdict: 'BROKEN', by: stderr.trim().split('\n').slice(-3).join(' ') }
    : { verdict: 'killed', by: failed.title };
}

async function tryMutation(root: string, { file, find, replace, tests, by }: Mutation): Promise<Outcome> {
  const path = join(root, file);
  const original = await readFile(path, 'utf8');
  const found = original.split(find).length - 1;
  if (found !== 1) return { verdict: 'BROKEN', by: `its text occurs ${found} times in ${file}` };
  await writeFile(
    path,
    original.replace(find, () => replace),
  );
  try {
    return await runTests(root, tests, by);
  } finally {
    await writeFile(path, original);
  }
}

if (values.list) {
  for (const { name, file } of chosen) console.log(`${name}  (${file})`);
} else {
  const copies = await Promise.all(Array.from({ length: availableParallelism() }, makeCopy));
  try {
    const [first = ''] = copies;
    const clean = await runTests(first, [...new Set(chosen.flatMap(({ tests }) => tests))]);
    if (clean.verdict !== 'SURVIVED') throw new Error(`without any mistake the tests fail already: ${clean.by}`);
    const survivors: string[] = [];
    // Each copy takes the next one, so that every core has something to do.
    const queue = chosen.values();
    await Promise.all(
      copies.map(async (copy) => {
        for (const mutation of queue) {
          const { verdict, by } = await tryMutation(copy, mutation);
          if (verdict !== 'killed') survivors.push(mutation.name);
          console.log(`${verdict.padEnd(8)}  ${mutation.name}${by === '' ? '' : `\n          ${by}`}`);
        }
      }),
    );
    console.log(`\n${chosen.length - survivors.length} of ${chosen.length} killed`);
    process.exitCode = survivors.length > 0 ? 1 : 0;
  } finally {
    await Promise.all(copies.map((copy) => rm(copy, { recursive: true, force: true })));
  }
}
