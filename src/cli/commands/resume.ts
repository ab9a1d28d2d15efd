import { Command } from 'commander';
import type { DefineCommand } from '../command.ts';
import { withProject } from '../open.ts';

export const resume: DefineCommand = (cli) =>
  new Command('resume')
    .description('let a paused app go on, once the reason of the pause is mended (a refused key, a missing secret)')
    .argument('<app_key>', 'the app, as supasaasy.config.ts names it')
    .option('--json', 'print one JSON object and nothing else')
    .action(async (appKey: string, options: { json?: boolean }, command: Command) => {
      await withProject(cli, command.optsWithGlobals(), {}, async ({ engine }) => {
        engine.app(appKey);
        const resumed = await engine.store.resumeApp(appKey);
        if (options.json === true) return cli.out.json({ app_key: appKey, resumed });
        cli.out.print(
          resumed
            ? `${appKey} goes on; "supasaasy sync ${appKey}" fetches what it missed now, a schedule does at its time`
            : `${appKey} was not paused`,
        );
      });
    });
