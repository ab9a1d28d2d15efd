/** The engine in a process of its own, so that CPU time and memory are the engine's. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SqlDatabase } from '../../src/engine/database.ts';
import { createEngine, type Engine } from '../../src/engine/engine.ts';
import type { AuditRun } from '../../src/engine/proof.ts';
import type { Run, RunOptions, SyncMode } from '../../src/engine/store.ts';
import { createPostgres } from '../../src/runtime/node/postgres.ts';
import { migrate } from '../../src/runtime/node/project.ts';
import { createNodeSend } from '../../src/runtime/node/send.ts';
import { serve } from '../../src/runtime/node/serve.ts';
import { answerCalls, cpuSeconds } from './child.ts';
import { type BenchApp, benchConfig } from './config.ts';
import type { SignedDelivery } from './sandbox-process.ts';

export interface EngineOrder extends BenchApp {
  /** Absent: PGlite, in a folder of its own that goes with the process. */
  readonly databaseUrl?: string;
}

export interface SyncOrder {
  readonly mode: SyncMode;
}

export interface SyncResult {
  readonly run: Run;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Bytes, the highest seen while it ran. */
  readonly rss: number;
  /** Seconds since the start and records so far, a point per two seconds at most. */
  readonly points: readonly (readonly [number, number, number])[];
}

let engine: Engine | undefined;
let mirror: SqlDatabase | undefined;
let records = 0;
let statements = 0;

function opened(): SqlDatabase {
  if (mirror === undefined) throw new Error('the engine was not opened');
  return mirror;
}

function running(): Engine {
  if (engine === undefined) throw new Error('the engine was not opened');
  return engine;
}

/** As `npm start` has it: on the disk. */
async function openPglite(): Promise<SqlDatabase> {
  const { createPglite } = await import('../../src/runtime/node/pglite.ts');
  const folder = mkdtempSync(join(tmpdir(), 'supasaasy-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  return await createPglite(join(folder, 'pglite'));
}

const calls = {
  async open({ databaseUrl, ...app }: EngineOrder): Promise<void> {
    const database = databaseUrl === undefined ? await openPglite() : createPostgres({ connectionString: databaseUrl });
    const config = benchConfig(app);
    mirror = database;
    const call: typeof database.call = async (name, args) => {
      statements += 1;
      return await database.call(name, args);
    };
    engine = createEngine({
      config,
      database: { ...database, call },
      env: { STRIPE_KEY: 'sk_live_bench', STRIPE_SECRET: 'whsec_bench' },
      ports: { send: createNodeSend() },
      onPage: (progress) => {
        records += progress.records;
      },
    });
    await migrate({ config, database, engine });
  },
  async sync({ mode }: SyncOrder): Promise<SyncResult> {
    const { store } = running();
    records = 0;
    const started = performance.now();
    const cpu = cpuSeconds();
    const points: [number, number, number][] = [];
    let rss = 0;
    const timer = setInterval(() => {
      rss = Math.max(rss, process.memoryUsage.rss());
      const at = (performance.now() - started) / 1000;
      if (at - (points.at(-1)?.[0] ?? -2) >= 2) points.push([at, records, rss]);
    }, 200);
    const { runId } = await running().startRun('stripe_main', mode);
    await running().work({ filter: { run_id: runId } });
    clearInterval(timer);
    const seconds = (performance.now() - started) / 1000;
    points.push([seconds, records, rss]);
    const run = await store.getRun(runId);
    if (run === null) throw new Error('the run vanished');
    return { run, seconds, cpuSeconds: cpuSeconds() - cpu, rss: Math.max(rss, process.memoryUsage.rss()), points };
  },
  /** Works what others have begun, until nothing is left: one of several workers. */
  async work(_: null): Promise<{ seconds: number; cpuSeconds: number }> {
    const started = performance.now();
    const cpu = cpuSeconds();
    await running().work();
    return { seconds: (performance.now() - started) / 1000, cpuSeconds: cpuSeconds() - cpu };
  },
  async audit(options: RunOptions): Promise<AuditRun> {
    return await running().audit('stripe_main', options);
  },
  /** Accepts one delivery and works the inbox: milliseconds from its arrival until its change is committed. */
  async deliver({ body, headers }: SignedDelivery): Promise<number> {
    const arrived = performance.now();
    await running().acceptor.accept(running().app('stripe_main'), new TextEncoder().encode(body), new Headers(headers));
    await running().drain();
    return performance.now() - arrived;
  },
  /** Database calls so far. */
  statements: (_: null) => statements,
  async start(mode: SyncMode): Promise<string> {
    return (await running().startRun('stripe_main', mode)).runId;
  },
  /** Serves as `supasaasy serve` does, until the process ends. */
  serve: (_: null): Promise<string> =>
    new Promise((resolve, reject) => {
      const options = { port: 0, host: '127.0.0.1', adminKeys: () => [], signal: new AbortController().signal };
      serve({ engine: running(), database: opened(), dataDir: undefined }, { ...options, onListening: resolve }).catch(
        reject,
      );
    }),
  cpu: (_: null): number => cpuSeconds(),
  rss: (_: null): number => process.memoryUsage.rss(),
  /** For PGlite, which nobody else can ask. */
  query: async (sql: string): Promise<Record<string, unknown>[]> => await opened().query(sql),
  peakRss: (_: null) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024,
};

export type EngineCalls = typeof calls;

answerCalls(calls);
