import type { Mutant } from './mutant.ts';
import type { Reach } from './reach.ts';

const BATCH_ENDS = [4, 20, 80];

/** Tests in the order in which they are tried: those that killed a neighbour, then what costs little. */
export function createChooser(reach: Reach) {
  /** How often a test killed a mutant near a place. */
  const kills = new Map<string, Map<number, number>>();
  const placesOf = ({ file, reachedBy, language, line }: Mutant) =>
    language === 'sql' ? [`${file}:${reachedBy}`, file] : [`${file}:${Math.floor(line / 10)}`, file];
  const breadth = new Map<number, number>();
  for (const places of Object.values(reach.of))
    for (const [test] of places) breadth.set(test, (breadth.get(test) ?? 0) + 1);

  return {
    learn(mutant: Mutant, test: number): void {
      for (const place of placesOf(mutant)) {
        const known = kills.get(place) ?? new Map<number, number>();
        kills.set(place, known.set(test, (known.get(test) ?? 0) + 1));
      }
    },
    /** Places in `reach.tests`, in batches; at most `budgetMs` of tests. `cut`: some are left. */
    choose(mutant: Mutant, budgetMs: number): { batches: number[][]; cut: boolean } {
      const [near = new Map<number, number>(), far = new Map<number, number>()] = placesOf(mutant).map((place) =>
        kills.get(place),
      );
      const score = (test: number, hits: number) => {
        const { cost: own = 0, file = '' } = reach.tests[test] ?? {};
        const cost = own + 10 + (reach.files[file]?.cost ?? 0) / 4;
        const chance =
          (near.get(test) ?? 0) * 20 +
          (far.get(test) ?? 0) * 2 +
          1 +
          Math.min(hits, 10) / 10 +
          3000 / (300 + (breadth.get(test) ?? 0));
        return chance / cost;
      };
      const order = (reach.of[mutant.reachedBy] ?? [])
        .map(([test, hits]) => ({ test, score: score(test, hits) }))
        .sort((a, b) => b.score - a.score);
      const batches: number[][] = [[]];
      let spent = 0;
      const files = new Set<string>();
      for (const [place, { test }] of order.entries()) {
        const { cost: own = 0, file = '' } = reach.tests[test] ?? {};
        // Each batch makes its databases anew, so there are few of them.
        if (BATCH_ENDS.includes(place)) {
          batches.push([]);
          files.clear();
        }
        const cost = own + (files.has(file) ? 0 : (reach.files[file]?.cost ?? 0));
        if (spent + cost > budgetMs && spent > 0)
          return { batches: batches.filter(({ length }) => length > 0), cut: true };
        files.add(file);
        spent += cost;
        batches.at(-1)?.push(test);
      }
      if (order.length === 0) return { batches: [], cut: false };
      return { batches, cut: false };
    },
  };
}

export type Chooser = ReturnType<typeof createChooser>;
