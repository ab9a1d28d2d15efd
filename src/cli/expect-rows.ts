import type { RunOptions } from '../engine/store.ts';
import { estimateRun } from '../engine/sync/estimate-run.ts';
import type { Project } from '../runtime/node/project.ts';
import type { Cli } from './command.ts';
import type { Progress } from './progress.ts';

/** For the ETA: what is mirrored, or an estimate that is made meanwhile, where a person is watching. */
export async function expectRows(
  cli: Cli,
  project: Pick<Project, 'database' | 'engine'>,
  appKey: string,
  wish: RunOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  await expectKnownRows(project, appKey, progress);
  const states = Object.values(await project.engine.store.syncState(appKey));
  if (!cli.out.interactive || wish.limit !== undefined || states.some(({ watermark }) => watermark !== null)) return;
  estimateRun(project.engine, appKey, wish, signal).then(
    ({ resources }) => {
      for (const { resource, objects, how } of resources)
        if (how !== 'at_least') progress.expect(appKey, resource, objects);
    },
    // Nobody asked for it: the sync itself will say what is wrong.
    () => {},
  );
}

/** A mirrored account has at least what it had before. */
export async function expectKnownRows(
  project: Pick<Project, 'database' | 'engine'>,
  appKey: string,
  progress: Progress,
): Promise<void> {
  const { connector } = project.engine.app(appKey).config;
  const known = await project.database.query<{ collection_key: string; rows: string }>(
    'select collection_key, count(*) as rows from supasaasy.entities where app_key = $1 and deleted_at is null group by 1',
    [appKey],
  );
  for (const resource of Object.values(connector.resources)) {
    const rows = known.find((each) => each.collection_key === resource.collection)?.rows;
    if (rows !== undefined) progress.expect(appKey, resource.name, Number(rows));
  }
}
