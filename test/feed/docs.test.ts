import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { changes } from '../../src/engine/feed/database-source.ts';
import { defineConsumer } from '../../src/engine/feed/define-consumer.ts';
import { createFeedStore } from '../../src/engine/feed/feed-store.ts';
import { describeEachDatabase } from '../setup/database.ts';
import { write } from './writers.ts';

const ROOT = new URL('../../', import.meta.url);
const text = readFileSync(new URL('docs/consumers.md', ROOT), 'utf8');
const blocks = (language: string) =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, code = '']) => code);

it('S3-01 … S3-35: each has a test that names it, or a line in docs/consumers.md', () => {
  const tests = readdirSync(new URL('test/', ROOT), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && !name.endsWith('docs.test.ts'))
    .map((name) => readFileSync(new URL(`test/${name}`, ROOT), 'utf8'));
  const named = new Set([text, ...tests].flatMap((one) => one.match(/\bS3-\d\d\b/g) ?? []));
  const wanted = Array.from({ length: 35 }, (_, i) => `S3-${String(i + 1).padStart(2, '0')}`);
  expect(wanted.filter((name) => !named.has(name))).toEqual([]);
  for (const conflict of ['K1', 'K4', 'K5', 'K15', 'K16', 'K17', 'K18', 'K23'])
    expect(text, conflict).toMatch(new RegExp(`\\b${conflict}\\b`));
});

it('docs/consumers.md names the defaults that there are', () => {
  const defaults = defineConsumer({ name: 'reader', source: changes(), handler() {} });
  const told = [...text.matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(([, name = '', value]) => [name, Number(value)]);
  expect(told.length).toBeGreaterThan(5);
  expect(Object.fromEntries(told)).toEqual(
    Object.fromEntries(told.map(([name]) => [name, defaults[name as keyof typeof defaults]])),
  );
});

describeEachDatabase('docs/consumers.md', (make) => {
  it('its SQL runs, from top to bottom', async () => {
    const { database } = await make({ template: 'engine' });
    expect(blocks('sql').length).toBe(3);
    for (const code of blocks('sql')) await database.script(code);
  });

  it('shows a change with the fields that one has', async () => {
    const { database } = await make({ template: 'engine' });
    await database.call('declare_consumers', { consumers: [{ name: 'reader', start: 'start' }] });
    await write(database, 'a', {});
    const { changes: got } = await createFeedStore(database).recv('reader', 1, null);
    const [shown = ''] = blocks('json');
    const example = JSON.parse(shown) as { headers: object };
    expect(Object.keys(example)).toEqual(Object.keys(got[0] ?? {}));
    expect(Object.keys(got[0]?.headers ?? {})).toEqual(expect.arrayContaining(Object.keys(example.headers)));
  });
});
