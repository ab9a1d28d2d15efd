import type { Gate } from './gate.ts';

const AT_A_TIME = 2;

/** Runs the gates, says of each how it went, then shows the problems. True: all passed. */
export async function runGates(gates: readonly Gate[], root: string): Promise<boolean> {
  const began = performance.now();
  const waiting = [...gates];
  const failed: { name: string; problems: readonly string[] }[] = [];
  const width = Math.max(...gates.map(({ name }) => name.length));

  async function work(): Promise<void> {
    for (let gate = waiting.shift(); gate !== undefined; gate = waiting.shift()) {
      const started = performance.now();
      const problems = await gate.run(root).catch((error: unknown) => [`the gate itself failed: ${reason(error)}`]);
      const mark = problems.length === 0 ? 'ok    ' : 'FAILED';
      console.log(`${mark}  ${gate.name.padEnd(width)}  ${seconds(started).padStart(6)}  ${gate.what}`);
      if (problems.length > 0) failed.push({ name: gate.name, problems });
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, work));

  for (const { name, problems } of failed) console.log(`\n── ${name}\n${problems.join('\n')}`);
  const verdict = failed.length === 0 ? 'all passed' : `failed: ${failed.map(({ name }) => name).join(', ')}`;
  console.log(`\n${gates.length} gates in ${seconds(began)}: ${verdict}`);
  return failed.length === 0;
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

function reason(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
