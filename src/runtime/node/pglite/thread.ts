import { Worker } from 'node:worker_threads';
import { DatabaseError, describeError } from '../../../errors.ts';
import { folderBeside } from '../../../kit/folder-beside.ts';
import type { Embedded } from './embedded.ts';

/** To the thread. */
export type Call = { readonly id: number } & (
  | { readonly name: 'open' | 'close'; readonly args: readonly [] }
  | { readonly name: 'query'; readonly args: readonly [text: string, values: readonly unknown[]] }
  | { readonly name: 'exec' | 'listen'; readonly args: readonly [text: string] }
  | { readonly name: 'unlisten'; readonly args: readonly [listen: number] }
);

/** From the thread: the answer to a call, or a notice for the listener that a call began. */
export type Word =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: Error; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly heard: number };

/** Compiled, also where this module is not (tests, scripts): Node 20 starts no thread from TypeScript. */
const WORKER = import.meta.url.endsWith('.ts') ? '../../../../dist/src/runtime/node/pglite/worker.js' : './worker.js';
/** With Node's 4 MB, PGlite does not survive a JSON text of some 20,000 levels that a statement makes itself. */
const STACK_MB = 64;

export interface Thread extends Embedded {
  /** Whether something was asked that is not answered. */
  isBusy(): boolean;
}

/**
 * A PGlite in a thread of its own, so that this one reads answers and acknowledges deliveries while a page is written.
 * As long as nothing is asked of it, it keeps no process alive.
 */
export async function startThread(options: { readonly dataDir?: string }): Promise<Thread> {
  const worker = new Worker(folderBeside(import.meta.url, WORKER), {
    workerData: options,
    execArgv: [],
    resourceLimits: { stackSizeMb: STACK_MB },
  });
  const waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  const listeners = new Map<number, () => void>();
  let calls = 0;
  let ended: Error | undefined;
  let closed: Promise<void> | undefined;

  const call = ({ name, args, transfer }: Omit<Call, 'id'> & { transfer?: ArrayBuffer[] }, id = ++calls) =>
    new Promise<unknown>((resolve, reject) => {
      if (ended !== undefined) throw ended;
      worker.postMessage({ id, name, args }, transfer);
      waiting.set(id, { resolve, reject });
      worker.ref();
    });
  const answered = (id: number) => {
    const caller = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
    return caller;
  };
  worker.on('message', (word: Word) => {
    if ('heard' in word) listeners.get(word.heard)?.();
    else if ('error' in word) answered(word.id)?.reject(Object.assign(word.error, word.fields));
    else answered(word.id)?.resolve(word.result);
  });
  let reason: unknown;
  worker.on('error', (error) => {
    reason = error;
  });
  worker.once('exit', (code) => {
    ended ??= new DatabaseError(
      `the embedded database has stopped (${reason === undefined ? `its thread ended with ${code}` : describeError(reason)}): start again; what is stored is safe`,
      { cause: reason },
    );
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  });

  const close = async () => {
    if (ended !== undefined) return;
    try {
      await call({ name: 'close', args: [] });
    } finally {
      ended ??= new Error('it is closed');
      await worker.terminate();
    }
  };
  try {
    await call({ name: 'open', args: [] });
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  return {
    isBusy: () => waiting.size > 0,
    async query(text, values) {
      const { copies, transfer } = copyBytes(values);
      return { rows: (await call({ name: 'query', args: [text, copies], transfer })) as unknown[] };
    },
    exec: async (text) => (await call({ name: 'exec', args: [text] })) as string | undefined,
    async listen(channel, heard) {
      const id = ++calls;
      listeners.set(id, heard);
      try {
        await call({ name: 'listen', args: [channel] }, id);
      } catch (error) {
        listeners.delete(id);
        throw error;
      }
      return async () => {
        listeners.delete(id);
        await call({ name: 'unlisten', args: [id] });
      };
    },
    close() {
      closed ??= close();
      return closed;
    },
  };
}

/**
 * Bytes are copied once, and the copy is handed over: the memory itself is the caller's, who goes on reading it, and often a
 * part of a larger one, all of which would be cloned.
 */
function copyBytes(values: readonly unknown[]): { copies: unknown[]; transfer: ArrayBuffer[] } {
  const transfer: ArrayBuffer[] = [];
  const copies = values.map((value) => {
    if (!(value instanceof Uint8Array)) return value;
    const copy = new Uint8Array(value);
    transfer.push(copy.buffer);
    return copy;
  });
  return { copies, transfer };
}
