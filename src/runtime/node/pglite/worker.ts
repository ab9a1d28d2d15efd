// The thread of the embedded database.
import process from 'node:process';
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { embed } from './embed.ts';
import type { Embedded } from './embedded.ts';
import { isPanic } from './is-panic.ts';
import { keepFilesPrivate } from './private-files.ts';
import type { Call, Word } from './thread.ts';

if (parentPort === null) throw new Error('this module is the start of a thread');
const port = parentPort;
const say = (word: Word) => port.postMessage(word);

const listening = new Map<number, () => Promise<void>>();
let embedded: Embedded | undefined;

// The next call waits until the last one is answered: after a panic there is none.
let last = Promise.resolve();
port.on('message', (call: Call) => {
  last = last.then(() => perform(call));
});

async function perform(call: Call): Promise<void> {
  const { id } = call;
  try {
    say({ id, result: await answer(call) });
  } catch (error) {
    const known = error instanceof Error ? error : new Error(String(error));
    // Of an error, only message, stack and cause cross by themselves. The parameters, which PGlite adds, stay behind.
    const fields = Object.entries(known).filter(([, value]) => typeof value === 'string' || typeof value === 'number');
    say({ id, error: known, fields: Object.fromEntries(fields) });
    if (isPanic(error)) process.exit();
  }
}

async function answer({ id, name, args }: Call): Promise<unknown> {
  if (name === 'open') {
    keepFilesPrivate();
    // Its stack has 1 MB, of which PostgreSQL does not know: a recursion ends with an error (54001) before that, not with the
    // database.
    const startParams = [...PGlite.defaultStartParams, '-c', 'max_stack_depth=500kB'];
    embedded = embed(await PGlite.create({ ...workerData, startParams }));
    return undefined;
  }
  if (embedded === undefined) throw new Error('the embedded database is not open');
  switch (name) {
    case 'query':
      return (await embedded.query(...args)).rows;
    case 'exec':
      return await embedded.exec(...args);
    case 'listen':
      listening.set(id, await embedded.listen(args[0], () => say({ heard: id })));
      return undefined;
    case 'unlisten':
      await listening.get(args[0])?.();
      listening.delete(args[0]);
      return undefined;
    case 'close':
      return await embedded.close();
  }
}
