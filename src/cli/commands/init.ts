import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { CONFIG_FILE } from '../../runtime/node/load-config.ts';
import { PACKAGE as PACKAGE_URL } from '../../runtime/node/package-folder.ts';
import { type DefineCommand, EXIT } from '../command.ts';

interface ProjectFile {
  readonly path: string;
  readonly text: string;
}

export const init: DefineCommand = (cli) =>
  new Command('init')
    .description(
      'write a configuration, .env.example and a Supabase project with the Edge Functions into this folder; of what is there, only the copy of the engine is touched',
    )
    .option('--force', 'write over what is there')
    .option('--json', 'print one JSON object and nothing else')
    .action((options: { force?: boolean; json?: boolean }, command: Command) => {
      const { config } = command.optsWithGlobals<{ config?: string }>();
      const folder = config === undefined ? cli.cwd : dirname(resolve(cli.cwd, config));
      const written: string[] = [];
      const kept: string[] = [];
      for (const { path, text } of filesFor(folder)) {
        const file = join(folder, path);
        if (existsSync(file) && options.force !== true) {
          kept.push(path);
          continue;
        }
        write(file, text);
        written.push(path);
      }
      const copied = isPackage(folder) ? 0 : copyEngine(folder);
      cli.exitCode = EXIT.ok;
      if (options.json === true) return cli.out.json({ folder, written, kept, copied });
      for (const path of written) cli.out.print(`wrote ${path}`);
      for (const path of kept) cli.out.print(`kept ${path} (--force writes over it)`);
      if (copied > 0)
        cli.out.print(`wrote ${COPY}/ (${copied} files of this version: after an upgrade, run init again)`);
      if (kept.includes(SUPABASE_CONFIG)) cli.out.print(MERGE_CONFIG);
      cli.out.print(
        `\nNext: choose your accounts in ${CONFIG_FILE}, copy .env.example to .env and fill it in, then: npx supasaasy doctor`,
      );
    });

const PACKAGE = fileURLToPath(PACKAGE_URL);
const FUNCTIONS = 'supabase/functions';
const SUPABASE_CONFIG = 'supabase/config.toml';
/** Deno runs no TypeScript that lies in node_modules, so the functions have a copy. The CLI deploys no `_folder` as a function. */
const COPY = `${FUNCTIONS}/_supasaasy`;
/** What functions are made of, and what lies beside it. */
const COPIED = /^(?:connectors|src)\/(?!cli\/|testing\/|runtime\/nats\/).*\.ts$/;
const MERGE_CONFIG = `
${SUPABASE_CONFIG} was there: see that it has "supasaasy" in [api] schemas, and for each of webhook, sync, worker and status
  [functions.webhook]
  verify_jwt = false`;

const isPackage = (folder: string) => resolve(folder) === resolve(PACKAGE);
const read = (path: string) => readFileSync(join(PACKAGE, path), 'utf8');

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** This package's own files, with its inner paths turned to how a project sees the package. */
function filesFor(folder: string): ProjectFile[] {
  const config = read(CONFIG_FILE)
    .replaceAll(/'\.\/connectors\/([a-z0-9_-]+)\/index\.ts'/g, "'supasaasy/connectors/$1'")
    // Not 'supasaasy': the Supabase CLI takes a key of the import map for a prefix.
    .replaceAll("'./src/index.ts'", "'supasaasy/config'");
  const files = [
    { path: CONFIG_FILE, text: config },
    { path: '.env.example', text: read('.env.example') },
    { path: '.gitignore', text: '.env\n.supasaasy/\nnode_modules/\n' },
  ];
  if (isPackage(folder)) return files;
  const functions = listFiles(FUNCTIONS).map((path) => ({
    path,
    text: read(path).replaceAll(/(['"])\.\.\/\.\.\/\.\.\/(src|connectors)\//g, '$1../_supasaasy/$2/'),
  }));
  return [...files, { path: SUPABASE_CONFIG, text: read(SUPABASE_CONFIG) }, ...functions];
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
