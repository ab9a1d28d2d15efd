import fs, { type Mode, type PathLike } from 'node:fs';

/** What a mode leaves to the owner: nothing for the group and for others. */
const ownersOnly = (mode: Mode) => Number(mode) & 0o700;

/**
 * Every file and folder that this thread creates from now on is its user's alone: 0600 and 0700. PGlite gives its files the mode
 * 0666, whatever the umask says, and a thread cannot set a umask.
 */
export function keepFilesPrivate(): void {
  const { chmodSync, fchmodSync, mkdirSync, writeFileSync } = fs;
  Object.assign(fs, {
    chmodSync: (path: PathLike, mode: number) => chmodSync(path, ownersOnly(mode)),
    fchmodSync: (file: number, mode: number) => fchmodSync(file, ownersOnly(mode)),
    mkdirSync: (path: PathLike) => mkdirSync(path, { mode: 0o700 }),
    writeFileSync: (path: string, data: string) => writeFileSync(path, data, { mode: 0o600 }),
  });
}
