import { Command } from 'commander';
import { ConfigError } from '../../errors.ts';
import type { Project } from '../../runtime/node/project.ts';
import { migrate as applyAll } from '../../runtime/node/project.ts';
import type { DefineCommand } from '../command.ts';
import { describeDatabase, withProject } from '../open.ts';

export const migrate: DefineCommand = (cli) =>
  new Command('migrate')
    .description('bring the database up to date: tables, functions and views of the configured connectors')
    .option('--retire <deployment>', 'end what a deployment that no longer exists declared (see "supasaasy status")')
    .option('--json', 'print one JSON object and nothing else')
    .action(async (options: { retire?: string; json?: boolean }, command: Command) => {
      await withProject(cli, command.optsWithGlobals(), { access: 'ignore' }, async (project) => {
        const applied = await applyAll(project);
        const names = applied.map(({ source, name }) => `${source}/${name}`);
        if (options.retire !== undefined) await retire(project, options.retire);
        const retired = options.retire === undefined ? {} : { retired: options.retire };
        if (options.json === true) return cli.out.json({ applied: names, ...retired });
        const where = describeDatabase(project, cli.env);
        if (names.length === 0) return cli.out.print(`${where} is up to date`);
        for (const name of names) cli.out.print(`applied ${name}`);
        cli.out.print(`${where} is up to date`);
      });
    });

async function retire({ database, engine }: Project, name: string): Promise<void> {
  if (name === engine.deployment)
    throw new ConfigError(`"${name}" is this deployment itself: take out of supasaasy.config.ts what is to end`);
  if (!(await database.call<boolean>('retire_deployment', { name })))
    throw new ConfigError(`no deployment "${name}" has declared anything in this database`);
}
