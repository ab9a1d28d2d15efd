import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { packageFolder, readManifest, readVersion } from '../../runtime/node/package-folder.ts';

export const readVendorBundle = (): string =>
  readFileSync(new URL('dist/vendor/supasaasy.js', packageFolder()), 'utf8');

/** What the functions import under the names of this package: it from npm, or (`isVendored`) one file. */
export function functionImports(isVendored: boolean): Record<string, string> {
  if (isVendored) return vendoredImports();
  const version = readVersion();
  return { supasaasy: `npm:supasaasy@${version}`, 'supasaasy/': `npm:/supasaasy@${version}/` };
}

const dependenciesSchema = z.object({ dependencies: z.record(z.string(), z.string()) });

/** Every name of the package is that one file; packages that the bundle leaves out are fetched in our versions. */
function vendoredImports(): Record<string, string> {
  const { dependencies } = dependenciesSchema.parse(readManifest());
  const connectors = readdirSync(new URL('dist/connectors/', packageFolder())).map(
    (name) => `supasaasy/connectors/${name}`,
  );
  const names = ['supasaasy', 'supasaasy/edge', 'supasaasy/kit', ...connectors];
  const bundle = readVendorBundle();
  const packages = Object.keys(dependencies).filter(
    (name) => bundle.includes(`from "${name}"`) || bundle.includes(`import("${name}")`),
  );
  return Object.fromEntries([
    ...names.map((name) => [name, '../_supasaasy/supasaasy.js']),
    ...packages.map((name) => [name, `npm:${name}@${dependencies[name]}`]),
  ]);
}
