import type { SqlDatabase } from '../../engine/database.ts';
import { untilAborted } from '../../engine/until-aborted.ts';
import { DatabaseError, describeError } from '../../errors.ts';
import { parseJson } from '../../kit/json.ts';
import { withPageLine } from '../page-line.ts';
import { type Connection, fromDriver } from '../sql-database.ts';
import { lockFolder } from './folder-lock.ts';
import type { Embedded } from './pglite/embedded.ts';
import { stopAtPanic } from './pglite/stop-at-panic.ts';
import { startThread, type Thread } from './pglite/thread.ts';
import { UNREAD } from './pglite/unread.ts';
import { makePrivateFolder } from './private-folder.ts';

/**
 * PostgreSQL inside this process, in a thread of its own, and in a folder or (without one) in memory. One connection: calls
 * are answered one after the other, and one process: another one that has the folder is told apart by its lock.
 */
export async function createPglite(dataDir?: string): Promise<SqlDatabase> {
  if (dataDir === undefined) return fromEmbedded(await startThread({}));
  let thread: Thread | undefined;
  // A process that ends in the middle of a statement is still writing when it says so.
  const unlock = lockFolder(dataDir, () => thread?.isBusy() !== false);
  try {
    makePrivateFolder(dataDir);
    thread = await startThread({ dataDir });
  } catch (error) {
    unlock();
    throw new DatabaseError(
      `the data folder ${dataDir} cannot be opened, perhaps it is damaged: move it away and sync again (the mirror is read anew), or set DATABASE_URL. ${describeError(error)}`,
      { cause: error },
    );
  }
  const database = fromEmbedded(thread);
  const { close } = database;
  return Object.assign(database, { close: () => close().finally(unlock) });
}

/**
 * The page that is written, and the next one, which lies ready where PGlite is: handed over only after an answer, it came
 * late enough to make a first sync 7 % slower. A delivery waits for these two, some 12 ms.
 */
const PAGES_AT_ONE_TIME = 2;

/** Adapts a PGlite, which is closed with the database. */
export function fromEmbedded(given: Embedded): SqlDatabase {
  const embedded = stopAtPanic(given);
  const { together, alone } = createTurns();
  const database = fromDriver('pglite', {
    takesBytes: true,
    query: (text, values) => together(() => ask(embedded, text, values)),
    transaction: (work, options) => alone(() => transact(embedded, work, options?.signal)),
    script: (text) =>
      alone(async () => {
        try {
          await embedded.exec(`begin;\n${text}\n;commit;`);
        } catch (error) {
          await embedded.exec('rollback').catch(() => {});
          throw error;
        }
      }),
    async listen(channel, heard) {
      const unlisten = await together(() => embedded.listen(channel, heard));
      return { close: () => together(unlisten) };
    },
    close: () => alone(() => embedded.close()),
  });
  return withPageLine(database, PAGES_AT_ONE_TIME);
}

/** Reads what `embed` left unread. */
async function ask(embedded: Embedded, text: string, values: unknown[] = []): Promise<{ rows: unknown[] }> {
  const { rows } = await embedded.query(text, values);
  for (const row of rows as Record<string, unknown>[]) {
    for (const key in row) {
      const value = row[key];
      if (value === null || typeof value !== 'object' || !(UNREAD in value)) continue;
      row[key] = parseJson(String(value[UNREAD]));
    }
  }
  return { rows };
}

async function transact<T>(
  embedded: Embedded,
  work: (connection: Connection) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  let over = false;
  await embedded.exec('begin');
  try {
    const query = async (text: string, values: unknown[] = []) => {
      // It would stand alone, and be kept.
      if (over) throw new DatabaseError('the transaction is over');
      return await ask(embedded, text, values);
    };
    // PGlite's query takes one statement.
    const result = await untilAborted(work({ query, statement: (text) => query(text) }), signal);
    over = true;
    if ((await embedded.exec('commit')) === 'ROLLBACK')
      throw Object.assign(new Error('a statement had failed: nothing was committed'), { code: '25P02' });
    return result;
  } catch (error) {
    over = true;
    await embedded.exec('rollback').catch(() => {});
    throw error;
  }
}

/**
 * Single statements are handed over `together`, without waiting for each other's answers; what takes several has its turn
 * `alone`, and all that comes later waits for it.
 */
function createTurns() {
  let lastAlone: Promise<unknown> = Promise.resolve();
  const together = <T>(work: () => Promise<T>): Promise<T> => lastAlone.then(work);
  return {
    together,
    alone<T>(work: () => Promise<T>): Promise<T> {
      const turn = together(work);
      lastAlone = turn.catch(() => {});
      return turn;
    },
  };
}
