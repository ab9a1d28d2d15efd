import { Command } from 'commander';
import { ask } from '../../engine/sync/ask.ts';
import type { Project } from '../../runtime/node/project.ts';
import type { DefineCommand } from '../command.ts';
import { withProject } from '../open.ts';

export const resume: DefineCommand = (cli) =>
  new Command('resume')
    .description('let a paused app go on, once the reason of the pause is mended (a refused key, a missing secret)')
    .argument('<app_key>', 'the app, as supasaasy.config.ts names it')
    .option('--accept-account', 'let the app mirror the account that its key belongs to, in place of the former one')
    .option('--json', 'print one JSON object and nothing else')
    .action(async (appKey: string, options: { acceptAccount?: boolean; json?: boolean }, command: Command) => {
      const signal = cli.interruptible();
      await withProject(cli, command.optsWithGlobals(), {}, async (project) => {
        const { store } = project.engine;
        project.engine.app(appKey).account();
        const changed = options.acceptAccount === true ? await acceptAccount(project, appKey, signal) : undefined;
        const resumed = await store.resumeApp(appKey);
        if (options.json === true) return cli.out.json({ app_key: appKey, resumed, ...changed });
        if (changed !== undefined) return cli.out.print(describeChange(appKey, changed));
        cli.out.print(
          resumed
            ? `${appKey} goes on; "supasaasy sync ${appKey}" fetches what it missed now, a schedule does at its time`
            : `${appKey} was not paused`,
        );
      });
    });

interface ChangedAccount {
  /** Null: the provider does not tell. */
  readonly account: string | null;
  readonly former: string | null;
}

async function acceptAccount({ engine }: Project, appKey: string, signal: AbortSignal): Promise<ChangedAccount> {
  const app = engine.app(appKey);
  const { shown = null } = await engine.accounts.look(app, (request) => ask(app, request, engine.ports, signal));
  return { account: shown, former: await engine.store.changeAccount(appKey, shown) };
}

function describeChange(appKey: string, { account, former }: ChangedAccount): string {
  if (account !== null && account === former) return `${appKey} mirrors ${account}, as before`;
  const now = `${appKey} mirrors ${account ?? 'whichever account its key shows next'} from now on; nothing of it is read yet`;
  const next = `supasaasy sync ${appKey} --mode full`;
  return former === null
    ? `${now}: ${next}`
    : `${now}, and the objects of ${former} stay until a complete pass misses them: ${next} --allow-mass-delete`;
}
