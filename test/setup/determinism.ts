/** `FC_SEED` and `FC_RUNS` rule every property test: to repeat a failure, or to search longer. */
const { FC_SEED, FC_RUNS } = process.env;

if (FC_SEED || FC_RUNS) {
  const { default: fc } = await import('fast-check');
  fc.configureGlobal({
    ...(FC_SEED ? { seed: Number(FC_SEED) } : {}),
    ...(FC_RUNS ? { numRuns: Number(FC_RUNS) } : {}),
  });
}
