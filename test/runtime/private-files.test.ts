import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lockFolder } from '../../src/runtime/node/folder-lock.ts';
import { createPglite } from '../../src/runtime/node/pglite.ts';
import { copyDataFolder } from '../setup/data-folder.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'supasaasy-modes-'));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Files and folders that others may read, write or enter. */
function openToOthers(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => (statSync(path).mode & 0o077) !== 0);
}

it('C30: an embedded database, its lock and what it creates while it runs are their user’s alone', async () => {
  const dataDir = join(folder, '.supasaasy', 'pglite');
  const database = await createPglite(dataDir);
  try {
    expect(openToOthers(folder)).toEqual([]);
    await database.script(
      'create table public.later (n int); insert into public.later select generate_series(1, 20000);',
    );
    await database.query('checkpoint');
    expect(openToOthers(folder)).toEqual([]);
  } finally {
    await database.close();
  }
  expect(openToOthers(folder)).toEqual([]);
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
});

it('C30: a folder of an older version is closed to others when it is opened', async () => {
  const dataDir = join(folder, 'pglite');
  await copyDataFolder(dataDir);
  for (const path of [dataDir, ...openToOthers(dataDir)]) chmodSync(path, statSync(path).isDirectory() ? 0o755 : 0o666);
  chmodSync(join(dataDir, 'PG_VERSION'), 0o666);
  const database = await createPglite(dataDir);
  try {
    expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
    expect(openToOthers(folder)).toEqual([]);
  } finally {
    await database.close();
  }
});

it('C30: a lock is its user’s alone too', () => {
  const unlock = lockFolder(join(folder, 'data'));
  expect(statSync(join(folder, 'data.lock')).mode & 0o777).toBe(0o600);
  unlock();
});
