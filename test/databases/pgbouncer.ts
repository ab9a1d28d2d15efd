import { spawn } from 'node:child_process';
import { chownSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createServerFolder, findServerUser } from '../setup/server-user.ts';
import { through } from './proxy.ts';

const PROGRAM = '/usr/sbin/pgbouncer';

/** Why there is none here, for the name of the skipped test. */
export function noPgbouncer(): string | undefined {
  return existsSync(PROGRAM) ? undefined : `no ${PROGRAM} (apt-get install pgbouncer)`;
}

/** Debian's PgBouncer before the server of `url`, with its user; ended with the test. Its own address. */
export async function startPgbouncer(url: string, mode: 'session' | 'transaction', size: number): Promise<string> {
  const { hostname, port: serverPort, username, password } = new URL(url);
  const user = findServerUser();
  const folder = createServerFolder(user);
  const port = await freePort();
  const files: Record<string, string> = {
    'users.txt': `"${decodeURIComponent(username)}" "${decodeURIComponent(password)}"\n`,
    'pgbouncer.ini': `[databases]
* = host=${hostname} port=${serverPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${join(folder, 'users.txt')}
pool_mode = ${mode}
default_pool_size = ${size}
`,
  };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    if (user.uid !== undefined && user.gid !== undefined) chownSync(join(folder, name), user.uid, user.gid);
  }
  const child = spawn(PROGRAM, [join(folder, 'pgbouncer.ini')], {
    ...user,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  let log = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      log += chunk;
      if (log.includes('process up')) resolve();
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`pgbouncer ended with ${code}: ${log}`)));
  });
  return through(url, port);
}

async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
