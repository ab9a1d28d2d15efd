import type { RefusalReason } from '../inbox/refusals.ts';
import type { SyncMode } from '../records.ts';
import type { DeploymentConflict } from './declare.ts';

/** What a process is for. */
export type ProcessKind = 'serve' | 'worker' | 'edge' | 'sync' | 'audit';

/** Where this process runs, as the platform can say it. */
export interface ProcessInfo {
  readonly host: string;
  /** Absent where a platform runs many instances of one function: they are one row. */
  readonly pid?: number;
}

/** What a process says of itself. */
export interface BeatingProcess {
  readonly key: string;
  readonly kind: ProcessKind;
  readonly host: string;
  readonly pid: number | null;
  readonly version: string;
  readonly deployment: string | null;
  readonly apps: readonly string[];
  readonly unfit: Readonly<Record<string, string>>;
  readonly works_on: Readonly<Record<string, number>>;
}

/** A process as the database knows it. */
export interface FleetProcess extends ProcessInfo {
  readonly kind: ProcessKind;
  readonly version: string;
  readonly deployment: string | null;
  readonly apps: readonly string[];
  readonly unfit: Readonly<Record<string, string>>;
  readonly works_on: Readonly<Record<string, number>>;
  readonly started_at: string;
  readonly beat_at: string;
  /** Its last beat is less than a minute old. */
  readonly alive: boolean;
}

/** Deliveries to one app that were refused within a day for one reason. */
export interface RefusedLately {
  readonly app_key: string;
  readonly reason: RefusalReason;
  readonly count: number | string;
  readonly last_at: string;
  /** When the last delivery was accepted. */
  readonly accepted_at: string | null;
}

interface Waiting {
  readonly app_key: string;
  readonly waiting: number;
  readonly since: string;
}

/** `supasaasy.get_fleet()`. Instants are the database's. */
export interface Fleet {
  readonly at: string;
  readonly processes: readonly FleetProcess[];
  readonly tasks: readonly Waiting[];
  readonly inbox: readonly Waiting[];
  readonly schedules: readonly {
    readonly app_key: string;
    readonly mode: SyncMode;
    readonly cron: string;
    readonly declared_at: string;
    readonly last_due_at: string | null;
  }[];
  readonly deployments: readonly {
    readonly name: string;
    readonly host: string | null;
    readonly declared_at: string;
    readonly apps: readonly string[];
  }[];
  readonly conflicts: readonly DeploymentConflict[];
  readonly refused: readonly RefusedLately[];
  readonly missing_jobs: readonly string[];
}
