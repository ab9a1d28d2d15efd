import { type Problem, problemsOf } from './app-problems.ts';
import type { AppStatus } from './app-status.ts';
import type { Engine } from './engine.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { FleetProblem } from './fleet/problems.ts';
import { readFleet } from './fleet/report.ts';
import type { ResourceHealth } from './proof.ts';
import type { Store } from './store.ts';

export type { AppStatus };

export async function readApps(store: Store): Promise<{ readonly at: string; readonly apps: readonly AppStatus[] }> {
  return (await store.getStatus()) as unknown as { at: string; apps: AppStatus[] };
}

/** How everything stands. */
export interface Status extends Pick<Fleet, 'processes' | 'deployments' | 'refused'> {
  readonly at: string;
  readonly status: 'ok' | 'attention';
  readonly apps: readonly (AppStatus & { readonly rows?: number; readonly problems: readonly Problem[] })[];
  /** What is wrong with no single app, and work that waits without a worker. */
  readonly problems: readonly FleetProblem[];
  readonly resources?: readonly ResourceHealth[];
}

/** `full` counts the rows of each app and reads the health of each resource: that reads the whole mirror. */
export async function readStatus({ store, proof }: Engine, full: boolean): Promise<Status> {
  const [{ at, apps }, { fleet, problems }] = await Promise.all([readApps(store), readFleet({ store })]);
  const living = full ? await store.countLiving() : undefined;
  const told = apps.map((app) => ({
    ...app,
    ...(living === undefined ? {} : { rows: Number(living[app.app_key] ?? 0) }),
    problems: problemsOf(app),
  }));
  const well = problems.length === 0 && told.every((app) => !app.configured || app.problems.length === 0);
  return {
    at,
    status: well ? 'ok' : 'attention',
    apps: told,
    problems,
    processes: fleet.processes,
    deployments: fleet.deployments,
    refused: fleet.refused,
    ...(full ? { resources: await proof.health() } : {}),
  };
}
