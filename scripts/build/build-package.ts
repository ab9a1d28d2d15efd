import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from '../check/gate.ts';
import { writeConfigSchema } from './config-schema.ts';
import { listModules, toCompiled } from './sources.ts';
import { SQL_MODULE, withFolderNames, writeSqlModule } from './sql-module.ts';
import { writeVendorBundle } from './vendor-bundle.ts';

/** Compiles the package at `root` into `out`/dist, from nothing. Throws with the compiler's words. */
export async function buildPackage(root: string, out = root): Promise<void> {
  rmSync(join(out, 'dist'), { recursive: true, force: true });
  const args = ['--project', 'tsconfig.build.json', '--pretty', 'false', '--outDir', join(out, 'dist')];
  const { status, stdout, stderr } = await runTool(root, 'tsc', args);
  if (status !== 0) throw new Error(`${stdout}${stderr}`);
  for (const file of listModules(root)) {
    const compiled = join(out, toCompiled(file));
    rewrite(compiled.replace(/\.js$/, '.d.ts'), withModuleNames);
    rewrite(compiled, (code) => withFolderNames(file, code));
  }
  writeFileSync(join(out, toCompiled(SQL_MODULE)), writeSqlModule(root));
  await writeVendorBundle(root, out);
  await writeConfigSchema(root, out);
}

/** tsc leaves `./x.ts` in declarations; what is there is `./x.js`. */
const withModuleNames = (text: string) =>
  text.replaceAll(/((?:from|import|module)\s*\(?\s*['"]\.{1,2}\/[^'"]*)\.ts(['"])/g, '$1.js$2');

function rewrite(file: string, change: (text: string) => string): void {
  const text = readFileSync(file, 'utf8');
  const next = change(text);
  if (next !== text) writeFileSync(file, next);
}
