import { statSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles } from '../check/files.ts';

/** What is compiled into `dist/`, under the same paths. */
const FOLDERS = ['src', 'connectors', 'sandbox'];

export const listModules = (root: string): string[] =>
  listFiles(root, FOLDERS, /\.ts$/).filter((file) => !file.endsWith('.test.ts'));

/** The numbered SQL of the engine and of the connectors. */
export const listSql = (root: string): string[] => listFiles(root, FOLDERS, /\/migrations\/[^/]+\.sql$/);

/** Changes when the file does. */
export function stampOf(root: string, file: string): string {
  const { mtimeMs, size } = statSync(join(root, file));
  return `${mtimeMs}:${size}`;
}

export const toCompiled = (file: string) => `dist/${file.replace(/\.ts$/, '.js')}`;
