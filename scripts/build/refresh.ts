import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { listModules, listSql, stampOf, toCompiled } from './sources.ts';
import { SQL_MODULE, withFolderNames, writeSqlModule } from './sql-module.ts';

const STAMPS = 'dist/.stamps.json';

type Stamps = Readonly<Record<string, string>>;

/** Writes `dist/.stamps.json`: `dist/` holds what these sources say. */
export function writeStamps(root: string): void {
  replace(join(root, STAMPS), JSON.stringify(stampsOf(root)));
}

/**
 * Compiles what has changed since `dist/` was written, one file after the other and without looking at types: a second where
 * a whole build takes ten. Tests call it, so that what they start is what they test.
 */
export function refreshDist(root: string): number {
  const known = readStamps(root);
  const now = stampsOf(root);
  const isStale = (file: string) => known[file] !== now[file] || !existsSync(join(root, toCompiled(file)));
  const stale = listModules(root).filter((file) => file !== SQL_MODULE && isStale(file));
  const options = compilerOptions(root);
  for (const file of stale) {
    const text = readFileSync(join(root, file), 'utf8');
    const { outputText, sourceMapText } = ts.transpileModule(text, {
      compilerOptions: options,
      fileName: join(root, file),
    });
    const target = join(root, toCompiled(file));
    if (sourceMapText !== undefined) replace(`${target}.map`, sourceMapText);
    replace(target, withFolderNames(file, outputText));
  }
  const sqlChanged = [SQL_MODULE, ...listSql(root)].some((file) => known[file] !== now[file]);
  if (sqlChanged) replace(join(root, toCompiled(SQL_MODULE)), writeSqlModule(root));
  for (const gone of Object.keys(known).filter((file) => file.endsWith('.ts') && now[file] === undefined))
    rmSync(join(root, toCompiled(gone)), { force: true });
  if (stale.length > 0 || sqlChanged) writeStamps(root);
  return stale.length;
}

/** Removed files count too: a list that is shorter is another one. */
function stampsOf(root: string): Stamps {
  const files = [...listModules(root), ...listSql(root)];
  return Object.fromEntries([...files.map((file) => [file, stampOf(root, file)]), ['sql', listSql(root).join()]]);
}

function readStamps(root: string): Stamps {
  const file = join(root, STAMPS);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Stamps) : {};
}

function compilerOptions(root: string): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.build.json'), ts.sys.readFile);
  const parsed = ts.parseJsonConfigFileContent({ ...config, include: [], files: ['src/index.ts'] }, ts.sys, root);
  // One file alone does not show that its package is one of ES modules.
  return {
    ...parsed.options,
    declaration: false,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
}

/** Another process may be reading it. */
function replace(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, file);
}
