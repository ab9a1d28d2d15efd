import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles } from './files.ts';
import type { Gate } from './gate.ts';
import { generators } from './generated-files.ts';

const LIMIT = 300;
/** Tests, benchmarks and the sandbox may be long; generated files are nobody's prose. */
const FOLDERS = ['src', 'connectors', 'bin', 'scripts', 'supabase/functions', 'dashboard'];
const EXEMPT = /^src\/generated\/|^dashboard\/dist\/|\.test\.ts$/;

export const fileLength: Gate = {
  name: 'file-length',
  what: `no file over ${LIMIT} lines without a decision record`,
  async run(root) {
    const generated = generators.flatMap(({ writes }) => writes);
    const records = listFiles(root, ['docs/decisions'], /\.md$/)
      .map((file) => readFileSync(join(root, file), 'utf8'))
      .join('\n');
    return listFiles(root, FOLDERS, /\.(ts|tsx|js|mjs|cjs|sql)$/)
      .filter((file) => !EXEMPT.test(file) && !generated.some((path) => file === path || file.startsWith(`${path}/`)))
      .flatMap((file) => {
        const lines = readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length;
        if (lines <= LIMIT || records.includes(`\`${file}\``)) return [];
        return [
          `${file}: ${lines} lines. Divide it, or name \`${file}\` in a record in docs/decisions/ that says why.`,
        ];
      });
  },
};
