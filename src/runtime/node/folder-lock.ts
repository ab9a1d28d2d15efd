import { mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { DatabaseError } from '../../errors.ts';

/**
 * An embedded database has one process: two would destroy its files. The lock is a file beside the folder with the
 * owner's process id; one whose process is gone counts for nothing. Returns how to give it back, which the end of the
 * process does too, unless `keepsAtExit`: then it is the end itself that frees the folder.
 */
export function lockFolder(folder: string, keepsAtExit: () => boolean = () => false): () => void {
  const file = `${folder}.lock`;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  for (let attempt = 1; ; attempt += 1) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx', mode: 0o600 });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new DatabaseError(`the data folder ${folder} cannot be used: ${(error as Error).message}`, {
          cause: error,
        });
      }
      const owner = ownerOf(file);
      if (owner !== undefined || attempt > 3) {
        throw new FolderInUseError(
          folder,
          `the data folder ${folder} is in use by process ${owner ?? '(unknown)'} (another "supasaasy", perhaps "npm start"): stop it first, or set DATABASE_URL to a Postgres that several can share`,
        );
      }
      remove(file);
    }
  }
  const atExit = () => {
    if (!keepsAtExit()) release();
  };
  const release = () => {
    process.off('exit', atExit);
    if (readPid(file) === process.pid) remove(file);
  };
  process.on('exit', atExit);
  return release;
}

/** Says early, before anything is started, that somebody else has the folder. */
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

/** The living process that holds the lock. After a crash our own id may stand there: a container counts from 1 again. */
function ownerOf(file: string): number | undefined {
  const pid = readPid(file);
  if (pid === undefined || pid === process.pid) return undefined;
  try {
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? pid : undefined;
  }
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function remove(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // Somebody else was faster.
  }
}
