import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { listEdgeFunctions, runDeno } from './deno.ts';
import type { Gate } from './gate.ts';

export const denoTypes: Gate = {
  name: 'deno',
  what: 'deno check finds no error in the Edge Functions',
  async run(root) {
    const problems: string[] = [];
    for (const fn of listEdgeFunctions(root)) {
      if (!existsSync(join(root, fn.config))) {
        problems.push(`${fn.config} is missing: each function needs its own`);
        continue;
      }
      const { status, stderr } = await runDeno(root, 'check', fn);
      if (status !== 0) problems.push(stderr.trim());
    }
    return problems;
  },
};
