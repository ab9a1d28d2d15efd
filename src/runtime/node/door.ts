import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';

/** Where the process that has an embedded database can be asked, and the key that opens its admin routes. */
export interface Door {
  readonly url: string;
  readonly key: string;
}

const fileOf = (dataDir: string) => `${dataDir}.door`;

/** A key for one life of a server. Who can read the file can read the database beside it too. */
export function createDoorKey(): string {
  return randomBytes(24).toString('base64url');
}

/** Tells other processes of this user where we are. Returns how to take it back. */
export function openDoor(dataDir: string, door: Door): () => void {
  const file = fileOf(dataDir);
  rmSync(file, { force: true });
  writeFileSync(file, JSON.stringify(door), { mode: 0o600 });
  return () => rmSync(file, { force: true });
}

/** The server that has the embedded database in `dataDir`, if it is one and said so. */
export function findDoor(dataDir: string): Door | undefined {
  try {
    const { url, key } = JSON.parse(readFileSync(fileOf(dataDir), 'utf8')) as Partial<Door>;
    return typeof url === 'string' && typeof key === 'string' ? { url, key } : undefined;
  } catch {
    return undefined;
  }
}
