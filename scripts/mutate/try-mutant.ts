import type { Chooser } from './choose-tests.ts';
import type { Errand } from './errand.ts';
import type { Chosen, Lane, Ran } from './lane.ts';
import type { Mutant, Outcome, Verdict } from './mutant.ts';
import type { Reach } from './reach.ts';

/** Errors of a statement that cannot run at all: syntax, types, names. */
const INVALID = new Set([
  '42601',
  '42703',
  '42883',
  '42804',
  '42846',
  '42803',
  '42P01',
  '42702',
  '42725',
  '42P18',
  '42P10',
]);

export interface Workbench {
  readonly lane: Lane;
  readonly root: string;
  readonly reach: Reach;
  readonly chooser: Chooser;
  readonly loading: ReadonlySet<string>;
  /** Milliseconds of tests, as they took without a mutant. */
  readonly budgetMs: number;
}

/** Plants one mutant, runs the tests that reach it until one fails, and takes it out again. */
export async function tryMutant(mutant: Mutant, bench: Workbench): Promise<Outcome> {
  const startedAt = performance.now();
  const end = (verdict: Verdict, cut: boolean, by?: string): Outcome => ({
    mutant,
    verdict,
    cut,
    ms: performance.now() - startedAt,
    ...(by === undefined ? {} : { by }),
  });
  const { batches, cut } = bench.chooser.choose(mutant, bench.budgetMs);
  if (batches.length === 0) return end('unreached', false);
  if (mutant.statements === undefined) return await perform();
  const before = await bench.lane.templates();
  try {
    await bench.lane.apply(mutant.statements.mutated);
  } catch {
    await bench.lane.apply(mutant.statements.original);
    return end('invalid', false);
  }
  try {
    const outcome = await perform();
    // A template that was made meanwhile is without the mutant.
    const after = await bench.lane.templates();
    if (outcome.verdict !== 'survived' || after.length === before.length) return outcome;
    await bench.lane.apply(mutant.statements.mutated);
    return await perform();
  } finally {
    await bench.lane.apply(mutant.statements.original);
  }

  async function perform(): Promise<Outcome> {
    const reload = mutant.activation !== undefined && bench.loading.has(mutant.activation);
    for (const batch of batches) {
      const { ran, hungry } = await runBatch(mutant, batch, reload, bench);
      if (ran.timedOut) {
        await bench.lane.sweep();
        return end('timeout', cut, hungry);
      }
      if (ran.failed === undefined) continue;
      if (mutant.language === 'sql' && ran.codes.some((code) => INVALID.has(code)))
        return end('invalid', cut, ran.failed);
      const failedId = ran.files.flatMap(({ tests }) => tests).find(({ state }) => state === 'failed')?.id;
      const test = batch.find((place) => bench.reach.tests[place]?.id === failedId) ?? batch[0];
      if (test !== undefined) bench.chooser.learn(mutant, test);
      return end('killed', cut, ran.failed);
    }
    return end('survived', cut);
  }
}

async function runBatch(
  mutant: Mutant,
  batch: readonly number[],
  reload: boolean,
  { lane, root, reach }: Workbench,
): Promise<{ ran: Ran; hungry: string }> {
  const byFile = new Map<string, string[]>();
  let expected = 0;
  let hits = 0;
  const counts = new Map(reach.of[mutant.reachedBy]);
  for (const place of batch) {
    const test = reach.tests[place];
    if (test === undefined) continue;
    if (!byFile.has(test.file)) expected += reach.files[test.file]?.ms ?? 0;
    byFile.set(test.file, [...(byFile.get(test.file) ?? []), test.id]);
    expected += test.ms;
    hits += counts.get(place) ?? 0;
  }
  const chosen: Chosen[] = [...byFile].map(([file, ids]) => ({ path: `${root}/${file}`, ids }));
  const errand: Errand = {
    reload,
    record: false,
    ...(mutant.activation === undefined ? {} : { activation: mutant.activation, hitLimit: hits * 100 + 10_000 }),
  };
  return {
    ran: await lane.run(chosen, errand, expected * 5 + 10_000),
    hungry: `more than ${Math.round(expected * 5 + 10_000)} ms`,
  };
}
