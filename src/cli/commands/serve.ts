import { Command } from 'commander';
import { serve as serveEngine } from '../../runtime/node/serve.ts';
import { ADMIN_KEY_ENV, adminKeysOf } from '../admin-keys.ts';
import { type DefineCommand, EXIT } from '../command.ts';
import { describeDatabase, withProject } from '../open.ts';
import { parseCount } from '../parse.ts';
import { reportUnfit } from '../report-unfit.ts';

export const serve: DefineCommand = (cli) =>
  new Command('serve')
    .description('run as a server: webhooks and the HTTP API, the worker, and the schedules, until Ctrl-C')
    .option(
      '--port <number>',
      'where HTTP is served (0: any free port); default: PORT, or 8787',
      parseCount,
      Number(cli.env['PORT'] || 8787),
    )
    .option('--host <address>', 'the address to listen on (0.0.0.0: every one)', '127.0.0.1')
    .option('--json', 'print one JSON object when ready, and nothing else')
    .action(async (options: { port: number; host: string; json?: boolean }, command: Command) => {
      const signal = cli.interruptible();
      await withProject(cli, command.optsWithGlobals(), { access: 'work' }, async (project) => {
        const adminKeys = adminKeysOf(cli.env);
        reportUnfit(cli, project, true);
        await project.engine.declare();
        if (adminKeys.length === 0)
          cli.out.note(`${ADMIN_KEY_ENV} is not set: the admin routes are closed, webhooks are open`);
        await serveEngine(project, {
          port: options.port,
          host: options.host,
          adminKeys: () => adminKeys,
          signal,
          onListening: (url) => {
            if (options.json === true) return cli.out.json({ status: 'listening', url });
            cli.out.print(`listening on ${url}, mirroring into ${describeDatabase(project, cli.env)}`);
            for (const key of project.engine.apps.keys())
              cli.out.print(`  webhooks of ${key}: POST ${url}/webhook/${key}`);
            for (const { name, source } of project.config.consumers)
              cli.out.print(`  consumer ${name} reads ${source.name}`);
          },
        });
      });
      // Stopped as it was meant to be: a service manager sees success.
      cli.exitCode = EXIT.ok;
    });
