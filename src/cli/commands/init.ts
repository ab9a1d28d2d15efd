import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { CONFIG_FILE } from '../../runtime/node/project.ts';
import { type DefineCommand, EXIT } from '../command.ts';
import {
  assertNoCollision,
  COPY,
  denoText,
  FUNCTION_NAMES,
  FUNCTIONS,
  importsOf,
  indexText,
  MANIFEST,
  type Manifest,
  readManifest,
} from '../edge-functions.ts';

interface ProjectFile {
  readonly path: string;
  readonly text: string;
}

export const init: DefineCommand = (cli) =>
  new Command('init')
    .description(
      'write a configuration, .env.example and a Supabase project with the Edge Functions into this folder; again after an upgrade, it renews the functions and their copy of the engine and keeps everything else',
    )
    .option(
      '--prefix <text>',
      'before the names of the functions, where a project has a "webhook" of its own',
      parsePrefix,
    )
    .option('--force', 'write over the configuration, .env.example, .gitignore and supabase/config.toml too')
    .option('--json', 'print one JSON object and nothing else')
    .action((options: { force?: boolean; json?: boolean; prefix?: string }, command: Command) => {
      const { config } = command.optsWithGlobals<{ config?: string }>();
      const folder = config === undefined ? cli.cwd : dirname(resolve(cli.cwd, config));
      const before = readManifest(folder);
      const prefix = options.prefix ?? before?.prefix ?? '';
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
      const copied = inPackage ? 0 : copyEngine(folder);
      const renewed = inPackage ? [] : writeFunctions(folder, prefix, before);
      cli.exitCode = EXIT.ok;
      if (options.json === true) return cli.out.json({ folder, prefix, written, renewed, kept, copied });
      for (const path of [...written, ...renewed]) cli.out.print(`wrote ${path}`);
      for (const path of kept) cli.out.print(`kept ${path} (--force writes over it)`);
      if (copied > 0)
        cli.out.print(`wrote ${COPY}/ (${copied} files of this version: after an upgrade, run init again)`);
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

const PACKAGE = fileURLToPath(new URL('../../../', import.meta.url));
const SUPABASE_CONFIG = 'supabase/config.toml';
/** What functions are made of, and what lies beside it. */
const COPIED = /^(?:connectors|src)\/(?!cli\/|testing\/|runtime\/nats\/).*\.ts$/;
const mergeConfig = (prefix: string) => `
${SUPABASE_CONFIG} was there: see that it has "supasaasy" in [api] schemas, and for each of ${FUNCTION_NAMES.map((name) => prefix + name).join(', ')}
  [functions.${prefix}webhook]
  verify_jwt = false`;

const isPackage = (folder: string) => resolve(folder) === resolve(PACKAGE);
const read = (path: string) => readFileSync(join(PACKAGE, path), 'utf8');

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** What is the project's from then on, with the package's inner paths turned to how a project sees the package. */
function projectFiles(inPackage: boolean, prefix: string): ProjectFile[] {
  const config = read(CONFIG_FILE)
    .replaceAll(/'\.\/connectors\/([a-z0-9_-]+)\/index\.ts'/g, "'supasaasy/connectors/$1'")
    // Not 'supasaasy': the Supabase CLI takes a key of the import map for a prefix.
    .replaceAll("'./src/index.ts'", "'supasaasy/config'");
  const files = [
    { path: CONFIG_FILE, text: config },
    { path: '.env.example', text: read('.env.example') },
    { path: '.gitignore', text: '.env\n.supasaasy/\nnode_modules/\n' },
  ];
  if (inPackage) return files;
  const toml = read(SUPABASE_CONFIG).replaceAll('[functions.', `[functions.${prefix}`);
  return [...files, { path: SUPABASE_CONFIG, text: toml }];
}

/** The functions, whole, and what the next `init` is to know of them. */
function writeFunctions(folder: string, prefix: string, before: Manifest | undefined): string[] {
  const imports = new Set<string>();
  const paths = FUNCTION_NAMES.flatMap((name) => {
    const [index, deno] = [`${FUNCTIONS}/${prefix}${name}/index.ts`, `${FUNCTIONS}/${prefix}${name}/deno.json`];
    const own = read(`${FUNCTIONS}/${name}/deno.json`);
    const there = existsSync(join(folder, deno)) ? readFileSync(join(folder, deno), 'utf8') : undefined;
    for (const key of importsOf(own)) imports.add(key);
    write(join(folder, deno), denoText(own, there, before));
    write(join(folder, index), indexText(read(`${FUNCTIONS}/${name}/index.ts`), name, prefix));
    return [index, deno];
  });
  const manifest: Manifest = { prefix, imports: [...imports] };
  write(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  return paths;
}

/** Anew each time: what an older version had and this one has not is gone. Returns how many files there are. */
function copyEngine(folder: string): number {
  const files = [...listFiles('src'), ...listFiles('connectors')].filter((path) => COPIED.test(path));
  rmSync(join(folder, COPY), { recursive: true, force: true });
  for (const path of files) write(join(folder, COPY, path), read(path));
  return files.length;
}

/** Paths below a folder of the package, with slashes. */
function listFiles(root: string): string[] {
  return readdirSync(join(PACKAGE, root), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(PACKAGE, join(entry.parentPath, entry.name)).split(sep).join('/'));
}

function parsePrefix(text: string): string {
  if (!/^([a-z][a-z0-9_-]{0,30})?$/.test(text))
    throw new InvalidArgumentError('must begin with a letter and have only a-z, 0-9, - and _, like "supasaasy-"');
  return text;
}
