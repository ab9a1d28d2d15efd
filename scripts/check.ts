/** The gate: `npm run check`, `npm run check -- --only lint,types`, `npm run check -- --list`. Tests are run apart. */
import { parseArgs } from 'node:util';
import { gates } from './check/gates.ts';
import { runGates } from './check/run-gates.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const wanted = values.only?.flatMap((names) => names.split(','));
const unknown = wanted?.filter((name) => !gates.some((gate) => gate.name === name)) ?? [];

if (values.list || values.help) {
  console.log('npm run check [-- --only NAME[,NAME]]\n');
  for (const { name, what } of gates) console.log(`  ${name.padEnd(16)} ${what}`);
} else if (unknown.length > 0) {
  console.error(`no gate "${unknown.join('", "')}"; there are: ${gates.map(({ name }) => name).join(', ')}`);
  process.exitCode = 2;
} else {
  const chosen = gates.filter(({ name }) => wanted === undefined || wanted.includes(name));
  process.exitCode = (await runGates(chosen, process.cwd())) ? 0 : 1;
}
