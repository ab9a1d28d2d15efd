import { announcerOf, type LockFiles } from './lock-files.ts';

/** One step between two yields; the number is how many milliseconds to pause before the next. */
export type ClaimSteps<T> = Generator<number, T, void>;

/** A living process has the folder, or is about to. */
export class LockBusyError extends Error {
  readonly owner: number | undefined;

  constructor(owner: number | undefined) {
    super('the lock is held');
    this.owner = owner;
  }
}

const PAUSE_MS = 5;
const PAUSES_AT_MOST = 4_000;

/**
 * Makes this process the one owner of a folder, or throws `LockBusyError`. Returns how to give it back.
 *
 * A file with a fixed name cannot be taken over safely: between reading that its process is dead and removing it,
 * another process may have removed it and made its own. So a claim is a file under a name that is never used again:
 * removing the file of a dead process is always right. A process announces itself, then looks. It is the owner only
 * when it sees no announcement of another living process, and keeps its own as long as it owns. Of two that announce
 * themselves, at least one sees the other. The process with the lowest name stays and looks again, the others withdraw
 * and wait for the outcome.
 */
export function* claimFolder(files: LockFiles, pid: number): ClaimSteps<() => void> {
  let own: string | undefined;
  try {
    for (let pauses = 0; pauses < PAUSES_AT_MOST; pauses += 1) {
      assertNoOwner(files, pid);
      yield 0;
      own ??= yield* announceWhenQuiet(files, pid);
      if (own !== undefined) {
        yield 0;
        const others = living(files, pid, own);
        if (others.length === 0) {
          yield 0;
          assertNoOwner(files, pid);
          yield 0;
          files.writeOwner(pid);
          const name = own;
          own = undefined;
          return () => giveBack(files, name, pid);
        }
        yield 0;
        if (others.some((name) => name < (own as string))) {
          files.remove(own);
          own = undefined;
        }
      }
      yield PAUSE_MS;
    }
    throw new LockBusyError(living(files, pid, own).map(announcerOf)[0]);
  } finally {
    if (own !== undefined) files.remove(own);
  }
}

function assertNoOwner(files: LockFiles, pid: number): void {
  const owner = files.readOwner();
  // After a crash our own id may stand there: a container counts from 1 again.
  if (owner !== undefined && owner !== pid && files.isAlive(owner)) throw new LockBusyError(owner);
}

/** The name of a new announcement; undefined while others are announced. */
function* announceWhenQuiet(files: LockFiles, pid: number): ClaimSteps<string | undefined> {
  if (living(files, pid).length > 0) return undefined;
  yield 0;
  return files.announce(pid);
}

/** Announcements of other living processes; those of dead ones are removed. */
function living(files: LockFiles, pid: number, own?: string): string[] {
  return files.list().filter((name) => {
    if (name === own) return false;
    const other = announcerOf(name);
    if (other !== pid && files.isAlive(other)) return true;
    files.remove(name);
    return false;
  });
}

/** The owner's file first: as long as the announcement is there, no other process owns the folder. */
function giveBack(files: LockFiles, name: string, pid: number): void {
  if (files.readOwner() === pid) files.removeOwner();
  files.remove(name);
}
