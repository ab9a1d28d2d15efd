import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { gates } from '../../scripts/check/gates.ts';
import { createGeneratedFiles } from '../../scripts/check/generated-files.ts';
import { type Canary, plant, readCanary } from './canary.ts';

/** Canaries that a program makes: too long, or about a command. */
const MADE: Readonly<Record<string, Canary>> = {
  'file-length': {
    files: new Map([
      ['src/engine/long.ts', 'export {};\n'.repeat(301)],
      ['src/engine/explained.ts', 'export {};\n'.repeat(301)],
      ['src/engine/full.ts', 'export {};\n'.repeat(300)],
      ['test/long.ts', 'export {};\n'.repeat(301)],
      ['docs/decisions/0001-a-long-file.md', '`src/engine/explained.ts` is one loop.\n'],
    ]),
    says: ['src/engine/long.ts: 301 lines'],
  },
};

const planted: { remove(): void }[] = [];
afterAll(() => {
  for (const { remove } of planted) remove();
});

function plantFor(...canaries: Canary[]): string {
  const garden = plant(...canaries);
  planted.push(garden);
  return garden.root;
}

describe.concurrent('the gate', () => {
  const sound = plantFor();
  const named = gates.map((gate) => [gate.name, gate] as const);

  it.each(named)('%s accepts a sound repository', async (_, { run }) => {
    expect(await run(sound)).toEqual([]);
  });

  it.each(named.filter(([name]) => name !== 'generated'))('%s rejects its canary', async (name, { run }) => {
    const canary = MADE[name] ?? readCanary(name);
    const found = (await run(plantFor(canary))).join('\n');
    expect(canary.says.length).toBeGreaterThan(0);
    for (const text of canary.says) expect(found).toContain(text);
  });

  it('generated rejects a stale file, a missing file and a failing generator, and changes nothing', async () => {
    const root = plantFor();
    writeFileSync(join(root, 'stale.txt'), 'old');
    writeFileSync(join(root, 'fresh.txt'), 'new');
    const write = (name: string) =>
      [process.execPath, '--eval', `require('node:fs').writeFileSync('${name}', 'new')`] as const;
    const check = (name: string) => createGeneratedFiles([{ command: write(name), writes: [name] }]).run(root);

    expect(await check('fresh.txt')).toEqual([]);
    expect(await check('stale.txt')).toEqual([expect.stringMatching(/^stale.txt is not what its generator writes/)]);
    expect(await check('stale.txt')).toHaveLength(1);
    expect(await check('missing.txt')).toHaveLength(1);
    const failing = createGeneratedFiles([{ command: [process.execPath, '--eval', 'process.exit(3)'], writes: [] }]);
    expect(await failing.run(root)).toEqual([expect.stringContaining('ended with 3')]);
  });

  it('has no canary without a gate', () => {
    const names = readdirSync(new URL('canaries', import.meta.url)).map((file) => file.replace('.txt', ''));
    expect(names.filter((name) => name !== 'sound' && !gates.some((gate) => gate.name === name))).toEqual([]);
  });
});
