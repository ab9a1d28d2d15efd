import { type Problem, problemsOf } from './app-problems.ts';
import type { Engine } from './engine.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { FleetProblem } from './fleet/problems.ts';
import { readFleet } from './fleet/report.ts';
import type { ResourceHealth } from './proof.ts';
import type { Store, SyncMode } from './store.ts';

/** What `supasaasy.get_status()` tells of an app. */
export interface AppStatus {
  readonly app_key: string;
  readonly name: string;
  readonly connector: string;
  readonly configured: boolean;
  readonly paused_at: string | null;
  readonly pause_reason: string | null;
  readonly runs: Partial<
    Record<
      SyncMode,
      {
        readonly run_id: string;
        readonly status: string;
        readonly trigger: string;
        readonly error: string | null;
        readonly created_at: string;
        readonly finished_at: string | null;
      }
    >
  >;
  readonly collections: Readonly<
    Record<
      string,
      {
        readonly watermark: string | null;
        readonly last_full_at: string | null;
        readonly last_incremental_at: string | null;
      }
    >
  >;
  readonly inbox: { readonly waiting: number; readonly oldest: string | null };
  readonly last_delivery_at: string | null;
  readonly dead_deliveries: number;
  readonly tasks: { readonly ready: number; readonly running: number; readonly last_error: string | null };
  readonly quarantined: number;
  readonly schedules: readonly {
    readonly mode: SyncMode;
    readonly cron: string;
    readonly enabled: boolean;
    readonly last_due_at: string | null;
    readonly error: string | null;
  }[];
}

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
