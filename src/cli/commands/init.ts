import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { CONFIG_FILE } from '../../runtime/node/load-config.ts';
import { packageFolder } from '../../runtime/node/package-folder.ts';
import { type DefineCommand, EXIT } from '../command.ts';
import { functionFiles, type ProjectFile, readVendorBundle, upgraded, VENDORED } from '../init/function-files.ts';

interface InitOptions {
  readonly force?: boolean;
  readonly vendor?: boolean;
  readonly json?: boolean;
}

export const init: DefineCommand = (cli) =>
  new Command('init')
    .description(
      'write a configuration, .env.example and a Supabase project with the Edge Functions into this folder; a file that is there is kept',
    )
    .option('--force', 'write over what is there')
    .option('--vendor', `let the functions import one bundled file (${VENDORED}) instead of the package from npm`)
    .option('--json', 'print one JSON object and nothing else')
    .action((options: InitOptions, command: Command) => {
      const { config } = command.optsWithGlobals<{ config?: string }>();
      const folder = config === undefined ? cli.cwd : dirname(resolve(cli.cwd, config));
      const written: string[] = [];
      const kept: string[] = [];
      for (const { path, text } of filesFor(folder, options.vendor === true)) {
        const file = join(folder, path);
        const current = existsSync(file) && options.force !== true ? readFileSync(file, 'utf8') : undefined;
        const next = current === undefined || path === VENDORED ? text : upgraded(path, current);
        if (next === undefined) {
          kept.push(path);
          continue;
        }
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, next);
        written.push(path);
      }
      cli.exitCode = EXIT.ok;
      if (options.json === true) return cli.out.json({ folder, written, kept });
      for (const path of written) cli.out.print(`wrote ${path}`);
      for (const path of kept) cli.out.print(`kept ${path} (--force writes over it)`);
      if (kept.includes(SUPABASE_CONFIG)) cli.out.print(MERGE_CONFIG);
      cli.out.print(
        `\nNext: choose your accounts in ${CONFIG_FILE}, copy .env.example to .env and fill it in, then: npx supasaasy doctor`,
      );
    });

const SUPABASE_CONFIG = 'supabase/config.toml';
const MERGE_CONFIG = `
${SUPABASE_CONFIG} was there: see that it has "supasaasy" in [api] schemas, and for each of webhook, sync, worker and status
  [functions.webhook]
  verify_jwt = false`;

const read = (path: string) => readFileSync(new URL(path, packageFolder()), 'utf8');

function filesFor(folder: string, isVendored: boolean): ProjectFile[] {
  const files = [
    { path: CONFIG_FILE, text: read(CONFIG_FILE) },
    { path: '.env.example', text: read('.env.example') },
    { path: '.gitignore', text: '.env\n.supasaasy/\nnode_modules/\n' },
  ];
  // The functions of this repository use its own files.
  if (resolve(folder) === resolve(fileURLToPath(packageFolder()))) return files;
  return [
    ...files,
    { path: SUPABASE_CONFIG, text: read(SUPABASE_CONFIG) },
    ...functionFiles(isVendored),
    ...(isVendored ? [{ path: VENDORED, text: readVendorBundle() }] : []),
  ];
}
