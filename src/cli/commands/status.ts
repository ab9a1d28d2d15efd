import { Command } from 'commander';
import { problemsOf } from '../app-problems.ts';
import { type DefineCommand, EXIT } from '../command.ts';
import { describeHealth } from '../describe-health.ts';
import { withProject } from '../open.ts';
import { type AppStatus, readStatus } from '../read-status.ts';
import { formatDuration, formatTable } from '../table.ts';

export const status: DefineCommand = (cli) =>
  new Command('status')
    .description(
      'how each app is: last runs, failures, pauses, refused deletions, inbox, schedules; exit code 1 when something needs a person',
    )
    .option('--json', 'print one JSON object and nothing else')
    .action(async (options: { json?: boolean }, command: Command) => {
      await withProject(cli, command.optsWithGlobals(), {}, async ({ engine, database }) => {
        const { at, apps } = await readStatus(engine.store);
        const resources = await engine.proof.health();
        const rows = await database.query<{ app_key: string; living: string }>(
          'select app_key, count(*) as living from supasaasy.entities where deleted_at is null group by 1',
        );
        const told = apps
          .filter((app) => app.configured)
          .map((app) => ({
            ...app,
            rows: Number(rows.find((row) => row.app_key === app.app_key)?.living ?? 0),
            problems: problemsOf(app),
          }));
        const problems = told.flatMap((app) => app.problems);
        cli.exitCode = problems.length === 0 ? EXIT.ok : EXIT.failed;
        if (options.json === true)
          return cli.out.json({ at, status: problems.length === 0 ? 'ok' : 'attention', apps: told, resources });
        if (told.length === 0) return cli.out.print('No apps are configured.');
        cli.out.print(
          formatTable(
            ['app', 'rows', 'last full', 'last incremental', 'inbox', 'tasks', 'last webhook'],
            told.map((app) => [
              app.app_key,
              app.rows,
              runOf(app, 'full', at),
              runOf(app, 'incremental', at),
              app.inbox.waiting,
              app.tasks.ready + app.tasks.running,
              app.last_delivery_at === null ? 'never' : ago(app.last_delivery_at, at),
            ]),
          ),
        );
        if (resources.length > 0) cli.out.print(`\n${describeHealth(resources, at)}`);
        if (problems.length > 0)
          cli.out.print(
            `\n${problems.map(({ message, remedy }) => `${cli.out.yellow('!')} ${message}\n    ${remedy}`).join('\n')}`,
          );
      });
    });

function runOf(app: AppStatus, mode: 'full' | 'incremental', at: string): string {
  const run = app.runs[mode];
  return run === undefined ? 'never' : `${run.status} ${ago(run.finished_at ?? run.created_at, at)}`;
}

function ago(moment: string, now: string): string {
  return `${formatDuration(Date.parse(now) - Date.parse(moment))} ago`;
}
