/** The fault simulator for as long as you like: `npm run simulate -- --crash-points 100000 --faults 1000000 --seed 7`. */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    'crash-points': { type: 'string', default: '100000' },
    faults: { type: 'string', default: '1000000' },
    seed: { type: 'string' },
  },
});
const seed = values.seed ?? String(Date.now() % 1_000_000_000);
console.log(
  `seed ${seed}: ${Number(values['crash-points']).toLocaleString('en-US')} crash points, ${Number(values.faults).toLocaleString('en-US')} faults`,
);
const done = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', 'test/simulator/simulator.test.ts', '--disable-console-intercept'],
  {
    stdio: 'inherit',
    env: { ...process.env, SIM_CRASH_POINTS: values['crash-points'], SIM_FAULTS: values.faults, SIM_SEED: seed },
  },
);
process.exitCode = done.status ?? 1;
