import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { listFolders } from './files.ts';
import { type Finished, runTool } from './gate.ts';

/** An Edge Function: `supabase/functions/<name>/` with its entry and its own `deno.json`. */
export interface EdgeFunction {
  readonly name: string;
  readonly entry: string;
  readonly config: string;
}

export function listEdgeFunctions(root: string): EdgeFunction[] {
  return listFolders(join(root, 'supabase/functions'))
    .map((name) => ({
      name,
      entry: `supabase/functions/${name}/index.ts`,
      config: `supabase/functions/${name}/deno.json`,
    }))
    .filter(({ entry }) => existsSync(join(root, entry)));
}

/** Deno without network: packages come from the root's `node_modules`, nothing remote, no lock file is written. */
export async function runDeno(root: string, command: string, fn: EdgeFunction, args: string[] = []): Promise<Finished> {
  const offline = ['--node-modules-dir=manual', '--no-remote', '--no-lock', '--config', fn.config];
  const env = { DENO_DIR: join(root, 'node_modules/.cache/deno'), DENO_NO_UPDATE_CHECK: '1' };
  return await runTool(root, 'deno', [command, ...args, ...offline, fn.entry], env);
}
