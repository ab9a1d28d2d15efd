import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listFiles } from '../check/files.ts';

const PATTERN = /^(?!scripts\/mutate\/(?!reach|setup|test-files)).*\.(ts|js|sql|json)$/;

/** Of everything that decides which tests reach what. */
export async function fingerprint(root: string, tests: string): Promise<string> {
  const hash = createHash('sha256').update(tests);
  for (const file of listFiles(root, ['src', 'connectors', 'sandbox', 'test', 'scripts/mutate'], PATTERN)) {
    hash.update(`${file}\n`).update(await readFile(join(root, file)));
  }
  return hash.digest('hex').slice(0, 16);
}
