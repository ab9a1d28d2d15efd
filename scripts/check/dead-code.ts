import { fromTool } from './gate.ts';

export const deadCode = fromTool('dead-code', 'every file, export and dependency is used, and declared', 'knip', [
  '--no-progress',
  '--no-config-hints',
]);
