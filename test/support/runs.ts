import fc from 'fast-check';
import { expect } from 'vitest';

const { FC_SEED, FC_PATH, FC_RUNS, FC_SHRINK } = process.env;
const FOREVER_MS = 12 * 3_600_000;

/** How long a property may take: it is many tests in one, and a busy machine is no failure. */
export const PROPERTY_TIMEOUT_MS = FC_RUNS ? FOREVER_MS : 180_000;

/**
 * Parameters of a property: `FC_SEED`, `FC_PATH` and `FC_RUNS` of the environment win. A failure prints, on one line,
 * the command that repeats it.
 */
export function runs<Values>(numRuns: number): fc.Parameters<Values> {
  return {
    numRuns: FC_RUNS ? Number(FC_RUNS) : numRuns,
    ...(FC_SEED ? { seed: Number(FC_SEED) } : {}),
    ...(FC_PATH ? { path: FC_PATH } : {}),
    endOnFailure: FC_SHRINK === undefined,
    reporter(details) {
      if (!details.failed) return;
      const line = repeat(details.seed, details.counterexamplePath ?? '');
      console.error(line);
      throw new Error(`${line}\n${fc.defaultReportMessage(details)}`, { cause: details.errorInstance });
    },
  };
}

function repeat(seed: number, path: string): string {
  const { currentTestName = '', testPath = '' } = expect.getState();
  const title = currentTestName.split(' > ').at(-1)?.replaceAll("'", '.') ?? '';
  const kind = currentTestName.includes('PGlite') ? 'pglite' : 'postgres';
  const file = testPath.slice(testPath.indexOf('/test/') + 1);
  return `failed: TEST_DATABASES=${kind} FC_SEED=${seed} FC_PATH=${path} npx vitest run ${file} -t '${title}'`;
}
