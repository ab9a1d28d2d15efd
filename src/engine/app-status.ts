import type { SyncMode } from './records.ts';

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
