import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { createPglite } from '../../src/runtime/node/pglite.ts';
import { copyDataFolder } from '../setup/data-folder.ts';

let folder: string;
let data: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'supasaasy-pglite-'));
  data = join(folder, 'pglite');
  await copyDataFolder(data);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A process that opens the folder with the compiled package, and says what it ends with. */
function run(body: string, ...flags: string[]): Promise<{ code: number | null; said: string }> {
  const path = (name: string) => new URL(`../../${name}`, import.meta.url).href;
  const script = `
    import { createPglite } from '${path('dist/src/runtime/node/pglite.js')}';
    const database = await createPglite(${JSON.stringify(data)});
    ${body}`;
  const args = [...flags, '--input-type=module', '--eval', script];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, said: said.trim() })));
}

/** What this process has open of the folder, where the system tells. */
function openFiles(): string[] {
  const folder = '/proc/self/fd';
  const files = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  return files.map((file) => (existsSync(file) ? readlinkSync(file) : '')).filter((file) => file.startsWith(data));
}

it('a closed database lets its process end, and refuses what comes later', async () => {
  const { code, said } = await run(`
    await Promise.all([database.close(), database.close()]);
    await database.query('select 1').catch((error) => console.log(error.message));`);
  expect({ code, said }).toEqual({ code: 0, said: 'the database cannot be reached (query): it is closed' });
  expect(existsSync(`${data}.lock`)).toBe(false);
});

it('one that nobody closed does so too, once what was asked of it is answered', async () => {
  const { code, said } = await run(`
    await database.listen('wake', () => {});
    void database.query('select pg_sleep(0.2)').then(() => console.log('slept'));`);
  expect({ code, said }).toEqual({ code: 0, said: 'slept' });
  expect(existsSync(`${data}.lock`)).toBe(false);
});

it('a process that ends in the middle of a statement keeps the folder until it is gone, and the next one has it', async () => {
  const { code } = await run(`
    await database.query('create table public.kept (n int)');
    const [{ file }] = await database.query("select '/' || pg_relation_filepath('public.kept') as file");
    void database.query('insert into public.kept select generate_series(1, 1e9)');
    const { statSync } = await import('node:fs');
    while (statSync(${JSON.stringify(data)} + file).size < 1e6) await new Promise(setImmediate);
    process.exit(3);`);
  expect(code).toBe(3);
  expect(existsSync(`${data}.lock`)).toBe(true);
  const database = await createPglite(data);
  expect(await database.query('select * from public.kept')).toEqual([]);
  await database.close();
  expect(existsSync(`${data}.lock`)).toBe(false);
});

it('a thread that dies is said to whoever waits, and to whoever asks later, with what to do', async () => {
  const { code, said } = await run(
    `const more = 'select n, repeat(n::text, 20) from generate_series(1, 1e6) n';
    const refused = await Promise.allSettled([database.query(more), database.query('select 1')]);
    refused.push(...(await Promise.allSettled([database.query('select 2')])));
    await database.close();
    console.log(refused.map(({ reason }) => reason?.name + ' ' + reason?.message).join('\\n'));`,
    '--max-old-space-size=64',
  );
  const line =
    'DatabaseError the embedded database has stopped (Worker terminated due to reaching memory limit: JS heap out of memory): start again; what is stored is safe';
  expect({ code, said }).toEqual({ code: 0, said: [line, line, line].join('\n') });
  expect(existsSync(`${data}.lock`)).toBe(false);
});

it('a folder that is no database is said to be damaged, and is free again', async () => {
  rmSync(join(data, 'global'), { recursive: true });
  await expect(createPglite(data)).rejects.toThrow(/^the data folder .* cannot be opened, perhaps it is damaged: /);
  expect(existsSync(`${data}.lock`)).toBe(false);
});

it('a PostgreSQL that panics is said to all who have asked, and the next process goes on after the last commit', async () => {
  const database = await createPglite(data);
  await database.query('create table public.kept as select 1 as n');
  // A log that cannot be written, as on a full disk.
  renameSync(join(data, 'pg_wal'), join(data, 'pg_wal_away'));
  const refused = await Promise.allSettled([
    database.query('insert into public.kept select generate_series(1, 1000000)'),
    database.query('select 1'),
    database.transaction((tx) => tx.query('select 1')),
    database.query('select 1'),
  ]);
  const words = refused.map((one) => (one.status === 'rejected' ? String(one.reason.message) : 'answered'));
  expect(new Set(words)).toEqual(
    new Set([expect.stringMatching(/^the embedded database has stopped .*: free some space/)]),
  );
  expect(words).toHaveLength(4);
  await database.close();
  expect(openFiles()).toEqual([]);
  renameSync(join(data, 'pg_wal_away'), join(data, 'pg_wal'));
  const next = await createPglite(data);
  expect(await next.query('select n from public.kept')).toEqual([{ n: 1 }]);
  await next.close();
});
