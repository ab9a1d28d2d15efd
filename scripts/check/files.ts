import { type Dirent, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const NEVER = new Set(['node_modules', '.git', '.supasaasy', 'coverage', 'dist']);

/** Files below `folders` of `root` whose path matches, with `/` on every system, sorted. A missing folder has none. */
export function listFiles(root: string, folders: readonly string[], pattern: RegExp): string[] {
  const found: string[] = [];
  const visit = (folder: string) => {
    for (const entry of entries(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !NEVER.has(entry.name)) visit(path);
      const name = relative(root, path).split(sep).join('/');
      if (entry.isFile() && pattern.test(name)) found.push(name);
    }
  };
  for (const folder of folders) visit(join(root, folder));
  return found.sort();
}

/** Names of the folders in a folder. */
export function listFolders(folder: string): string[] {
  return entries(folder)
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

function entries(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
