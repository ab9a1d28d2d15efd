import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import type { Cli, DefineCommand } from '../../src/cli/command.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FOLDERS = ['src', 'connectors', 'docs'];

/** Every command of the command line, by its name. */
async function commands(): Promise<ReadonlyMap<string, Command>> {
  const folder = join(ROOT, 'src/cli/commands');
  const cli = { env: {}, cwd: ROOT } as Cli;
  const made = new Map<string, Command>();
  for (const file of readdirSync(folder)) {
    const module = (await import(join(folder, file))) as Record<string, unknown>;
    const name = file.replace('.ts', '');
    const define = module[name];
    if (typeof define === 'function') made.set(name, (define as DefineCommand)(cli));
  }
  return made;
}

interface Mention {
  readonly file: string;
  readonly words: readonly string[];
}

/** Each `supasaasy <command> …` in messages, remedies and documents, up to the end of its quotation. */
function mentions(): Mention[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|sql|md)$/.test(file))
      .flatMap((file) => {
        const text = readFileSync(join(ROOT, folder, file), 'utf8');
        // An expression in a template stands for one word.
        const plain = text.replaceAll(/\$\{[^{}]*\}/g, 'X').replaceAll('%s', 'X');
        return [...plain.matchAll(/(?<![\w/@.'"-])supasaasy ((?:[a-z-]+)(?: +(?:<[^>]*>|[^\s"'`;:,()|#\\]+))*)/g)].map(
          ([, rest = '']) => ({ file: join(folder, file), words: rest.split(/ +/) }),
        );
      }),
  );
}

it('C33: each command that a message or a document names exists, with the options that are named', async () => {
  const known = await commands();
  expect(known.size).toBeGreaterThan(15);
  const mistakes: string[] = [];
  let seen = 0;
  for (const { file, words } of mentions()) {
    const [name = '', ...rest] = words;
    let command = known.get(name);
    // Prose: "a second supasaasy process".
    if (command === undefined) continue;
    seen += 1;
    const sub = command.commands.find((each) => each.name() === rest[0]);
    if (sub !== undefined) command = sub;
    else if (command.commands.length > 0 && rest[0] !== undefined && /^[a-z-]+$/.test(rest[0]))
      mistakes.push(`${file}: supasaasy ${words.join(' ')}: "${name}" has no command "${rest[0]}"`);
    const options = new Set(
      [command, ...(sub === undefined ? [] : [known.get(name) as Command])].flatMap((each) =>
        each.options.flatMap(({ long, short }) => [long, short]),
      ),
    );
    for (const word of rest.filter((each) => /^--[a-z]/.test(each))) {
      const option = word.replace(/[^a-z-].*$/, '');
      if (!options.has(option) && !['--config', '--verbose', '--help', '--version'].includes(option))
        mistakes.push(`${file}: supasaasy ${words.join(' ')}: no option ${option}`);
    }
  }
  expect(seen).toBeGreaterThan(40);
  expect(mistakes).toEqual([]);
});
