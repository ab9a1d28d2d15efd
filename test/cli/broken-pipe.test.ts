import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { configText, ONE_APP, temporaryFolder, temporaryMigratedFolder } from './cli.ts';

const BIN = join(fileURLToPath(new URL('../../', import.meta.url)), 'bin/supasaasy.js');

/** Runs a command whose reader takes nothing and closes: of its output, or of both streams. */
async function runUnread(folder: string, args: readonly string[], streams: 'stdout' | 'both') {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      SHOP_KEY: 'sk_test_1',
      SHOP_SECRET: 'whsec_1',
      PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stdout.destroy();
  if (streams === 'both') child.stderr.destroy();
  else child.stderr.on('data', (chunk) => (said += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

it('C15: a command whose output is not read ends quietly, with its own exit code', async () => {
  const folder = await temporaryMigratedFolder(ONE_APP);
  const commands: [string[], number][] = [
    [['--help'], 0],
    [['status'], 0],
    [['query', 'select generate_series(1, 500)'], 0],
    [['query', 'select no_such_column'], 1],
    [['no-such-command'], 2],
  ];
  for (const [args, code] of commands) {
    const ended = await runUnread(folder, args, 'stdout');
    expect([args, ended.code], ended.said).toEqual([args, code]);
    expect(ended.said).not.toMatch(/EPIPE|at .*\.(ts|js):\d+/);
  }
  expect((await runUnread(folder, ['status', '--json'], 'both')).code).toBe(0);
}, 600_000);

it('C15: a server whose output is not read stops in order', async () => {
  const folder = await temporaryMigratedFolder(ONE_APP);
  const ended = await runUnread(folder, ['serve', '--port', '0'], 'stdout');
  expect(ended.code).toBe(0);
  expect(ended.said).not.toMatch(/EPIPE|at .*\.(ts|js):\d+/);
}, 600_000);

it('C15: an error is still an error when its message is not read', async () => {
  const folder = temporaryFolder(configText('{ apps: 5 }'));
  expect((await runUnread(folder, ['status'], 'both')).code).toBe(2);
}, 600_000);
