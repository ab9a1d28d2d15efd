import { join } from 'node:path';
import { Command } from 'commander';
import type { Config } from '../../config.ts';
import { ConfigError } from '../../errors.ts';
import { assertFolderFree } from '../../runtime/node/folder-lock.ts';
import { loadConfig } from '../../runtime/node/load-config.ts';
import { databaseUrl, type Project } from '../../runtime/node/project.ts';
import { serve } from '../../runtime/node/serve.ts';
import { adminKeysOf } from '../admin-keys.ts';
import { type Cli, type DefineCommand, EXIT, type GlobalOptions } from '../command.ts';
import { type Demo, keepApps, startDemo, withEmulated } from '../demo.ts';
import { firstSync } from '../first-sync.ts';
import { demoDirOf, describeDatabase, locate, type OpenOptions, withProject } from '../open.ts';
import { parseCount } from '../parse.ts';
import { createProgress } from '../progress.ts';
import { showArrival, showExample } from '../tell.ts';
import { watchChanges } from '../watch-changes.ts';

interface StartOptions {
  readonly once?: boolean;
  readonly port: number;
  readonly host: string;
}

const CHANGES_PER_SECOND = 2;

export const start: DefineCommand = (cli) =>
  new Command('start')
    .description(
      'mirror the accounts whose keys are in .env, and keep the mirror live; without any key, a demo with emulated accounts',
    )
    .option('--once', 'end after the sync')
    .option('--port <number>', 'where HTTP is served (0: any free port)', parseCount, Number(cli.env['PORT'] || 8787))
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .action(async (options: StartOptions, command: Command) => {
      const signal = cli.interruptible();
      const globals = command.optsWithGlobals<GlobalOptions>();
      const place = locate(cli, globals, true);
      const { configFile, folder } = place;
      const config = await loadConfig(configFile);
      const withKeys = config.apps.filter((app) => cli.env[app.apiKeyEnv]);
      if (withKeys.length > 0) {
        for (const app of config.apps.filter((each) => !withKeys.includes(each)))
          cli.out.note(`${app.app_key} is left out: ${app.apiKeyEnv} is not set`);
        return await run(cli, globals, options, signal, { config: keepApps(config, withKeys), place }, undefined);
      }
      if (config.apps.length === 0) throw new ConfigError(`${configFile} declares no apps: add one to "apps"`);
      cli.out.print(cli.out.bold('No keys in .env: this is a demo with emulated accounts.\n'));
      if (databaseUrl(cli.env) !== undefined)
        cli.out.print('The database of DATABASE_URL is not touched: the demo has an embedded one of its own.\n');
      assertFolderFree(join(demoDirOf(folder), 'pglite'));
      const demo = await startDemo(demoDirOf(folder));
      try {
        const emulated = withEmulated(config, cli.env, demo.accounts);
        if (emulated.config.apps.length === 0) throw new ConfigError(missingKeys(config));
        const open: OpenOptions = { ...emulated, place, dataDir: join(demoDirOf(folder), 'pglite') };
        await run(cli, globals, options, signal, open, demo);
      } finally {
        demo.stop();
      }
    });

function missingKeys(config: Config): string {
  const names = config.apps.map((app) => app.apiKeyEnv).join(', ');
  return `no app has its key (${names}), and there is no emulated account for them: put a key into .env`;
}

