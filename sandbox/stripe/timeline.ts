/** When the objects of one resource were created: not decreasing with the position, computed without a table. */
export interface Timeline {
  readonly size: number;
  /** Seconds since 1970. */
  at(position: number): number;
  /** First position created at or after `seconds`; `size` if none. */
  firstSince(seconds: number): number;
}

export interface TimelineOptions {
  readonly size: number;
  readonly fromS: number;
  readonly untilS: number;
  /** Depth in the tree of belongings: a child is not older than its parent. */
  readonly level: number;
  readonly distribution: 'even' | 'skewed';
  /** Objects in one second, somewhere after the middle. */
  readonly burst: number;
}

/** Objects that share a second. */
const GROUP = 4;
const LEVEL_LAG_S = 3_600;
const MAX_LEVEL = 5;
/** Share of objects per twenty-fourth of the time, in the skewed distribution. */
const WEIGHTS = [1, 1, 2, 1, 40, 1, 1, 3, 1, 1, 1, 60, 20, 1, 1, 1, 2, 1, 1, 30, 1, 1, 1, 8];

export function createTimeline(options: TimelineOptions): Timeline {
  const { size, fromS, untilS, level } = options;
  const span = untilS - fromS - MAX_LEVEL * LEVEL_LAG_S;
  if (span <= 0) throw new Error('The population needs more than a day between its first and last object.');
  const offset = fromS + level * LEVEL_LAG_S;
  const curve = options.distribution === 'skewed' ? skewed : (share: number) => share;
  const burst = size >= options.burst * 3 ? options.burst : 0;
  const burstFrom = Math.floor(size * 0.6);
  const burstTo = burstFrom + burst;

  const at = (position: number) => {
    let p = position - (position % GROUP);
    if (level > 0) p += GROUP - 1;
    if (position >= burstFrom && position < burstTo) p = level === 0 ? burstFrom : burstTo;
    else if (level > 0 && position < burstFrom && p >= burstFrom) p = burstFrom - 1;
    else if (level === 0 && position >= burstTo && p < burstTo) p = burstTo;
    return offset + Math.floor(curve(Math.min(p, size - 1) / size) * span);
  };

  return {
    size,
    at,
    firstSince(seconds) {
      let low = 0;
      let high = size;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (at(middle) >= seconds) high = middle;
        else low = middle + 1;
      }
      return low;
    },
  };
}

const TOTAL = WEIGHTS.reduce((sum, weight) => sum + weight, 0);

function skewed(share: number): number {
  let left = share * TOTAL;
  for (let i = 0; i < WEIGHTS.length; i++) {
    const weight = WEIGHTS[i] as number;
    if (left < weight) return (i + left / weight) / WEIGHTS.length;
    left -= weight;
  }
  return 1;
}
