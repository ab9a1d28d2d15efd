import { Command } from 'commander';
import { nameOf } from '../../engine/fleet/problems.ts';
import { formatDuration } from '../../engine/format-duration.ts';
import { type AppStatus, readStatus, type Status } from '../../engine/status.ts';
import { RequestRefusedError } from '../../errors.ts';
import { parseJson } from '../../kit/json.ts';
import { type Door, findDoor } from '../../runtime/node/door.ts';
import { FolderInUseError } from '../../runtime/node/folder-lock.ts';
import { type Cli, type DefineCommand, EXIT, type GlobalOptions } from '../command.ts';
import { describeDoubts, describeHealth } from '../describe-health.ts';
import { withProject } from '../open.ts';
import { formatTable } from '../table.ts';

export const status: DefineCommand = (cli) =>
  new Command('status')
    .description(
      'how each app is: last runs, failures, pauses, refused deletions, inbox, schedules; the processes that work; exit code 1 when something needs a person',
    )
    .option('--json', 'print one JSON object and nothing else')
    .action(async (options: { json?: boolean }, command: Command) => {
      const found = await readAnywhere(cli, command.optsWithGlobals());
      const shown = { ...found, apps: found.apps.filter((app) => app.configured) };
      cli.exitCode = shown.status === 'ok' ? EXIT.ok : EXIT.failed;
      if (options.json === true) return cli.out.json(shown);
      cli.out.print(describeStatus(cli, shown));
    });

/** From the database itself; or, where another process has it, from that process. */
async function readAnywhere(cli: Cli, globals: GlobalOptions): Promise<Status> {
  try {
    return await withProject(cli, globals, {}, async ({ engine }) => await readStatus(engine, true));
  } catch (error) {
    const door = error instanceof FolderInUseError ? findDoor(error.folder) : undefined;
    if (door === undefined) throw error;
    return await askServer(door);
  }
}

async function askServer({ url, key }: Door): Promise<Status> {
  const response = await fetch(`${url}/status?full=true`, { headers: { authorization: `Bearer ${key}` } });
  if (response.ok) return parseJson(await response.text()) as Status;
  throw new RequestRefusedError(`the server that has the database answered ${response.status} to GET /status`);
}

function describeStatus(cli: Cli, shown: Status): string {
  const { at, apps, resources = [], processes, problems } = shown;
  const parts = apps.length === 0 ? ['No apps are configured.'] : [describeApps(shown)];
  if (apps.length > 0 && resources.length > 0)
    parts.push([describeHealth(resources, at), ...describeDoubts(resources)].join('\n'));
  if (processes.length > 0) parts.push(describeProcesses(processes, at));
  const all = [...apps.flatMap((app) => app.problems), ...problems];
  if (all.length > 0)
    parts.push(all.map(({ message, remedy }) => `${cli.out.yellow('!')} ${message}\n    ${remedy}`).join('\n'));
  return parts.join('\n\n');
}

function describeApps({ apps, at, refused }: Status): string {
  return formatTable(
    ['app', 'rows', 'last full', 'last incremental', 'inbox', 'tasks', 'last webhook', 'refused today'],
    apps.map((app) => [
      app.app_key,
      app.rows ?? 0,
      runOf(app, 'full', at),
      runOf(app, 'incremental', at),
      app.inbox.waiting,
      app.tasks.ready + app.tasks.running,
      app.last_delivery_at === null ? 'never' : ago(app.last_delivery_at, at),
      refused.filter((one) => one.app_key === app.app_key).reduce((sum, one) => sum + Number(one.count), 0),
    ]),
  );
}

function describeProcesses(processes: Status['processes'], at: string): string {
  return formatTable(
    ['process', 'state', 'version', 'since', 'last beat', 'works for', 'tasks under way'],
    processes.map((one) => [
      nameOf(one),
      one.alive ? 'alive' : 'gone',
      one.version,
      ago(one.started_at, at),
      ago(one.beat_at, at),
      one.apps.join(', ') || 'no app',
      Object.entries(one.works_on)
        .map(([app, tasks]) => `${app}: ${tasks}`)
        .join(', ') || '–',
    ]),
  );
}

function runOf(app: AppStatus, mode: 'full' | 'incremental', at: string): string {
  const run = app.runs[mode];
  return run === undefined ? 'never' : `${run.status} ${ago(run.finished_at ?? run.created_at, at)}`;
}

function ago(moment: string, now: string): string {
  return `${formatDuration(Date.parse(now) - Date.parse(moment))} ago`;
}
