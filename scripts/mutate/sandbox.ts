import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const COPIED = [
  'bin',
  'src',
  'connectors',
  'sandbox',
  'test',
  'scripts',
  'bench',
  'docs',
  'supabase',
  'package.json',
  'tsconfig.json',
  'supasaasy.config.ts',
  'README.md',
];

/** A copy of the repository, with other texts in some files. */
export async function makeSandbox(
  files: ReadonlyMap<string, string>,
): Promise<{ root: string; remove(): Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), 'supasaasy-mutate-'));
  for (const path of COPIED) await cp(path, join(root, path), { recursive: true });
  await symlink(resolve('node_modules'), join(root, 'node_modules'));
  for (const [path, text] of files) await writeFile(join(root, path), text);
  return { root, remove: () => rm(root, { recursive: true, force: true }) };
}
