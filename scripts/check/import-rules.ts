import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles } from './files.ts';
import { type Gate, runTool } from './gate.ts';

const FOLDERS = ['src', 'connectors', 'sandbox', 'bin', 'supabase', 'scripts', 'examples', 'test', 'bench'];

interface Cruise {
  readonly summary: {
    readonly totalCruised: number;
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
      readonly cycle?: readonly { readonly name: string }[];
    }[];
    readonly ruleSetUsed?: { readonly forbidden?: readonly { readonly name: string; readonly comment?: string }[] };
  };
}

export const importRules: Gate = {
  name: 'imports',
  what: 'modules import only what their room may know, without cycles',
  async run(root) {
    const folders = FOLDERS.filter((folder) => existsSync(join(root, folder)));
    const { stdout, stderr } = await runTool(root, 'depcruise', [
      ...folders,
      '--config',
      '.dependency-cruiser.cjs',
      '--output-type',
      'json',
    ]);
    const { summary } = parse(stdout, stderr);
    // With a TypeScript that it does not know, dependency-cruiser sees nothing and is content.
    const files = listFiles(root, folders, /\.ts$/).filter((name) => !name.startsWith('bench/peers/')).length;
    if (summary.totalCruised < files) return [`dependency-cruiser saw ${summary.totalCruised} of ${files} modules`];
    const comments = new Map(summary.ruleSetUsed?.forbidden?.map(({ name, comment }) => [name, comment ?? '']));
    return summary.violations.map(({ from, to, rule, cycle }) => {
      const path = cycle === undefined ? to : cycle.map(({ name }) => name).join(' → ');
      return `${from} → ${path}\n    ${rule.name}: ${comments.get(rule.name) ?? ''}`;
    });
  },
};

function parse(stdout: string, stderr: string): Cruise {
  try {
    return JSON.parse(stdout) as Cruise;
  } catch {
    throw new Error(`dependency-cruiser: ${stderr || stdout}`);
  }
}
