import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { packageFolder, readManifest } from './package-folder.ts';

const NAME = 'supasaasy';

const manifestSchema = z.object({
  exports: z.record(z.string(), z.union([z.string(), z.object({ default: z.string() })])),
});

/**
 * The modules of this package by the names under which a configuration imports them (`supasaasy/connectors/…`), loaded
 * when they are asked for. They are this process' own: a configuration registers its connectors here, wherever it lies and
 * whatever is installed beside it.
 */
export function ownModules(): Record<string, unknown> {
  const { exports } = manifestSchema.parse(readManifest());
  const loaded = new Map<string, Promise<unknown>>();
  const fileOf = (name: string) => (name === NAME || name.startsWith(`${NAME}/`) ? entryOf(exports, name) : undefined);
  return new Proxy<Record<string, unknown>>(
    {},
    {
      has: (_, name) => typeof name === 'string' && fileOf(name) !== undefined,
      get(_, name) {
        const file = typeof name === 'string' ? fileOf(name) : undefined;
        if (file === undefined) return undefined;
        const module = loaded.get(file) ?? import(file);
        loaded.set(file, module);
        return module;
      },
    },
  );
}

/** The file behind an export; undefined when there is none. */
function entryOf(exports: z.output<typeof manifestSchema>['exports'], name: string): string | undefined {
  const path = `.${name.slice(NAME.length)}`;
  for (const [pattern, target] of Object.entries(exports)) {
    const [before = '', after] = pattern.split('*');
    const isMatch = after === undefined ? path === pattern : path.startsWith(before) && path.endsWith(after);
    if (!isMatch) continue;
    const file = (typeof target === 'string' ? target : target.default).replace('*', path.slice(before.length));
    const own = import.meta.url.endsWith('.ts') ? file.replace('./dist/', './').replace(/\.js$/, '.ts') : file;
    const url = new URL(own, packageFolder());
    return existsSync(fileURLToPath(url)) ? url.href : undefined;
  }
  return undefined;
}
