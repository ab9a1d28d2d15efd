import { describe, expect, it } from 'vitest';
import { describeInterval } from '../../src/cli/describe-health.ts';
import { formatDuration } from '../../src/engine/format-duration.ts';

const [S, MIN, H, D] = [1000, 60_000, 3_600_000, 86_400_000];

describe('a duration', () => {
  it('C9: is said in its two largest units, none of them full', () => {
    for (const [ms, text] of [
      [-5, '0 ms'],
      [0, '0 ms'],
      [850, '850 ms'],
      [999.6, '1.0 s'],
      [12.34 * S, '12.3 s'],
      [59.97 * S, '1 min 0 s'],
      [4 * MIN + 10 * S, '4 min 10 s'],
      [119_999, '2 min 0 s'],
      [H - 1, '1 h 0 min'],
      [3 * H + 20 * MIN, '3 h 20 min'],
      [D - 1, '1 d 0 h'],
      [2 * D + 5 * H, '2 d 5 h'],
      [1_799_008 * MIN, '1249 d 7 h'],
    ] as const)
      expect(formatDuration(ms), String(ms)).toBe(text);
  });

  it('C9: is read from an interval of PostgreSQL', () => {
    for (const [interval, text] of [
      [null, '–'],
      ['00:00:00.25', '250 ms'],
      ['29983:28:00', '1249 d 7 h'],
      ['1 day 02:03:04.5', '1 d 2 h'],
      ['2 days', '2 d 0 h'],
      ['-00:00:03', '0 ms'],
      ['-1 days +02:00:00', '0 ms'],
      ['1 day -02:00:00', '22 h 0 min'],
    ] as const)
      expect(describeInterval(interval), String(interval)).toBe(text);
  });
});
