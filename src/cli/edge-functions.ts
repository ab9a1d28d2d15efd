import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../errors.ts';

export const FUNCTIONS = 'supabase/functions';
/** Deno runs no TypeScript that lies in node_modules, so the functions have a copy. The CLI deploys no `_folder` as a function. */
export const COPY = `${FUNCTIONS}/_supasaasy`;
/** What `init` wrote, so that the next one knows what is the engine's. */
export const MANIFEST = `${COPY}/manifest.json`;
export const FUNCTION_NAMES = ['webhook', 'sync', 'worker', 'status'] as const;

const manifestSchema = z.object({ prefix: z.string(), imports: z.array(z.string()) });
export type Manifest = z.output<typeof manifestSchema>;

const MARK = '// Written by "supasaasy init", which writes it anew each time: changes here are lost.';

/** What an earlier `init` left; undefined where there was none, or one of a version that left nothing. */
export function readManifest(folder: string): Manifest | undefined {
  try {
    return manifestSchema.parse(JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')));
  } catch {
    return undefined;
  }
}

/** Throws before anything is written when a function of the project has the name of one of ours. */
export function assertNoCollision(folder: string, prefix: string): void {
  const foreign = FUNCTION_NAMES.map((name) => `${FUNCTIONS}/${prefix}${name}`).filter(
    (path) => existsSync(join(folder, path)) && !isOurs(join(folder, path)),
  );
  if (foreign.length > 0)
    throw new ConfigError(
      `nothing was written: ${foreign.join(', ')} ${foreign.length === 1 ? 'is a function' : 'are functions'} of this project. Choose other names for the engine's: supasaasy init --prefix supasaasy-`,
    );
}

/** By its mark; of version 0.1.0, by the one call that it consists of. */
function isOurs(path: string): boolean {
  const file = join(path, 'index.ts');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return text.startsWith(MARK) || (text.includes('_supasaasy/src/runtime/edge/serve-edge.ts') && text.length < 500);
}

/** `index.ts` of a function, out of the package's own. */
export function indexText(own: string, name: string, prefix: string): string {
  const call = prefix === '' ? '' : `, '${prefix}'`;
  const text = own
    .replaceAll(/(['"])\.\.\/\.\.\/\.\.\/(src|connectors)\//g, '$1../_supasaasy/$2/')
    .replace(`serveEdge(config, '${name}')`, `serveEdge(config, '${name}'${call})`)
    .replace(`/functions/v1/${name}`, `/functions/v1/${prefix}${name}`);
  return `${MARK}\n${text}`;
}

const denoSchema = z.looseObject({ imports: z.record(z.string(), z.string()) });

/** `deno.json` of a function: ours whole, and the packages that the project added for its own configuration. */
export function denoText(own: string, there: string | undefined, before: Manifest | undefined): string {
  const ours = denoSchema.parse(
    JSON.parse(own.replaceAll(/(['"])\.\.\/\.\.\/\.\.\/(src|connectors)\//g, '$1../_supasaasy/$2/')),
  );
  const imports = {
    ...addedImports(there, [...Object.keys(ours.imports), ...(before?.imports ?? [])]),
    ...ours.imports,
  };
  return `${JSON.stringify({ ...ours, imports }, null, 2)}\n`;
}

function addedImports(there: string | undefined, ours: readonly string[]): Record<string, string> {
  if (there === undefined) return {};
  try {
    const { imports } = denoSchema.parse(JSON.parse(there));
    return Object.fromEntries(Object.entries(imports).filter(([name]) => !ours.includes(name)));
  } catch {
    return {};
  }
}

export const importsOf = (deno: string): string[] => Object.keys(denoSchema.parse(JSON.parse(deno)).imports);
