import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../errors.ts';

export const FUNCTIONS = 'supabase/functions';
/** What is ours beside the functions. The CLI deploys no `_folder` as a function. */
const OWN_FOLDER = `${FUNCTIONS}/_supasaasy`;
/** The file that `init --vendor` writes. */
export const VENDORED = `${OWN_FOLDER}/supasaasy.js`;
/** What `init` wrote, so that the next one knows what is the engine's. */
export const MANIFEST = `${OWN_FOLDER}/manifest.json`;
export const FUNCTION_NAMES = ['webhook', 'sync', 'worker', 'status'] as const;

const manifestSchema = z.object({
  prefix: z.string(),
  imports: z.array(z.string()),
  /** Whether the functions import one bundled file. */
  vendored: z.boolean().default(false),
});
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

/** `index.ts` of a function. */
export function indexText(name: string, prefix: string): string {
  const call = prefix === '' ? '' : `, '${prefix}'`;
  return `${MARK}
import { serveEdge } from 'supasaasy/edge';
import config from '../../../supasaasy.config.ts';

serveEdge(config, '${name}'${call});
`;
}

const denoSchema = z.looseObject({ imports: z.record(z.string(), z.string()) });

/** `deno.json` of a function: our imports, and the packages that the project added for its own configuration. */
export function denoText(
  ours: Readonly<Record<string, string>>,
  there: string | undefined,
  before: Manifest | undefined,
): string {
  const imports = { ...addedImports(there, [...Object.keys(ours), ...(before?.imports ?? [])]), ...ours };
  return `${JSON.stringify({ imports }, null, 2)}\n`;
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
