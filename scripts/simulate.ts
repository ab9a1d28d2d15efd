/** The fault simulator for as long as you like: `npm run simulate -- --crash-points 100000 --faults 1000000 --seed 7`. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    'crash-points': { type: 'string', default: '100000' },
    faults: { type: 'string', default: '1000000' },
    seed: { type: 'string' },
    /** Processes, each with a server and seeds of its own. */
    workers: { type: 'string', default: String(availableParallelism()) },
  },
});
/** The seeds of one worker; the next one's begin after them. */
const SEEDS = 1_000_000;
const seed = Number(values.seed ?? Date.now() % 1_000_000_000);
const workers = Math.max(1, Number(values.workers));
const wanted = { crashes: Number(values['crash-points']), faults: Number(values.faults) };
const format = (n: number) => n.toLocaleString('en-US');
console.log(
  `seed ${seed}: ${format(wanted.crashes)} crash points, ${format(wanted.faults)} faults, ${workers} workers`,
);

const folder = mkdtempSync(join(tmpdir(), 'supasaasy-simulate-'));
const sums = join(folder, 'sums');
writeFileSync(sums, '');
const began = performance.now();
try {
  const codes = await Promise.all(Array.from({ length: workers }, (_, n) => tell(n)));
  report();
  process.exitCode = Math.max(...codes);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** One worker's share; resolves to its exit code. Each line that it says carries its number. */
async function tell(n: number): Promise<number> {
  const child = spawn(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', 'test/simulator/simulator.test.ts', '--disable-console-intercept'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        SIM_CRASH_POINTS: String(Math.ceil(wanted.crashes / workers)),
        SIM_FAULTS: String(Math.ceil(wanted.faults / workers)),
        SIM_SEED: String(seed + n * SEEDS),
        SIM_SUMS: sums,
      },
    },
  );
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      if (line.trim() !== '') console.log(`${n + 1}: ${line}`);
    });
  return await new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
}

function report(): void {
  const total = { stories: 0, crashes: 0, faults: 0, deliveryFaults: 0, requests: 0 };
  for (const line of readFileSync(sums, 'utf8').split('\n').filter(Boolean)) {
    const sum = JSON.parse(line) as Partial<typeof total>;
    for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += sum[key] ?? 0;
  }
  const seconds = (performance.now() - began) / 1000;
  console.log(
    `\nall together: ${format(total.stories)} stories, ${format(total.crashes)} crash points, ${format(total.faults)} faults (${format(total.deliveryFaults)} of deliveries), ${format(total.requests)} requests in ${format(Math.round(seconds))} s: ${(total.crashes / seconds).toFixed(1)} crash points and ${(total.faults / seconds).toFixed(1)} faults a second`,
  );
}
