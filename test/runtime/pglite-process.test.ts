import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
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

/** A process that opens the folder, reads TypeScript as the command line does, and says what it ends with. */
function run(body: string, ...flags: string[]): Promise<{ code: number | null; said: string }> {
  const path = (name: string) => new URL(`../../${name}`, import.meta.url).href;
  const script = `
    import { createPglite } from '${path('src/runtime/node/pglite.ts')}';
    const database = await createPglite(${JSON.stringify(data)});
    ${body}`;
  const args = [...flags, '--import', path('bin/read-typescript.js'), '--input-type=module', '--eval', script];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, said: said.trim() })));
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
