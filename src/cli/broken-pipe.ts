import process from 'node:process';
import { EXIT } from './command.ts';

/**
 * A reader that has seen enough (`| head`) closes its end, and what is written after that reaches no one. A command that only
 * answers comes to its end as ever, and with its own exit code; one that works until it is interrupted is interrupted. Without a
 * listener, Node ends the process with a stack trace.
 */
export function endAtBrokenPipe(stop: (reason: Error) => void): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      const closed = error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED';
      // The notes about the work may be unread while its answer is read.
      if (stream === process.stderr) return;
      if (closed) return stop(new Error('the reader of the output has closed it'));
      process.stderr.write(`error: the output cannot be written: ${error.message}\n`);
      process.exit(EXIT.failed);
    });
  }
}
