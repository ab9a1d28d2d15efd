import { Command } from 'commander';
import { migrate as applyAll } from '../../runtime/node/project.ts';
import type { DefineCommand } from '../command.ts';
import { describeDatabase, withProject } from '../open.ts';

export const migrate: DefineCommand = (cli) =>
  new Command('migrate')
    .description('bring the database up to date: tables, functions and views of the configured connectors')
    .option('--json', 'print one JSON object and nothing else')
    .action(async (options: { json?: boolean }, command: Command) => {
      await withProject(cli, command.optsWithGlobals(), { migrations: 'ignore' }, async (project) => {
        const applied = await applyAll(project.config, project.database);
        const names = applied.map(({ source, name }) => `${source}/${name}`);
        if (options.json === true) return cli.out.json({ applied: names });
        const where = describeDatabase(project, cli.env);
        if (names.length === 0) return cli.out.print(`${where} is up to date`);
        for (const name of names) cli.out.print(`applied ${name}`);
        cli.out.print(`${where} is up to date`);
      });
    });
