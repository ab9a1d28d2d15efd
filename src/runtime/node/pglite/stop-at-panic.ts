import { DatabaseError, describeError } from '../../../errors.ts';
import type { Embedded } from './embedded.ts';
import { isPanic } from './is-panic.ts';

/**
 * A PostgreSQL that panicked (its log cannot be written: the disk is full) has ended, and what is asked of it after that
 * never returns. So nothing is. Its files are in order: the next process that opens them goes on after the last commit.
 */
export function stopAtPanic(embedded: Embedded): Embedded {
  let stopped: DatabaseError | undefined;
  async function perform<T>(work: () => Promise<T>): Promise<T> {
    if (stopped !== undefined) throw stopped;
    try {
      return await work();
    } catch (error) {
      // What had been asked already is refused too, in other words.
      if (!isPanic(error)) throw stopped ?? error;
      stopped = new DatabaseError(
        `the embedded database has stopped (${describeError(error)}): free some space on its disk and start again; what is stored is safe`,
        { cause: error },
      );
      throw stopped;
    }
  }
  return {
    query: (text, values) => perform(() => embedded.query(text, values)),
    exec: (text) => perform(() => embedded.exec(text)),
    async listen(channel, heard) {
      const unlisten = await perform(() => embedded.listen(channel, heard));
      return async () => void (stopped ?? (await perform(unlisten)));
    },
    close: async () => void (stopped ?? (await embedded.close())),
  };
}
