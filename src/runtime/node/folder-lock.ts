import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { DatabaseError } from '../../errors.ts';
import { type ClaimSteps, claimFolder, LockBusyError } from './folder-claim.ts';
import { createLockFiles } from './lock-files.ts';

/** Folders that this process holds: its own process id in a file says nothing about that. */
const held = new Set<string>();

/**
 * An embedded database has one process: two would destroy its files. Returns how to give the folder back, which the
 * end of the process does too, unless `keepsAtExit`: then it is the end itself that frees the folder.
 */
export function lockFolder(folder: string, keepsAtExit: () => boolean = () => false): () => void {
  if (held.has(folder)) throw inUse(folder, process.pid);
  const release = claim(folder);
  held.add(folder);
  const atExit = () => {
    if (!keepsAtExit()) free();
  };
  const free = () => {
    process.off('exit', atExit);
    if (held.delete(folder)) release();
  };
  process.on('exit', atExit);
  return free;
}

function claim(folder: string): () => void {
  try {
    mkdirSync(dirname(folder), { recursive: true, mode: 0o700 });
    return runSteps(claimFolder(createLockFiles(folder), process.pid));
  } catch (error) {
    if (error instanceof LockBusyError) throw inUse(folder, error.owner);
    throw new DatabaseError(`the data folder ${folder} cannot be used: ${(error as Error).message}`, { cause: error });
  }
}

/** Without interruption, but for the pauses that it asks for. */
function runSteps<T>(steps: ClaimSteps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (step.value > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, step.value);
  }
}

/** Fails early, before anything is started, when another process has the folder. */
export function assertFolderFree(folder: string): void {
  lockFolder(folder)();
}

/** Another process has the embedded database. */
export class FolderInUseError extends DatabaseError {
  readonly folder: string;

  constructor(folder: string, message: string) {
    super(message);
    this.folder = folder;
  }
}

function inUse(folder: string, owner: number | undefined): FolderInUseError {
  return new FolderInUseError(
    folder,
    `the data folder ${folder} is in use by process ${owner ?? '(unknown)'} (another "supasaasy", perhaps "npm start"): stop it first, or set DATABASE_URL to a Postgres that several can share`,
  );
}
