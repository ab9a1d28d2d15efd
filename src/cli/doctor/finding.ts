/** What a check found. `error`: something does not work; `warning`: it works, and something is missing. */
export interface Finding {
  readonly check:
    | 'database'
    | 'migrations'
    | 'secret'
    | 'key'
    | 'account'
    | 'permission'
    | 'clock'
    | 'schedule'
    | 'webhook'
    | 'app'
    | 'fleet'
    | 'admin';
  readonly level: 'ok' | 'warning' | 'error';
  readonly app_key?: string;
  readonly resource?: string;
  readonly message: string;
  /** The command or the deed that mends it. */
  readonly remedy?: string;
}
