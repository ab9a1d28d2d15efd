import { deadCode } from './dead-code.ts';
import { denoTypes } from './deno-types.ts';
import { docsCode } from './docs-code.ts';
import { edgeFiles } from './edge-files.ts';
import { fileLength } from './file-length.ts';
import { fromTool, type Gate } from './gate.ts';
import { generatedFiles } from './generated-files.ts';
import { importRules } from './import-rules.ts';
import { promises } from './promises.ts';
import { providerNames } from './provider-names.ts';

/** Every gate. Long ones first: two run at a time. Each has a canary in test/gate/canaries. */
export const gates: readonly Gate[] = [
  promises,
  fromTool('types', 'TypeScript finds no error', 'tsc', ['--project', '.', '--pretty', 'false']),
  docsCode,
  denoTypes,
  edgeFiles,
  deadCode,
  importRules,
  fromTool('lint', 'Biome finds nothing, imports are sorted', 'biome', [
    'check',
    '--formatter-enabled=false',
    '--error-on-warnings',
  ]),
  fromTool('format', 'Biome would change nothing: npm run format', 'biome', ['format']),
  generatedFiles,
  providerNames,
  fileLength,
];
