import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const DEFINED = new Set(
  [...readFileSync('docs/requirements.md', 'utf8').matchAll(/^- `([SAC]\d[\d-]*)` \S/gm)].map(
    (found) => found[1] ?? '',
  ),
);

/** The numbers that a title of a test names: `it('S4-16, A12: …')`, `describe("C3 …")`. */
function numbersOf(text: string): string[] {
  const titles = [...text.matchAll(/\b(?:it|test|describe\w*)(?:\.\w+(?:\([^)]*\))?)*\(\s*(['"`])(.*?)\1/gs)];
  return titles.flatMap((title) => title[2]?.match(/\b(?:S[0-4]-\d{2,3}|[AC]\d{1,2})\b/g) ?? []);
}

describe('docs/requirements.md', () => {
  it('has one line for each of the 290 numbered requirements of the specifications', () => {
    const counts = Object.fromEntries(
      ['S0', 'S1', 'S2', 'S3', 'S4'].map((set) => [set, [...DEFINED].filter((id) => id.startsWith(`${set}-`)).length]),
    );
    expect(counts).toEqual({ S0: 37, S1: 110, S2: 59, S3: 35, S4: 49 });
  });

  it('has a line for each number that the title of a test names', () => {
    const unknown = ['test', 'connectors']
      .flatMap((root) => readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) => `${root}/${name}`))
      .filter((path) => path.endsWith('.test.ts'))
      .flatMap((path) => numbersOf(readFileSync(path, 'utf8')).map((id) => `${path}: ${id}`))
      .filter((entry) => !DEFINED.has(entry.split(': ')[1] ?? ''));
    expect(unknown).toEqual([]);
  });

  it('finds the numbers in the titles of tests', () => {
    expect(numbersOf(`it('S4-16, A12: reads', () => {});\ndescribe.each([1])("C99 x", () => {})`)).toEqual([
      'S4-16',
      'A12',
      'C99',
    ]);
  });
});
