/**
 * The properties on many random stories, on a busy machine: `npm run properties -- --seeds 1000 --databases postgres,pglite`.
 * A failure prints the command that repeats it, on one line.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    /** Stories of each property on each database. */
    seeds: { type: 'string', default: '1000' },
    databases: { type: 'string', default: 'postgres,pglite' },
    only: { type: 'string', default: '' },
    /** Processes that keep the cores busy meanwhile. */
    busy: { type: 'string', default: '2' },
    /** Stories of one process: each starts with a seed and a database of its own. */
    chunk: { type: 'string', default: '50' },
    files: { type: 'string', default: 'test/properties/convergence.test.ts,test/properties/crash.test.ts' },
  },
});
const [seeds, chunk] = [Number(values.seeds), Number(values.chunk)];
const burners = Array.from({ length: Number(values.busy) }, () => spawn(process.execPath, ['-e', 'for (;;);']));
const stop = () => {
  for (const burner of burners) burner.kill();
};
process.once('exit', stop);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

let failed = 0;
for (let done = 0; done < seeds; done += chunk) {
  for (const database of values.databases.split(',')) {
    const seed = randomInt(2 ** 31);
    const began = performance.now();
    const code = await run(database, seed, Math.min(chunk, seeds - done));
    if (code !== 0) failed += 1;
    console.log(
      `${database}: ${Math.min(done + chunk, seeds)} of ${seeds}, seed ${seed}, ${Math.round((performance.now() - began) / 1000)} s, ${code === 0 ? 'nothing failed' : 'FAILED'}`,
    );
  }
}
stop();
process.exitCode = failed > 0 ? 1 : 0;

/** Resolves to the exit code of the tests; says of their output what repeats a failure. */
async function run(database: string, seed: number, stories: number): Promise<number> {
  const child: ChildProcess = spawn(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      ...values.files.split(','),
      '--disable-console-intercept',
      '--maxWorkers=1',
      ...(values.only === '' ? [] : ['-t', values.only]),
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TEST_DATABASES: database, FC_SEED: String(seed), FC_RUNS: String(stories) },
    },
  );
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      if (/failed: TEST_DATABASES|FAIL|Error: /.test(line)) console.log(line.slice(0, 500));
    });
  }
  return await new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
}
