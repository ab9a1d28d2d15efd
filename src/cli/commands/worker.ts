import { Command } from 'commander';
import { whileBeating } from '../../engine/fleet/heartbeat.ts';
import { startDueRuns } from '../../engine/schedule.ts';
import { startLive } from '../../runtime/node/live.ts';
import { type DefineCommand, EXIT } from '../command.ts';
import { withProject } from '../open.ts';
import { reportUnfit } from '../report-unfit.ts';

interface WorkerOptions {
  readonly once?: boolean;
  readonly untilIdle?: boolean;
  readonly json?: boolean;
}

export const worker: DefineCommand = (cli) =>
  new Command('worker')
    .description(
      'work the inbox, the tasks and the schedules, without HTTP; any number of workers may run, on any hosts',
    )
    .option('--once', 'work what can be done now, then end')
    .option('--until-idle', 'also wait for what is due later (retries, rate limits); end when nothing is left')
    .option('--json', 'print one JSON object at the end, and nothing else')
    .addHelpText(
      'after',
      '\nExit code 0 only when every scheduled run that was due could start; 2 when the key of an app is missing here.',
    )
    .action(async (options: WorkerOptions, command: Command) => {
      const signal = cli.interruptible();
      await withProject(cli, command.optsWithGlobals(), { access: 'work' }, async (project) => {
        const { engine } = project;
        const unfit = reportUnfit(cli, project, false);
        await engine.declare();
        if (options.once !== true && options.untilIdle !== true) {
          cli.out.note('working until Ctrl-C');
          await startLive(engine, signal, { kind: 'worker' }).ended;
          cli.exitCode = EXIT.ok;
          return;
        }
        const once = options.untilIdle !== true;
        const refused = new Set<string>();
        const started = await startDueRuns(engine, {}, (appKey) => refused.add(appKey));
        let deliveries = 0;
        let tasks = 0;
        await whileBeating(engine, 'worker', async () => {
          for (;;) {
            const settled = await engine.drain({ signal });
            const worked = await engine.work({ signal, once });
            deliveries += settled;
            tasks += worked.tasks;
            if (signal.aborted || once || (settled === 0 && worked.tasks === 0)) break;
          }
        });
        const left = (await engine.store.nextTaskIn({ apps: [...engine.fitness.fit().keys()] })) !== null;
        // Why, the log has said.
        cli.exitCode = unfit.length > 0 ? EXIT.usage : refused.size > 0 ? EXIT.failed : EXIT.ok;
        if (options.json === true)
          cli.out.json({ runs_started: started.length, runs_refused: refused.size, deliveries, tasks, left });
        else cli.out.print(`${deliveries} deliveries, ${tasks} tasks${left ? '; some are due later' : ''}`);
      });
    });
