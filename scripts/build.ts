/** `npm run build`, and a part of `npm ci`: compiles the package into `dist/`, with declarations and source maps. */
import { join } from 'node:path';
import { buildPackage } from './build/build-package.ts';
import { writeStamps } from './build/refresh.ts';

const root = join(import.meta.dirname, '..');
try {
  await buildPackage(root);
  writeStamps(root);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
