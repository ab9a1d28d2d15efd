import { spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whom the server runs as. Empty: the user that we are. */
export interface ServerUser {
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * PostgreSQL refuses to run as root. Then it runs as `postgres` where there is such a user, else as `nobody`, which
 * every system has; initdb needs a user with a name.
 */
export function findServerUser(): ServerUser {
  if (process.getuid?.() !== 0) return {};
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const user = users.find((fields) => fields[0] === name);
    if (user !== undefined) return { uid: Number(user[2]), gid: Number(user[3]) };
  }
  throw new Error('running as root, and neither the user "postgres" nor "nobody" exists: add one (useradd postgres)');
}

/** A new folder that the user owns, below the first temporary folder that the user can reach. */
export function createServerFolder(user: ServerUser): string {
  const tried: string[] = [];
  for (const base of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    try {
      const folder = mkdtempSync(join(base, 'supasaasy-pg-'));
      if (user.uid === undefined || user.gid === undefined) return folder;
      chownSync(folder, user.uid, user.gid);
      if (spawnSync('/bin/sh', ['-c', 'cd "$0" && test -w .', folder], { ...user, cwd: '/' }).status === 0)
        return folder;
      rmdirSync(folder);
      tried.push(`${base}: not reachable for uid ${user.uid}`);
    } catch (error) {
      tried.push(`${base}: ${(error as Error).message}`);
    }
  }
  throw new Error(`no temporary folder for PostgreSQL's data (${tried.join('; ')}); set TMPDIR`);
}
