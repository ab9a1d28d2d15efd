import { appendFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acmeLarge } from '../support/acme-connector.ts';
import { type StoryOptions, type StoryStep, simulate } from './simulate.ts';
import { createStage, type Stage } from './stage.ts';

/** `npm run simulate -- --crash-points 100000 --faults 1000000 --seed 7` sets these. */
const { SIM_CRASH_POINTS, SIM_FAULTS, SIM_SEED, SIM_SUMS } = process.env;
const SEED = Number(SIM_SEED || 20260301);
const CRASH_POINTS = Number(SIM_CRASH_POINTS || 1_900);
/** One in twenty is a request that fails, the others are deliveries: those cost a hundredth. */
const FAULTS = SIM_FAULTS ? Number(SIM_FAULTS) / 20 : 400;
const DELIVERY_FAULTS = SIM_FAULTS ? Number(SIM_FAULTS) - FAULTS : 2_000;
const FOREVER_MS = 12 * 3_600_000;

let stage: Stage;
beforeAll(async () => {
  stage = await createStage();
});
afterAll(() => stage.close());

/** Stories until there was enough of something; the first that ends badly ends all. */
async function tell(
  title: string,
  enough: (sum: { crashes: number; faults: number }) => boolean,
  storyOf: (seed: number) => Omit<StoryOptions, 'seed'> & { readonly slots: number },
): Promise<void> {
  const sum = { stories: 0, boundaries: 0, crashes: 0, faults: 0, deliveryFaults: 0, requests: 0 };
  const began = performance.now();
  let said = began;
  try {
    for (let seed = SEED; !enough(sum); seed += 1) {
      const story = storyOf(seed);
      const result = await simulate(stage.databaseFor(story.slots), { seed, ...story });
      sum.stories += 1;
      for (const key of ['boundaries', 'crashes', 'faults', 'deliveryFaults', 'requests'] as const)
        sum[key] += result[key];
      expect(result.wrong, `the story of seed ${seed}; again: ${again(seed)}`).toEqual([]);
      if (performance.now() - said > 60_000) {
        said = performance.now();
        console.log(`${title}: ${describeSum(sum)}`);
      }
    }
  } finally {
    note(title, sum);
  }
  console.log(
    `${title}: seed ${SEED}, ${describeSum(sum)}, ${Math.round((performance.now() - began) / 1000)} s, nothing differs`,
  );
}

/** What tells a story again: its course follows from its seed alone. */
const again = (seed: number) =>
  `SIM_SEED=${seed} SIM_CRASH_POINTS=1 SIM_FAULTS=1 npx vitest run test/simulator/simulator.test.ts -t '${expect.getState().currentTestName?.split(' > ').at(-1)?.split(' (')[0]}'`;

/** For whoever started several of us. */
function note(title: string, sum: Record<string, number>): void {
  if (SIM_SUMS) appendFileSync(SIM_SUMS, `${JSON.stringify({ title, ...sum })}\n`);
}

const describeSum = (sum: Record<string, number>) =>
  Object.entries(sum)
    .map(([name, n]) => `${n.toLocaleString('en-US')} ${name === 'deliveryFaults' ? 'of them of deliveries' : name}`)
    .join(', ');

describe('whatever happens, the mirror ends equal to the account, the feed tells of nothing that never was, and nothing is stuck', () => {
  it(
    'when the process dies at every single call of a story, before and after (I6)',
    async () => {
      const steps: StoryStep[] = ['full', 'change', 'deliver', 'incremental', 'audit'];
      const story = { seed: SIM_SEED ? SEED : 5, steps, objects: 4, slots: 1 };
      const db = stage.databaseFor(1);
      const whole = await simulate(db, story);
      expect(whole.wrong).toEqual([]);
      let died = 0;
      for (let at = 1; at <= whole.boundaries; at += 1) {
        let name = '';
        const { wrong, crashes } = await simulate(db, {
          ...story,
          crashAt: (boundary, number) => {
            if (number === at) name = boundary;
            return number === at;
          },
        });
        expect(wrong, `died ${name}, call ${at} of seed ${story.seed}`).toEqual([]);
        // The peace at the end has boundaries too, and nobody dies in it.
        if (crashes === 0) break;
        died += 1;
      }
      expect(died).toBeGreaterThan(50);
      note('every call', { stories: died + 1, crashes: died });
      console.log(`every call: ${died} places to die, nothing differs`);
    },
    FOREVER_MS,
  );

  it(
    'when processes die again and again, one task at a time and several (I3, I6)',
    async () => {
      await tell(
        'crashes',
        ({ crashes }) => crashes >= CRASH_POINTS,
        (seed) => ({
          crashAt: (_boundary, _number, random) => random.chance(0.12),
          faultRate: 0.05,
          slots: seed % 3 === 0 ? 3 : 1,
        }),
      );
    },
    FOREVER_MS,
  );

  it(
    'when most requests fail: 429, 500, resets, cut answers, error pages (I2, I10, I11)',
    async () => {
      await tell(
        'faults',
        ({ faults }) => faults >= FAULTS,
        (seed) => ({ faultRate: 0.75, steps: 40, slots: seed % 2 === 0 ? 4 : 1 }),
      );
    },
    FOREVER_MS,
  );

  it(
    'when deliveries come in bursts: lost, late, doubled, out of order (I2, I11)',
    async () => {
      const round: StoryStep[] = ['change', 'deliver', 'change', 'deliver', 'change', 'deliver', 'change', 'deliver'];
      const rounds = (count: number) => Array.from({ length: count }, () => round).flat();
      const steps: StoryStep[] = [
        'full',
        ...rounds(6),
        'incremental',
        ...rounds(6),
        'audit',
        ...rounds(6),
        'full',
        ...rounds(2),
      ];
      await tell(
        'deliveries',
        ({ faults }) => faults >= DELIVERY_FAULTS,
        (seed) => ({
          steps,
          burst: 40,
          faultRate: 0.3,
          connector: acmeLarge.metadata.name,
          slots: seed % 2 === 0 ? 1 : 4,
        }),
      );
    },
    FOREVER_MS,
  );

  it('is told again by the same seed, to the last call', async () => {
    const story: StoryOptions = {
      seed: SEED + 5,
      faultRate: 0.1,
      crashAt: (_b, _n, random) => random.chance(0.05),
      slots: 1,
    };
    const first = await simulate(stage.databaseFor(1), story);
    expect(await simulate(stage.databaseFor(1), story)).toEqual(first);
  });
});
