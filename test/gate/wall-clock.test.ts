import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** A limit in milliseconds, as a test states it: `timeout: 5000`, `AbortSignal.timeout(20)`, a trailing `}, 30_000);`. */
const LIMIT = /\btimeout(?:Ms)?: ?([\d_]+)|AbortSignal\.timeout\(([\d_]+)\)|^\s*\}, ([\d_]{3,})\);/gm;

/** Short limits that are the subject of their test: what is shown is that they end something. */
const SUBJECTS: Readonly<Record<string, readonly number[]>> = {
  'test/feed/consumer.test.ts': [50, 100, 400],
  'test/feed/push-delivery.test.ts': [5],
  'test/runtime/send-answers.test.ts': [5],
  'test/sandbox/http.test.ts': [20],
};

/** The limits under a minute in one file that are not its subject. */
function shortLimits(path: string, text: string): string[] {
  return [...text.matchAll(LIMIT)]
    .map((found) => Number((found[1] ?? found[2] ?? found[3] ?? '').replaceAll('_', '')))
    .filter((limit) => limit < 60_000 && !SUBJECTS[path]?.includes(limit))
    .map((limit) => `${path}: ${limit} ms`);
}

it('no wall-clock limit under a minute decides a test: a busy machine is slow', async () => {
  const found: string[] = [];
  for (const name of readdirSync('test', { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith('.test.ts') && !import.meta.filename.endsWith(name))
      found.push(...shortLimits(`test/${name}`, readFileSync(`test/${name}`, 'utf8')));
  }
  expect(found).toEqual([]);
});

it('finds a short limit in each form in which a test states one', () => {
  for (const text of ['{ timeout: 5000 }', '{ timeoutMs: 900 }', 'AbortSignal.timeout(30)', '    }, 30_000);'])
    expect(shortLimits('test/any.test.ts', text)).toHaveLength(1);
});
