import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';

/** The files of a folder's lock, and the processes that they name. */
export interface LockFiles {
  /** The process that the owner's file names, whether or not it is alive. */
  readOwner(): number | undefined;
  writeOwner(pid: number): void;
  removeOwner(): void;
  /** Makes a file under a name that no other claim ever has. */
  announce(pid: number): string;
  /** Names of all announcements. */
  list(): readonly string[];
  remove(name: string): void;
  isAlive(pid: number): boolean;
}

/** `<folder>.lock` names the owner; `<folder>.lock.<pid>-<random>` is an announcement. */
export function createLockFiles(folder: string): LockFiles {
  const file = `${folder}.lock`;
  const parent = dirname(file);
  const prefix = `${basename(file)}.`;
  return {
    readOwner() {
      try {
        const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
        return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
      } catch {
        return undefined;
      }
    },
    writeOwner: (pid) => writeFileSync(file, String(pid), { mode: 0o600 }),
    removeOwner: () => unlinkIfThere(file),
    announce(pid) {
      const name = `${prefix}${pid}-${randomBytes(8).toString('hex')}`;
      writeFileSync(join(parent, name), '', { flag: 'wx', mode: 0o600 });
      return name;
    },
    list: () => readdirSync(parent).filter((name) => name.startsWith(prefix) && ANNOUNCED.test(name)),
    remove: (name) => unlinkIfThere(join(parent, name)),
    isAlive(pid) {
      try {
        process.kill(pid, 0);
        return true;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === 'EPERM';
      }
    },
  };
}

const ANNOUNCED = /\.(\d+)-[0-9a-f]{16}$/;

/** The process that made an announcement. */
export function announcerOf(name: string): number {
  return Number(ANNOUNCED.exec(name)?.[1]);
}

function unlinkIfThere(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
