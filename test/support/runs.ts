/** Parameters of a property: `FC_SEED` and `FC_RUNS` of the environment win. fast-check prints the seed on failure. */
export function runs(numRuns: number): {
  numRuns: number;
  seed?: number;
  endOnFailure: boolean;
  interruptAfterTimeLimit?: number;
} {
  const { FC_SEED, FC_RUNS, FC_SHRINK } = process.env;
  return {
    numRuns: FC_RUNS ? Number(FC_RUNS) : numRuns,
    ...(FC_SEED ? { seed: Number(FC_SEED) } : {}),
    endOnFailure: FC_SHRINK === undefined,
  };
}
