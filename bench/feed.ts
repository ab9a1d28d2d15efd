/**
 * The feed's numbers: `npm run bench:feed [-- proofs|speed …] [--changes 30000] [--runs 5]` (default: all of both), on
 * PostgreSQL 18 and, where Debian's is installed, 15. Prints tables and writes `bench/results/feed-proofs.json` and
 * `feed-speed.json`; with parts of one (`-- loss`, `-- latency`) or other sizes, it only prints. Ends with 1 when something was
 * lost, repeated, reordered or owned twice. A goal of speed that is missed is told, no more: it depends on what else the machine
 * does, which is why the CPU that was used is told too.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { intercom } from '../connectors/intercom/index.ts';
import { stripe } from '../connectors/stripe/index.ts';
import { applyMigrations } from '../src/engine/migrate.ts';
import { readMigrations } from '../src/runtime/node/migration-files.ts';
import { createPostgres } from '../src/runtime/node/postgres.ts';
import { findDebian15, findEmbedded } from '../test/setup/cluster.ts';
import { measureIngest } from './feed/ingest.ts';
import { measureLatency } from './feed/latency.ts';
import { measureLoss } from './feed/loss.ts';
import type { Bench, Measured } from './feed/measured.ts';
import { measureOwnership } from './feed/ownership.ts';
import { measureSpeed } from './feed/speed.ts';
import type { Goal, Row } from './harness/bench.ts';
import { describeMachine } from './harness/machine.ts';
import { type Server, startServer } from './harness/postgres.ts';
import { printGoals, printTable } from './harness/print.ts';

const SIZES = { changes: '30000', runs: '5', bytes: '1024', rows: '20000' };
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    changes: { type: 'string', default: SIZES.changes },
    runs: { type: 'string', default: SIZES.runs },
    bytes: { type: 'string', default: SIZES.bytes },
    rows: { type: 'string', default: SIZES.rows },
  },
});
const size = (name: keyof typeof SIZES) => Number(values[name]);

type Part = (bench: Bench) => Promise<Measured | Measured[]>;
interface Group {
  readonly what: string;
  readonly parts: Readonly<Record<string, Part>>;
  /** Of PostgreSQL, beyond its defaults. */
  readonly settings?: Readonly<Record<string, string>>;
}
const GROUPS: Readonly<Record<string, Group>> = {
  proofs: {
    // Processes are killed, not the machine: what waits for no disk commits closer together, which is the harder trial.
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' },
    what: 'the feed under 24 concurrent writers: what is lost, repeated after its acknowledgement, reordered within an entity, or owned twice',
    parts: {
      ownership: measureOwnership,
      loss: (bench) => measureLoss(bench, { changes: size('changes'), runs: size('runs') }, false),
      killed: (bench) => measureLoss(bench, { changes: size('changes'), runs: size('runs') }, true),
    },
  },
  speed: {
    what: 'the feed read by consumers: how fast, how soon, and what it costs a backfill',
    parts: {
      read: (bench) => measureSpeed(bench, size('bytes')),
      latency: async (bench) => [await measureLatency(bench, true), await measureLatency(bench, false)],
      ingest: (bench) => measureIngest(bench, size('rows'), size('bytes')),
    },
  },
};
const known = Object.entries(GROUPS).flatMap(([group, { parts }]) => [group, ...Object.keys(parts)]);
for (const name of positionals)
  if (!known.includes(name)) throw new Error(`there is no part "${name}" (parts: ${known.join(', ')})`);
const isWanted = (group: string, part: string) =>
  positionals.length === 0 || positionals.includes(group) || positionals.includes(part);
const sizesAsMeant = Object.entries(SIZES).every(([name, value]) => values[name as keyof typeof SIZES] === value);

const SERVERS: readonly [string, string | undefined][] = [
  ['18', why(findEmbedded())],
  ['15', why(findDebian15())],
];

for (const [name, group] of Object.entries(GROUPS)) {
  const wanted = Object.entries(group.parts).filter(([part]) => isWanted(name, part));
  if (wanted.length > 0) await measure(name, group, wanted);
}

async function measure(group: string, { what, settings, parts: all }: Group, parts: readonly [string, Part][]) {
  const began = performance.now();
  const machine = describeMachine(
    SERVERS.filter(([, missing]) => missing === undefined)
      .map(([major]) => major)
      .join(' and '),
    ...(settings === undefined ? [] : ['fsync, synchronous_commit and full_page_writes off']),
  );
  const goals: Goal[] = [];
  const tables: Record<string, Row[]> = {};
  const notes: string[] = [];
  for (const [major, missing] of SERVERS) {
    if (missing !== undefined) {
      notes.push(`PostgreSQL ${major} was left out: ${missing}`);
      continue;
    }
    const server = await startServer(settings, major);
    const bench = createBench(`PostgreSQL ${major}`, server);
    for (const [, run] of parts) {
      for (const one of [await run(bench)].flat()) {
        const measure = `PostgreSQL ${major}: ${one.what}`;
        goals.push({ measure, goal: one.goal, measured: one.result, met: one.met });
        for (const [title, rows] of Object.entries(one.tables ?? {}))
          tables[title] = [...(tables[title] ?? []), ...rows.map((row) => ({ PostgreSQL: major, ...row }))];
        console.log(`${one.met ? 'met    ' : 'MISSED '} ${measure}: ${one.result} (goal ${one.goal})`);
        if (one.mustHold === true && !one.met) process.exitCode = 1;
      }
    }
    await server.stop();
  }
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(`\n${what} (${seconds} s); load before: ${machine.load}`);
  for (const [title, rows] of Object.entries(tables)) printTable(title, rows);
  printGoals(goals);
  for (const note of notes) console.log(`\n${note}`);
  if (parts.length < Object.keys(all).length || !sizesAsMeant) return;
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  const name = `feed-${group}`;
  const result = { bench: name, what, at: new Date().toISOString(), seconds, machine, tables, goals, notes };
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
  console.log(`\nwritten to bench/results/${name}.json; "npm run bench:plot" puts it into docs/performance/results.md`);
}

function why(binaries: unknown): string | undefined {
  return typeof binaries === 'string' ? binaries : undefined;
}

function createBench(name: string, server: Server): Bench {
  return {
    async fresh() {
      const url = await server.createDatabase();
      const database = createPostgres({ connectionString: url, max: 30 });
      // With the partitions that a deployment has: they cost something at every look into the mirror.
      await applyMigrations(database, await readMigrations([stripe, intercom]));
      return {
        database,
        url,
        async close() {
          await database.close();
          await server.dropDatabase(url);
        },
      };
    },
    cpuSeconds: () => server.cpuSeconds(),
    say: (text) => console.error(`${name}: ${text}`),
  };
}
