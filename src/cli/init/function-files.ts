import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { packageFolder, readManifest, readVersion } from '../../runtime/node/package-folder.ts';

export interface ProjectFile {
  readonly path: string;
  readonly text: string;
}

const FOLDER = 'supabase/functions';

/** Each Edge Function, and what it is for. */
const FUNCTIONS: Readonly<Record<string, string>> = {
  webhook: 'Deliveries of the providers: `/functions/v1/webhook/<app_key>`. Each is verified by its signature.',
  sync: 'Starts a run: `POST /functions/v1/sync`; shows one: `GET /functions/v1/sync/runs/<id>`. Admin key.',
  worker: 'Works one slice of what is due: `POST /functions/v1/worker`, called by pg_cron. Admin key.',
  status: 'State of each app: `GET /functions/v1/status` (admin key), `/status/health`, `/status/health/config`.',
};

/** The file that `init --vendor` copies. The Supabase CLI deploys no folder whose name begins with `_`. */
export const VENDORED = `${FOLDER}/_supasaasy/supasaasy.js`;
export const readVendorBundle = (): string =>
  readFileSync(new URL('dist/vendor/supasaasy.js', packageFolder()), 'utf8');

/** The entry and the `deno.json` of each function; what they import comes from npm, or (`isVendored`) from one file. */
export function functionFiles(isVendored: boolean): ProjectFile[] {
  const imports = isVendored ? vendoredImports() : npmImports();
  return Object.entries(FUNCTIONS).flatMap(([name, what]) => [
    {
      path: `${FOLDER}/${name}/index.ts`,
      text: `/** ${what} */
import { serveEdge } from 'supasaasy/edge';
import config from '../../../supasaasy.config.ts';

serveEdge(config, '${name}');
`,
    },
    { path: `${FOLDER}/${name}/deno.json`, text: `${JSON.stringify({ imports }, null, 2)}\n` },
  ]);
}

/** What a `deno.json` of an older version becomes; undefined when it is not one that we wrote, or is up to date. */
export function upgraded(path: string, text: string): string | undefined {
  if (!path.startsWith(FOLDER) || !path.endsWith('/deno.json')) return undefined;
  const now = text.replaceAll(/(npm:\/?supasaasy@)[^/"]+/g, `$1${readVersion()}`);
  return now === text ? undefined : now;
}

function npmImports(): Record<string, string> {
  const version = readVersion();
  return { supasaasy: `npm:supasaasy@${version}`, 'supasaasy/': `npm:/supasaasy@${version}/` };
}

const dependenciesSchema = z.object({ dependencies: z.record(z.string(), z.string()) });

/** Every name of the package is that one file; packages that are made for Deno too are fetched in our versions. */
function vendoredImports(): Record<string, string> {
  const { dependencies } = dependenciesSchema.parse(readManifest());
  const connectors = readdirSync(new URL('dist/connectors/', packageFolder())).map(
    (name) => `supasaasy/connectors/${name}`,
  );
  const names = ['supasaasy', 'supasaasy/edge', 'supasaasy/kit', ...connectors];
  const packages = ['@supabase/supabase-js', 'pg', 'stripe'].filter((name) => dependencies[name] !== undefined);
  return Object.fromEntries([
    ...names.map((name) => [name, '../_supasaasy/supasaasy.js']),
    ...packages.map((name) => [name, `npm:${name}@${dependencies[name]}`]),
  ]);
}
