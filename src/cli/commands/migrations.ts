import { dirname, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { loadConfig } from '../../runtime/node/load-config.ts';
import { MIGRATIONS_FOLDER, writeMigrations } from '../../runtime/supabase/write-migrations.ts';
import type { DefineCommand } from '../command.ts';
import { locate } from '../open.ts';

export const migrations: DefineCommand = (cli) =>
  new Command('migrations')
    .description(
      `assemble one SQL file for the Supabase CLI into ${MIGRATIONS_FOLDER}/: what is new since the files there`,
    )
    .option('--folder <folder>', `where the files lie (default: ${MIGRATIONS_FOLDER} beside the configuration)`)
    .option('--json', 'print one JSON object and nothing else')
    .action(async (options: { folder?: string; json?: boolean }, command: Command) => {
      const { configFile } = locate(cli, command.optsWithGlobals());
      const folder =
        options.folder === undefined
          ? resolve(dirname(configFile), MIGRATIONS_FOLDER)
          : resolve(cli.cwd, options.folder);
      const assembly = await writeMigrations(await loadConfig(configFile), folder);
      const file = resolve(folder, assembly.state === 'new' ? assembly.file.name : assembly.latest);
      const contains = assembly.state === 'new' ? assembly.contains.map(({ source, name }) => `${source}/${name}`) : [];
      if (options.json === true) return cli.out.json({ state: assembly.state, file, contains });
      const shown = relative(cli.cwd, file);
      cli.out.print(
        assembly.state === 'new'
          ? `${shown} (${contains.length} migrations); next: supabase db push`
          : `nothing has changed since ${shown}: no new file`,
      );
    });
