import { join } from 'node:path';
import { build } from 'esbuild';
import { listFolders } from '../check/files.ts';

/** Everything that Edge Functions import from this package, under each of its names, in one file. */
export const VENDOR_BUNDLE = 'dist/vendor/supasaasy.js';

/** Not in the bundle: the functions' `deno.json` names them, and Deno fetches what was made for it. */
export const VENDOR_PACKAGES = ['@supabase/supabase-js', 'pg', 'stripe'] as const;

export async function writeVendorBundle(root: string, out = root): Promise<void> {
  const connectors = listFolders(join(root, 'connectors')).map((name) => `./connectors/${name}/index.js`);
  const modules = ['./src/index.js', './src/kit/index.js', './src/runtime/edge/index.js', ...connectors];
  await build({
    stdin: {
      contents: modules.map((file) => `export * from '${file}';`).join('\n'),
      resolveDir: join(out, 'dist'),
    },
    outfile: join(out, VENDOR_BUNDLE),
    nodePaths: [join(root, 'node_modules')],
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2023',
    mainFields: ['module', 'main'],
    external: ['node:*', ...VENDOR_PACKAGES],
    // Errors are told by their names.
    keepNames: true,
    legalComments: 'inline',
    logLevel: 'warning',
  });
}
