import { fileURLToPath } from 'node:url';
import { fromTool } from './gate.ts';

/**
 * Biome's own rule sees no promise of an imported package: of 32 floating promises it found 18, and none of `pg`,
 * PGlite or `node:` (Biome 2.5.15). So this one rule is asked of typescript-eslint.
 */
export const promises = fromTool('promises', 'no promise floats, none is mistaken for a value', 'eslint', [
  '--config',
  fileURLToPath(new URL('promises.config.mjs', import.meta.url)),
  '--no-inline-config',
  '--max-warnings=0',
  '.',
]);
