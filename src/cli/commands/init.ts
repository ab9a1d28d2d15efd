import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { CONFIG_FILE } from '../../runtime/node/project.ts';
import { type DefineCommand, EXIT } from '../command.ts';

export const init: DefineCommand = (cli) =>
  new Command('init')
    .description(
      'write a configuration, .env.example and the Edge Functions into this folder; nothing that is there is touched',
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
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, text);
        written.push(path);
      }
      cli.exitCode = EXIT.ok;
      if (options.json === true) return cli.out.json({ folder, written, kept });
      for (const path of written) cli.out.print(`wrote ${path}`);
      for (const path of kept) cli.out.print(`kept ${path} (--force writes over it)`);
      cli.out.print(
        `\nNext: choose your accounts in ${CONFIG_FILE}, copy .env.example to .env and fill it in, then: npx supasaasy doctor`,
      );
    });

const PACKAGE = fileURLToPath(new URL('../../../', import.meta.url));
const FUNCTIONS = 'supabase/functions';

/** This package's own files, with its inner paths turned to how a project sees the package. */
function filesFor(folder: string): { path: string; text: string }[] {
  const read = (path: string) => readFileSync(join(PACKAGE, path), 'utf8');
  const config = read(CONFIG_FILE)
    .replaceAll(/'\.\/connectors\/([a-z0-9_-]+)\/index\.ts'/g, "'supasaasy/connectors/$1'")
    .replaceAll("'./src/index.ts'", "'supasaasy'");
  return [
    { path: CONFIG_FILE, text: config },
    { path: '.env.example', text: read('.env.example') },
    { path: '.gitignore', text: '.env\n.supasaasy/\nnode_modules/\n' },
    ...functionFiles(folder, read),
  ];
}

function functionFiles(folder: string, read: (path: string) => string): { path: string; text: string }[] {
  const root = join(PACKAGE, FUNCTIONS);
  if (!existsSync(root) || resolve(folder) === resolve(PACKAGE)) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(PACKAGE, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .map((path) => {
      // Where the installed package lies, seen from the function's folder.
      const inner = relative(join(folder, dirname(path)), PACKAGE)
        .split(sep)
        .join('/');
      const text = read(path).replaceAll(/(['"])((?:\.\.\/)+)(src|connectors)\//g, (_, quote, up, room) =>
        resolve(PACKAGE, dirname(path), up) === resolve(PACKAGE)
          ? `${quote}${inner}/${room}/`
          : `${quote}${up}${room}/`,
      );
      return { path, text };
    });
}
