import type { Position, Resource } from '../../kit/resource.ts';

/** One page of a list, as far as an estimate needs it. */
export interface Glimpse {
  readonly records: number;
  readonly more: boolean;
  /** What the provider says of all of them. */
  readonly total?: number;
  /** Creation times of the newest and the oldest record of the page, seconds. */
  readonly newest?: number;
  readonly oldest?: number;
}

export interface Size {
  readonly objects: number;
  /**
   * `exact`: one page shows them all; `counted`: the provider says so; `sampled`: from how dense some pages lie in time,
   * somewhere between `low` and `high`; `at_least`: the list tells no more than that it goes on.
   */
  readonly how: 'exact' | 'counted' | 'sampled' | 'at_least';
  readonly low?: number;
  readonly high?: number;
}

/** How dense the objects lie just before a moment: per second, to the time of the last one seen. */
interface Sample {
  readonly at: number;
  readonly density: number;
}

/** From the newest page back, each step four times as far as the one before: ten reach a million pages. */
const STEP = 4;
const MOST_STEPS = 14;
const BISECTIONS = 4;
const MORE_SAMPLES = 6;

/** How many objects a list has, from a few pages of it. Reads one page, and up to two dozen where it must sample. */
export async function estimateSize(
  resource: Resource,
  look: (position: Omit<Position, 'limit'>) => Promise<Glimpse>,
  position: Omit<Position, 'limit'>,
): Promise<Size> {
  const first = await look(position);
  if (first.total !== undefined) return { objects: first.total, how: 'counted' };
  if (!first.more) return { objects: first.records, how: 'exact' };
  const { newest, oldest } = first;
  if (resource.list?.ranged !== true || newest === undefined || oldest === undefined)
    return { objects: first.records, how: 'at_least' };
  return await sampleTime(first.records, newest, oldest, (to) => look({ ...position, to }));
}

async function sampleTime(
  pageRecords: number,
  newest: number,
  oldest: number,
  before: (to: number) => Promise<Glimpse>,
): Promise<Size> {
  const span = Math.max(1, newest - oldest);
  const samples: Sample[] = [{ at: newest, density: pageRecords / span }];
  // Where the list ends: nothing lies before `bottom`.
  let bottom: number | undefined;
  let lowest = oldest;
  const take = async (to: number): Promise<Glimpse> => {
    const seen = await before(to);
    if (seen.records > 0 && seen.oldest !== undefined) {
      samples.push({ at: to, density: seen.records / Math.max(1, to - seen.oldest) });
      lowest = Math.min(lowest, seen.oldest);
      if (!seen.more) bottom = seen.oldest;
    }
    return seen;
  };
  let empty: number | undefined;
  for (let step = 1, reach = span * STEP; step <= MOST_STEPS && bottom === undefined; step += 1, reach *= STEP) {
    const to = newest - reach;
    if (to <= 0 || (await take(to)).records === 0) {
      empty = Math.max(0, to);
      break;
    }
  }
  for (let i = 0; i < BISECTIONS && bottom === undefined && empty !== undefined; i += 1) {
    const middle = Math.floor((empty + lowest) / 2);
    if (middle <= empty || middle >= lowest) break;
    if ((await take(middle)).records === 0) empty = middle;
  }
  const end = bottom ?? lowest;
  // More where it matters most: in the middle of the stretch that holds the largest part.
  for (let i = 0; i < MORE_SAMPLES; i += 1) {
    const widest = stretches(samples, end).sort((a, b) => b.high - a.high)[0];
    if (widest === undefined || widest.to - widest.from < 4 * span) break;
    await take(Math.floor((widest.from + widest.to) / 2));
  }
  const parts = stretches(samples, end);
  const sum = (pick: (part: Stretch) => number) => Math.round(parts.reduce((all, part) => all + pick(part), 0));
  const objects = Math.max(
    pageRecords,
    sum((part) => (part.low + part.high) / 2),
  );
  return {
    objects,
    how: 'sampled',
    low: Math.min(
      objects,
      sum((part) => part.low),
    ),
    high: sum((part) => part.high),
  };
}

interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly low: number;
  readonly high: number;
}

/** Between two samples, no denser than the denser of them and no thinner than the thinner. */
function stretches(samples: readonly Sample[], end: number): Stretch[] {
  const sorted = [...samples].sort((a, b) => b.at - a.at);
  return sorted.map((sample, i) => {
    const next = sorted[i + 1];
    const from = next?.at ?? Math.min(end, sample.at);
    const width = sample.at - from;
    const other = next?.density ?? sample.density;
    return {
      from,
      to: sample.at,
      low: width * Math.min(sample.density, other),
      high: width * Math.max(sample.density, other),
    };
  });
}
