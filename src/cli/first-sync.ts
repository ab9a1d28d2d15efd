import type { SyncMode } from '../engine/store.ts';
import { describeError } from '../errors.ts';
import type { Project } from '../runtime/node/project.ts';
import type { Cli } from './command.ts';
import { whyNot } from './commands/sync.ts';
import type { Demo } from './demo.ts';
import { expectKnownRows } from './expect-rows.ts';
import type { Progress } from './progress.ts';
import { runSync } from './run-sync.ts';

/** Every app at the same time: whole the first time, what changed afterwards. False when one did not complete. */
export async function firstSync(
  cli: Cli,
  project: Project,
  progress: Progress,
  demo: Demo | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const { engine, config } = project;
  const outcomes = await Promise.all(
    config.apps.map(async (app) => {
      try {
        const states = Object.values(await engine.store.syncState(app.app_key));
        const mode: SyncMode = states.some((state) => state.watermark !== null) ? 'incremental' : 'full';
        if (mode === 'full') await expectRows(project, app.app_key, progress, demo);
        else cli.out.note(`${app.app_key} was mirrored before: fetching what changed since`);
        const outcome = await runSync(engine, app.app_key, mode, { trigger: 'start', signal });
        return outcome.status === 'completed' || outcome.status === 'interrupted' ? undefined : whyNot(outcome);
      } catch (error) {
        if (signal.aborted) return undefined;
        return `${app.app_key}: ${describeError(error)}`;
      }
    }),
  );
  progress.stop();
  const problems = outcomes.filter((problem) => problem !== undefined);
  for (const problem of problems) cli.out.note(`${cli.out.red('error')}: ${problem}`);
  return problems.length === 0;
}

/** How much there will be: an emulated account tells; of a real one see `expectKnownRows`. */
async function expectRows(project: Project, appKey: string, progress: Progress, demo: Demo | undefined): Promise<void> {
  const { connector } = project.engine.app(appKey).config;
  const account = demo?.accounts.find((each) => each.name === connector.metadata.name);
  if (demo === undefined || account === undefined) return await expectKnownRows(project, appKey, progress);
  for (const [resource, rows] of Object.entries(await demo.counts(account))) progress.expect(appKey, resource, rows);
}
