/** `npm run build`, and a part of `npm ci`: compiles the package into `dist/`, with declarations and source maps. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeStamps } from './build/refresh.ts';
import { listModules, toCompiled } from './build/sources.ts';
import { SQL_MODULE, writeSqlModule } from './build/sql-module.ts';
import { writeVendorBundle } from './build/vendor-bundle.ts';
import { runTool } from './check/gate.ts';

const root = join(import.meta.dirname, '..');
rmSync(join(root, 'dist'), { recursive: true, force: true });
const { status, stdout, stderr } = await runTool(root, 'tsc', [
  '--project',
  'tsconfig.build.json',
  '--pretty',
  'false',
]);
if (status !== 0) {
  console.error(`${stdout}${stderr}`);
  process.exitCode = 1;
} else {
  for (const file of listModules(root)) rewriteDeclaration(join(root, toCompiled(file).replace(/\.js$/, '.d.ts')));
  writeFileSync(join(root, toCompiled(SQL_MODULE)), writeSqlModule(root));
  await writeVendorBundle(root);
  writeStamps(root);
}

/** tsc leaves `./x.ts` in declarations; what is there is `./x.js`. */
function rewriteDeclaration(file: string): void {
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replaceAll(/((?:from|import)\s*\(?\s*['"]\.{1,2}\/[^'"]*)\.ts(['"])/g, '$1.js$2'));
}