async function run(
  cli: Cli,
  globals: GlobalOptions,
  options: StartOptions,
  signal: AbortSignal,
  open: OpenOptions,
  demo: Demo | undefined,
): Promise<void> {
  const progress = createProgress(cli.out);
  await withProject(cli, globals, { ...open, access: 'install', onPage: progress.onPage }, async (project) => {
    cli.out.print(`Mirroring into ${describeDatabase(project, cli.env)}.\n`);
    if (demo === undefined && project.dataDir === undefined) await refuseOldDemo(project);
    const mirror = () => firstSync(cli, project, progress, demo, signal).finally(progress.stop);
    if (options.once === true) {
      const ok = await mirror();
      if (signal.aborted) return;
      await showArrival(cli, project);
      await showExample(cli, project, demo);
      cli.exitCode = ok ? EXIT.ok : EXIT.failed;
      return;
    }
    // From the beginning: a first sync may take hours, and what a provider delivers meanwhile is not to be lost.
    let letSchedulesStart = () => {};
    const mirrored = new Promise<void>((resolve) => {
      letSchedulesStart = resolve;
    });
    const server = await listen(cli, project, options, signal, mirrored);
    try {
      cli.out.note(`listening on ${server.url}; webhooks are taken while the first sync runs`);
      await mirror();
      if (signal.aborted) return;
      letSchedulesStart();
      await showArrival(cli, project);
      await tellNext(cli, project, demo, server.url);
      const watch = watchChanges(cli, project, signal);
      watch.begin();
      await server.ended;
      await watch.ended();
      // Ctrl-C is how it is meant to end.
      cli.exitCode = EXIT.ok;
    } finally {
      await server.stop();
    }
  });
}

interface Listening {
  readonly url: string;
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Resolves when HTTP is served; rejects when it cannot be (the port is in use). */
function listen(
  cli: Cli,
  project: Project,
  options: StartOptions,
  outer: AbortSignal,
  schedulesAfter: Promise<void>,
): Promise<Listening> {
  const adminKeys = adminKeysOf(cli.env);
  const controller = new AbortController();
  return new Promise((resolve, reject) => {
    const ended = serve(project, {
      port: options.port,
      host: options.host,
      adminKeys: () => adminKeys,
      signal: AbortSignal.any([outer, controller.signal]),
      schedulesAfter,
      onListening: (url) =>
        resolve({
          url,
          ended,
          stop() {
            controller.abort();
            return ended;
          },
        }),
    });
    ended.catch(reject);
  });
}

/** What runs now, and what comes next. */
async function tellNext(cli: Cli, project: Project, demo: Demo | undefined, url: string): Promise<void> {
  const { out } = cli;
  await showExample(cli, project, demo);
  out.print(`\n${out.bold('Live')} on ${out.bold(url)}`);
  for (const app of project.config.apps) {
    out.print(`  webhooks of ${app.app_key}: POST ${url}/webhook/${app.app_key}`);
    const account = demo?.accounts.find((each) => each.name === app.connector.metadata.name);
    if (account !== undefined) await demo?.comeAlive(account, `${url}/webhook/${app.app_key}`, CHANGES_PER_SECOND);
  }
  const enabled = project.config.schedules.filter((schedule) => schedule.enabled);
  if (enabled.length > 0)
    out.print(`  schedules: ${enabled.map(({ app_key, mode, cron }) => `${app_key} ${mode} "${cron}"`).join(', ')}`);
  if (demo === undefined) {
    out.print(
      `\n${out.bold('Next:')} npx supasaasy doctor shows what is missing (webhooks, secrets, schedules). Ctrl-C ends.\n`,
    );
    return;
  }
  for (const { name, url: origin } of demo.accounts)
    out.print(`  emulated ${name}: ${origin} changes twice a second and delivers signed webhooks`);
  const names = project.config.apps.map((app) => app.apiKeyEnv).join(' or ');
  out.print(
    `\n${out.bold('Next:')} copy .env.example to .env, put in ${names}, and start again: your accounts instead of these. Ctrl-C ends.\n`,
  );
}

/** An older version let the demo write into the database of DATABASE_URL: real accounts are not mirrored beside it. */
async function refuseOldDemo({ database }: Project): Promise<void> {
  const [row] = await database.query<{ demo: boolean }>(
    `select exists (select 1 from supasaasy.settings where key = 'demo') as demo`,
  );
  if (row?.demo === true)
    throw new ConfigError(
      'the database of DATABASE_URL holds the demo: use another one for real accounts, or empty it with "drop schema supasaasy cascade"',
    );
}
