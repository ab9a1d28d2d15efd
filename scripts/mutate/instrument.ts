import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Instrumenter } from '@stryker-mutator/instrumenter';
import { listFiles } from '../check/files.ts';
import { idOf } from './id-of.ts';
import type { Mutant } from './mutant.ts';

const FOLDERS = ['src/engine', 'src/kit', 'connectors'];

/** Stryker's mutators over the engine, the kit and the connectors: every mutant is in the text, behind a switch. */
export async function instrument(root: string): Promise<{ files: Map<string, string>; mutants: Mutant[] }> {
  const names = listFiles(root, FOLDERS, /(?<!\.test)\.ts$/);
  const sources = await Promise.all(
    names.map(async (name) => ({ name, content: await readFile(join(root, name), 'utf8'), mutate: true as const })),
  );
  const silent = new Proxy({} as ConstructorParameters<typeof Instrumenter>[0], {
    get: (_, name) => (String(name).startsWith('is') ? () => false : () => {}),
  });
  const { files, mutants } = await new Instrumenter(silent).instrument(sources, {
    plugins: null,
    excludedMutations: [],
    ignorers: [],
    noHeader: false,
  } as unknown as Parameters<Instrumenter['instrument']>[1]);
  const texts = new Map(sources.map(({ name, content }) => [name, content]));
  const seen = new Map<string, number>();
  return {
    files: new Map(files.map(({ name, content }) => [name, content])),
    mutants: mutants.map(({ id, fileName, location, mutatorName, replacement }) => {
      const original = cutOut(texts.get(fileName) ?? '', location);
      return {
        id: idOf(seen, fileName, mutatorName, original, replacement),
        language: 'typescript' as const,
        file: fileName,
        line: location.start.line + 1,
        mutator: mutatorName,
        original,
        replacement,
        activation: id,
        reachedBy: id,
      };
    }),
  };
}

interface Place {
  readonly line: number;
  readonly column: number;
}

function cutOut(text: string, { start, end }: { start: Place; end: Place }): string {
  const lines = text.split('\n').slice(start.line, end.line + 1);
  const last = lines.length - 1;
  lines[last] = (lines[last] ?? '').slice(0, end.column);
  lines[0] = (lines[0] ?? '').slice(start.column);
  return lines.join('\n');
}
