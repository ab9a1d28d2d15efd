/** Runs one PostgreSQL server until its input closes; says its address, or what went wrong, in one line of JSON. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, cpSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import pg from 'pg';
import type { ClusterOrder } from './cluster.ts';
import { createServerFolder, findServerUser } from './server-user.ts';

/** Nothing here outlives a run, so nothing is made durable. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '128MB',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '2GB',
  checkpoint_timeout: '1h',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

const order = JSON.parse(process.argv[2] ?? '') as ClusterOrder;
const user = findServerUser();
const folder = createServerFolder(user);
const data = join(folder, 'data');
const password = randomBytes(12).toString('hex');
let server: ChildProcess | undefined;
let log = '';
let stopping = false;

// Ctrl-C and kill reach us only by name; the pipe says the rest.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
process.stdin.on('end', stop).on('close', stop).resume();
// Whoever read our line may be gone.
process.stdout.on('error', stop);

try {
  const url = await start();
  process.stdout.write(`${JSON.stringify({ url })}\n`);
} catch (error) {
  process.stdout.write(`${JSON.stringify({ error: error instanceof Error ? error.message : String(error) })}\n`);
  stop();
}

async function start(): Promise<string> {
  const bin = readableBinaries();
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, password);
  if (user.uid !== undefined && user.gid !== undefined) chownSync(passwordFile, user.uid, user.gid);
  // C.UTF-8 sorts by code point on every system; the provider `builtin` (17+) needs nothing of the system.
  const version = run(join(bin, 'initdb'), ['--version']);
  const builtin = Number(/\d+/.exec(version)?.[0]) >= 17;
  run(join(bin, 'initdb'), [
    `--pgdata=${data}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=password',
    '--no-sync',
    '--encoding=UTF8',
    ...(builtin ? ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : ['--locale=C.UTF-8']),
  ]);
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    if (await listens(bin, port)) {
      const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
      await prepare(url);
      return url;
    }
    if (attempt === 5) throw new Error(`it ended while starting:\n${log.slice(-2000)}`);
  }
}

/** The package's programs as they lie; or a copy that the server's user can read, with the links that npm cannot pack. */
function readableBinaries(): string {
  if (order.tree === undefined || runs(join(order.bin, 'postgres'))) return order.bin;
  const copy = join(folder, 'native');
  cpSync(order.tree, copy, { recursive: true, verbatimSymlinks: true });
  const links = join(copy, 'pg-symlinks.json');
  if (existsSync(links)) {
    for (const { source, target } of JSON.parse(readFileSync(links, 'utf8')) as { source: string; target: string }[]) {
      const at = resolve(copy, '..', target);
      if (!existsSync(at) && dirname(source) === dirname(target)) symlinkSync(basename(source), at);
    }
  }
  for (const name of ['initdb', 'postgres']) chmodSync(join(copy, 'bin', name), 0o755);
  return join(copy, 'bin');
}

function runs(program: string): boolean {
  return spawnSync(program, ['--version'], { ...user, cwd: '/' }).status === 0;
}

function run(program: string, args: string[]): string {
  const done = spawnSync(program, args, { ...user, cwd: '/', encoding: 'utf8', env: { PATH: process.env['PATH'] } });
  if (done.status === 0) return done.stdout;
  throw new Error(`${program}: ${done.error?.message ?? ''} ${done.stderr} ${done.stdout}`.trim());
}

async function listens(bin: string, port: number): Promise<boolean> {
  const settings = Object.entries({ ...SETTINGS, ...order.settings, port: String(port) });
  const child = spawn(join(bin, 'postgres'), ['-D', data, ...settings.flatMap(([k, v]) => ['-c', `${k}=${v}`])], {
    ...user,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'] },
  });
  server = child;
  return await new Promise((done) => {
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      log = (log + chunk).slice(-100_000);
      if (process.env['TEST_PG_LOG']) process.stderr.write(chunk);
      if (log.includes('database system is ready to accept connections')) done(true);
    });
    child.once('error', (error) => {
      log += error.message;
      done(false);
    });
    child.once('exit', () => {
      server = undefined;
      done(false);
      if (stopping) remove();
    });
  });
}

async function prepare(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(order.initSql);
  await client.end();
}

async function freePort(): Promise<number> {
  return await new Promise((done, fail) => {
    const probe = createServer().once('error', fail);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => done(port));
    });
  });
}

/** Immediate shutdown: the data is thrown away. */
function stop(): void {
  if (stopping) return;
  stopping = true;
  if (server === undefined) remove();
  server?.kill('SIGQUIT');
  setTimeout(() => server?.kill('SIGKILL'), 10_000).unref();
}

function remove(): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  process.exit();
}
