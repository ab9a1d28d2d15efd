import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles } from './files.ts';
import { type Gate, runProgram } from './gate.ts';

export interface Generator {
  /** Run in the repository's root. */
  readonly command: readonly [string, ...string[]];
  /** Files or folders that it writes. */
  readonly writes: readonly string[];
}

/** Every command that writes committed files. A row here is all that a new generator needs. */
export const generators: readonly Generator[] = [];

export const generatedFiles: Gate = createGeneratedFiles(generators);

export function createGeneratedFiles(table: readonly Generator[]): Gate {
  return {
    name: 'generated',
    what: 'generated files are what their generators write',
    async run(root) {
      const problems: string[] = [];
      for (const { command, writes } of table) problems.push(...(await compare(root, command, writes)));
      return problems;
    },
  };
}

/** Runs the generator, and puts back what was there: a check changes nothing. */
async function compare(root: string, command: Generator['command'], writes: readonly string[]): Promise<string[]> {
  const before = read(root, writes);
  const [program, ...args] = command;
  const { status, stdout, stderr } = await runProgram(root, program, args);
  const line = command.join(' ');
  if (status !== 0) return [`${line} ended with ${status}: ${stdout}${stderr}`];
  const after = read(root, writes);
  const stale = [...new Set([...before.keys(), ...after.keys()])].filter((file) => {
    const [old, now] = [before.get(file), after.get(file)];
    return old === undefined || now === undefined || !old.equals(now);
  });
  for (const [file, content] of before) if (stale.includes(file)) writeFileSync(join(root, file), content);
  return stale.map((file) => `${file} is not what its generator writes: run ${line} and commit`);
}

function read(root: string, paths: readonly string[]): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const path of paths) {
    const below = listFiles(root, [path], /./);
    for (const file of below.length > 0 ? below : [path]) {
      try {
        files.set(file, readFileSync(join(root, file)));
      } catch {
        // Not there (yet): the comparison says so.
      }
    }
  }
  return files;
}
