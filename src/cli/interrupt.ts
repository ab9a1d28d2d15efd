import process from 'node:process';
import { EXIT } from './command.ts';

/**
 * Ctrl-C (and the signals of service managers): the first one aborts the signal, so that the work ends in order and
 * leases are given back; the second one ends the process at once.
 */
export function createInterrupt(note: (text: string) => void): {
  listen(): AbortSignal;
  /** Ends the work in order, where it is of the kind that Ctrl-C ends. */
  stop(reason: Error): void;
  readonly aborted: boolean;
} {
  const controller = new AbortController();
  let listening = false;
  return {
    get aborted() {
      return controller.signal.aborted;
    },
    stop(reason) {
      if (listening) controller.abort(reason);
    },
    listen() {
      if (!listening) {
        listening = true;
        for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
          process.on(name, () => {
            if (controller.signal.aborted) process.exit(EXIT.interrupted);
            controller.abort(new Error(`interrupted by ${name}`));
            note('\nstopping in order; Ctrl-C once more to stop at once');
          });
        }
      }
      return controller.signal;
    },
  };
}
