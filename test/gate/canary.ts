import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A sample that a gate must reject: planted files, and what the gate must say about them. */
export interface Canary {
  readonly files: ReadonlyMap<string, string>;
  readonly says: readonly string[];
}

const HOME = fileURLToPath(new URL('../../', import.meta.url));
/** The repository's own rules are what is tried. */
const RULES = ['biome.json', 'tsconfig.json', 'knip.json', '.dependency-cruiser.cjs', '.gitignore'];

/**
 * Reads `canaries/<name>.txt`: prose, lines `says: text`, then each file after a line `--- path`. They are texts, not
 * folders, so that no tool takes them for our code.
 */
export function readCanary(name: string): Canary {
  const [prose = '', ...parts] = readFileSync(new URL(`canaries/${name}.txt`, import.meta.url), 'utf8').split(/^--- /m);
  const files = parts.map((part): [string, string] => {
    const end = part.indexOf('\n');
    return [part.slice(0, end).trim(), part.slice(end + 1)];
  });
  const says = [...prose.matchAll(/^says: (.+)$/gm)].map(([, text = '']) => text);
  return { files: new Map(files), says };
}

/** A small sound repository with the canaries' files planted in it, in a temporary folder. */
export function plant(...canaries: readonly Canary[]): { readonly root: string; remove(): void } {
  const root = mkdtempSync(join(tmpdir(), 'supasaasy-canary-'));
  for (const name of RULES) copyFileSync(join(HOME, name), join(root, name));
  symlinkSync(join(HOME, 'node_modules'), join(root, 'node_modules'));
  for (const { files } of [readCanary('sound'), ...canaries]) {
    for (const [path, text] of files) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
  }
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}
