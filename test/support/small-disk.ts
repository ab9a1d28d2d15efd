import { spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findServerUser } from '../setup/server-user.ts';

/** A disk of a few megabytes, in memory. */
export interface SmallDisk {
  readonly path: string;
  /** Something else takes the space, up to so many megabytes. */
  fill(leftMb: number): void;
  /** And gives it back. */
  free(): void;
  remove(): void;
}

/** Only root can mount one; a text says why there is none. PostgreSQL's user owns it. */
export function mountSmallDisk(megabytes: number): SmallDisk | string {
  if (process.getuid?.() !== 0) return 'only root can mount a small disk';
  const path = mkdtempSync(join(tmpdir(), 'supasaasy-disk-'));
  const options = `size=${megabytes}m,mode=0755`;
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { encoding: 'utf8' });
  if (mounted.status !== 0) {
    rmdirSync(path);
    return `no tmpfs can be mounted here: ${mounted.error?.message ?? mounted.stderr.trim()}`;
  }
  const { uid, gid } = findServerUser();
  chownSync(path, uid ?? 0, gid ?? 0);
  const ballast = join(path, 'ballast');
  const free = () => rmSync(ballast, { force: true });
  return {
    path,
    fill(leftMb) {
      const { bavail, bsize } = statfsSync(path);
      writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - leftMb * 1024 * 1024), 1));
    },
    free,
    remove() {
      free();
      // Lazily: a database that panicked leaves files open until its process ends.
      const unmounted = spawnSync('umount', ['--lazy', path], { encoding: 'utf8' });
      if (unmounted.status !== 0) throw new Error(`${path} cannot be unmounted: ${unmounted.stderr}`);
      rmdirSync(path);
    },
  };
}
