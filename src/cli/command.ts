import type { Command } from 'commander';
import type { Output } from './output.ts';

/** What every command has at hand. */
export interface Cli {
  readonly out: Output;
  readonly env: Record<string, string | undefined>;
  readonly cwd: string;
  /**
   * From the first call on, Ctrl-C ends the work in an orderly way: the signal aborts. Without it, Ctrl-C ends the
   * process at once.
   */
  interruptible(): AbortSignal;
  /** The process ends with this, once the command is done; without it, with 0, or 130 when it was interrupted. */
  exitCode: number | undefined;
}

/** One file in commands/ each; main.ts has the table. */
export type DefineCommand = (cli: Cli) => Command;

/** Options of the program: understood before and after the command's name. */
export interface GlobalOptions {
  readonly config?: string;
  readonly verbose?: boolean;
}

/** Exit codes: 0 done, 1 not done (a run failed, something is missing), 2 asked wrongly, 130 interrupted. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;
