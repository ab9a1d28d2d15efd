import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles, listFolders } from './files.ts';
import type { Gate } from './gate.ts';

export const providerNames: Gate = {
  name: 'provider-names',
  what: 'no provider is named in src: differences are declared by its connector',
  async run(root) {
    const names = listFolders(join(root, 'connectors'));
    if (names.length === 0) return [];
    const pattern = new RegExp(names.join('|'), 'i');
    return listFiles(root, ['src'], /\.(ts|sql|json)$/).flatMap((file) => {
      const lines = readFileSync(join(root, file), 'utf8').split('\n');
      return lines.flatMap((line, i) => {
        const found = pattern.exec(line);
        return found === null ? [] : [`${file}:${i + 1} names "${found[0]}": ${line.trim().slice(0, 100)}`];
      });
    });
  },
};
