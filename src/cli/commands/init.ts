import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { CONFIG_FILE } from '../../runtime/node/load-config.ts';
import { packageFolder } from '../../runtime/node/package-folder.ts';
import { type DefineCommand, EXIT } from '../command.ts';
import {
  assertNoCollision,
  denoText,
  FUNCTION_NAMES,
  FUNCTIONS,
  indexText,
  MANIFEST,
  type Manifest,
  readManifest,
  VENDORED,
} from '../edge-functions.ts';
import { functionImports, readVendorBundle } from '../init/function-imports.ts';

interface ProjectFile {
  readonly path: string;
  readonly text: string;
}

export const init: DefineCommand = (cli) =>
  new Command('init')
    .description(
      'write a configuration, .env.example and a Supabase project with the Edge Functions into this folder; again after an upgrade, it renews the functions and keeps everything else',
    )
    .option(
      '--prefix <text>',
      'before the names of the functions, where a project has a "webhook" of its own',
      parsePrefix,
    )
    .option('--vendor', `let the functions import one bundled file (${VENDORED}) instead of the package from npm`)
    .option('--no-vendor', 'let them import the package from npm again')
    .option('--force', 'write over the configuration, .env.example, .gitignore and supabase/config.toml too')
    .option('--json', 'print one JSON object and nothing else')
    .action((options: { force?: boolean; json?: boolean; prefix?: string; vendor?: boolean }, command: Command) => {
      const { config } = command.optsWithGlobals<{ config?: string }>();
      const folder = config === undefined ? cli.cwd : dirname(resolve(cli.cwd, config));
      const before = readManifest(folder);
      const prefix = options.prefix ?? before?.prefix ?? '';
      const vendored = options.vendor ?? before?.vendored ?? false;
      const inPackage = isPackage(folder);
      if (!inPackage) assertNoCollision(folder, prefix);
      const written: string[] = [];
      const kept: string[] = [];
      for (const { path, text } of projectFiles(inPackage, prefix)) {
        const file = join(folder, path);
        if (existsSync(file) && options.force !== true) {
          kept.push(path);
          continue;
        }
        write(file, text);
        written.push(path);
      }
      const renewed = inPackage ? [] : writeFunctions(folder, prefix, vendored, before);
      cli.exitCode = EXIT.ok;
      if (options.json === true) return cli.out.json({ folder, prefix, vendored, written, renewed, kept });
      for (const path of [...written, ...renewed]) cli.out.print(`wrote ${path}`);
      for (const path of kept) cli.out.print(`kept ${path} (--force writes over it)`);
      if (kept.includes('.gitignore')) cli.out.print('\n.gitignore was there: see that it has .env and .supasaasy/');
      if (kept.includes(SUPABASE_CONFIG)) cli.out.print(mergeConfig(prefix));
      if (prefix !== '')
        cli.out.print(
          `\nThe functions are ${FUNCTION_NAMES.map((name) => prefix + name).join(', ')}. So that pg_cron calls them, once:\n  select vault.create_secret('${prefix}', 'supasaasy_function_prefix');`,
        );
      cli.out.print(
        `\nNext: choose your accounts in ${CONFIG_FILE}, copy .env.example to .env and fill it in, then: npx supasaasy doctor`,
      );
    });

const SUPABASE_CONFIG = 'supabase/config.toml';
const mergeConfig = (prefix: string) => `
${SUPABASE_CONFIG} was there: see that it has "supasaasy" in [api] schemas, and for each of ${FUNCTION_NAMES.map((name) => prefix + name).join(', ')}
  [functions.${prefix}webhook]
  verify_jwt = false`;

const isPackage = (folder: string) => resolve(folder) === resolve(fileURLToPath(packageFolder()));
const read = (path: string) => readFileSync(new URL(path, packageFolder()), 'utf8');

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** What is the project's from then on. */
function projectFiles(inPackage: boolean, prefix: string): ProjectFile[] {
  const files = [
    { path: CONFIG_FILE, text: read(CONFIG_FILE) },
    { path: '.env.example', text: read('.env.example') },
    { path: '.gitignore', text: '.env\n.supasaasy/\nnode_modules/\n' },
  ];
  if (inPackage) return files;
  const toml = read(SUPABASE_CONFIG).replaceAll('[functions.', `[functions.${prefix}`);
  return [...files, { path: SUPABASE_CONFIG, text: toml }];
}

/** The functions, whole, and what the next `init` is to know of them. */
function writeFunctions(folder: string, prefix: string, vendored: boolean, before: Manifest | undefined): string[] {
  const imports = functionImports(vendored);
  const paths = FUNCTION_NAMES.flatMap((name) => {
    const [index, deno] = [`${FUNCTIONS}/${prefix}${name}/index.ts`, `${FUNCTIONS}/${prefix}${name}/deno.json`];
    const there = existsSync(join(folder, deno)) ? readFileSync(join(folder, deno), 'utf8') : undefined;
    write(join(folder, deno), denoText(imports, there, before));
    write(join(folder, index), indexText(name, prefix));
    return [index, deno];
  });
  const manifest: Manifest = { prefix, vendored, imports: Object.keys(imports) };
  write(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  if (!vendored) return paths;
  write(join(folder, VENDORED), readVendorBundle());
  return [...paths, VENDORED];
}

function parsePrefix(text: string): string {
  if (!/^([a-z][a-z0-9_-]{0,30})?$/.test(text))
    throw new InvalidArgumentError('must begin with a letter and have only a-z, 0-9, - and _, like "supasaasy-"');
  return text;
}
