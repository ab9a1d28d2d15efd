/**
 * The feed's numbers: `npm run bench:feed [-- loss killed ownership speed latency ingest]` (default: all of them), on
 * PostgreSQL 18 and, where Debian's is installed, 15. Prints a table, writes bench/results/feed.json, and ends with 1
 * when something was lost, repeated, reordered or owned twice. A goal of speed that is missed is told, no more: it
 * depends on what else the machine does.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { applyMigrations } from '../src/engine/migrate.ts';
import { readMigrations } from '../src/runtime/node/migration-files.ts';
import { createPostgres } from '../src/runtime/node/postgres.ts';
import { type Binaries, type Cluster, findDebian15, findEmbedded, startCluster } from '../test/setup/cluster.ts';
import { measureIngest } from './feed/ingest.ts';
import { measureLatency } from './feed/latency.ts';
import { measureLoss } from './feed/loss.ts';
import type { Bench, Measured } from './feed/measured.ts';
import { measureOwnership } from './feed/ownership.ts';
import { measureSpeed } from './feed/speed.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    changes: { type: 'string', default: '30000' },
    runs: { type: 'string', default: '5' },
    bytes: { type: 'string', default: '1024' },
    rows: { type: 'string', default: '20000' },
  },
});
const [changes, runs, bytes, rows] = [values.changes, values.runs, values.bytes, values.rows].map(Number) as [
  number,
  number,
  number,
  number,
];

const PARTS: Readonly<Record<string, (bench: Bench) => Promise<Measured | Measured[]>>> = {
  ownership: measureOwnership,
  loss: (bench) => measureLoss(bench, { changes, runs }, false),
  killed: (bench) => measureLoss(bench, { changes, runs }, true),
  speed: (bench) => measureSpeed(bench, bytes),
  latency: async (bench) => [await measureLatency(bench, true), await measureLatency(bench, false)],
  ingest: (bench) => measureIngest(bench, rows, bytes),
};
const wanted = positionals.length === 0 ? Object.keys(PARTS) : positionals;
for (const name of wanted)
  if (PARTS[name] === undefined)
    throw new Error(`there is no part "${name}" (parts: ${Object.keys(PARTS).join(', ')})`);

/** Durable, unlike the tests' servers: a commit that waits for no disk would make everything look faster. */
const DURABLE = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' };
const SERVERS: readonly [string, Binaries | string][] = [
  ['PostgreSQL 18', findEmbedded()],
  ['PostgreSQL 15', findDebian15()],
];

const machine = {
  cpu: cpus()[0]?.model ?? '?',
  cores: availableParallelism(),
  memoryGB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  loadBefore: loadavg()[0] ?? 0,
};
console.log(
  `${machine.cores} × ${machine.cpu}, ${machine.memoryGB} GB, Node ${machine.node}, load ${machine.loadBefore}`,
);

const results: (Measured & { readonly server: string })[] = [];
for (const [server, binaries] of SERVERS) {
  if (typeof binaries === 'string') {
    console.log(`${server}: left out, ${binaries}`);
    continue;
  }
  const cluster = await startCluster({ ...binaries, settings: { ...binaries.settings, ...DURABLE } });
  const bench = createBench(server, cluster);
  for (const name of wanted) {
    for (const measured of [(await PARTS[name]?.(bench)) ?? []].flat()) {
      results.push({ server, ...measured });
      console.log(line(server, measured));
    }
  }
  await cluster.stop();
}

const report = { at: new Date().toISOString(), machine: { ...machine, loadAfter: loadavg()[0] ?? 0 }, results };
await mkdir(new URL('results/', import.meta.url), { recursive: true });
await writeFile(new URL('results/feed.json', import.meta.url), `${JSON.stringify(report, null, 2)}\n`);

console.log(`\nload ${report.machine.loadBefore} before, ${report.machine.loadAfter} after`);
for (const { server, ...measured } of results) console.log(line(server, measured));
if (results.some((measured) => measured.mustHold === true && !measured.met)) process.exitCode = 1;

function line(server: string, { what, result, goal, met }: Measured): string {
  return `${met ? 'ok    ' : 'MISSED'} ${server.padEnd(14)} ${what.padEnd(66)} ${result} (goal ${goal})`;
}

function createBench(server: string, cluster: Cluster): Bench {
  let databases = 0;
  return {
    async fresh() {
      const admin = createPostgres({ connectionString: cluster.url, max: 1 });
      databases += 1;
      const name = `bench_${databases}`;
      await admin.query(`create database ${name}`);
      const url = new URL(cluster.url);
      url.pathname = `/${name}`;
      const database = createPostgres({ connectionString: url.href, max: 30 });
      await applyMigrations(database, await readMigrations([]));
      return {
        database,
        url: url.href,
        async close() {
          await database.close();
          await admin.query(`drop database ${name} with (force)`);
          await admin.close();
        },
      };
    },
    say: (text) => console.error(`${server}: ${text}`),
  };
}
