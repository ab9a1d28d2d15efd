import { hostname } from 'node:os';
import process from 'node:process';
import type { Config } from '../../config.ts';
import type { Environment } from '../../engine/app.ts';
import type { SqlDatabase } from '../../engine/database.ts';
import { createEngine as createInner, type Engine as Inner } from '../../engine/engine.ts';
import type { Feed } from '../../engine/feed/feed.ts';
import type { Log } from '../../engine/ports.ts';
import { deploymentName, EMBEDDED_DEPLOYMENT } from './deployment-name.ts';
import { migrate as applyAll } from './migrate.ts';
import { nodePorts } from './node-ports.ts';

export interface EngineOptions {
  readonly config: Config;
  readonly database: SqlDatabase;
  /** Where the secrets are that the configuration names. Default: `process.env`. */
  readonly env?: Environment;
  /** Default: warnings and errors go to standard error. */
  readonly log?: Log;
}

/** What a program can ask of an engine. */
export interface Engine extends Pick<Inner, 'config' | 'startRun' | 'work' | 'sync' | 'audit' | 'drain' | 'getRun'> {
  readonly feed: Omit<Feed, 'store'>;
}

/** What our own modules need of an engine beside that. */
export interface Parts {
  readonly inner: Inner;
  readonly database: SqlDatabase;
}

const partsOfEngine = new WeakMap<Engine, Parts>();

/** Creates or upgrades the schema `supasaasy`, and declares the configuration. Returns the names of what was applied. */
export async function migrate(engine: Engine): Promise<readonly string[]> {
  const { inner, database } = partsOf(engine);
  const applied = await applyAll({ config: engine.config, database, engine: inner });
  return applied.map(({ source, name }) => `${source}/${name}`);
}

/** An engine on Node. The database must be migrated (`migrate`). */
export function createEngine(options: EngineOptions): Engine {
  const { config, database, env = process.env, log = logToStderr } = options;
  const inner = createInner({
    config,
    database,
    env,
    process: { host: hostname(), pid: process.pid },
    deployment: database.kind === 'pglite' ? EMBEDDED_DEPLOYMENT : deploymentName(config, process.cwd()),
    ports: nodePorts({ log }),
  });
  const { startRun, work, sync, audit, drain, getRun } = inner;
  const { run, runOnce, publish, consumers } = inner.feed;
  const engine: Engine = {
    config,
    startRun,
    work,
    sync,
    audit,
    drain,
    getRun,
    feed: { run, runOnce, publish, consumers },
  };
  partsOfEngine.set(engine, { inner, database });
  return engine;
}

export function partsOf(engine: Engine): Parts {
  const parts = partsOfEngine.get(engine);
  if (parts === undefined) throw new TypeError('this is no engine of createEngine()');
  return parts;
}

const logToStderr: Log = (level, message) => {
  if (level === 'warn' || level === 'error') process.stderr.write(`supasaasy: ${message}\n`);
};
