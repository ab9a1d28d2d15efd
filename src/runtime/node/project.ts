import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import type { Config } from '../../config.ts';
import type { Environment } from '../../engine/app.ts';
import type { SqlDatabase } from '../../engine/database.ts';
import { createEngine, type Engine, type EngineOptions } from '../../engine/engine.ts';
import { applyMigrations, checksumOf, type Migration, readLedger, sortMigrations } from '../../engine/migrate.ts';
import { ConfigError, describeError, SupasaasyError } from '../../errors.ts';
import { deploymentName } from './deployment-name.ts';
import { createFetchAt } from './fetch-at.ts';
import { createHolder } from './holder.ts';
import { readMigrations } from './migration-files.ts';
import { connectionsOf } from './postgres/connections-of.ts';
import { createPostgres } from './postgres.ts';
import { createNodeSend } from './send.ts';

export const CONFIG_FILE = 'supasaasy.config.ts';

/** Imports a configuration file (TypeScript is fine: the command line registers a loader). */
export async function loadConfig(file: string): Promise<Config> {
  const path = resolve(file);
  if (!existsSync(path)) {
    throw new ConfigError(`there is no ${file}: run "supasaasy init", or name the file with --config`);
  }
  let module: { default?: Config };
  try {
    module = (await import(pathToFileURL(path).href)) as { default?: Config };
  } catch (error) {
    if (error instanceof ConfigError)
      throw new ConfigError(`${file}: ${error.message.split('\n', 1)[0]}`, error.problems, { cause: error });
    if (error instanceof SupasaasyError) throw error;
    throw new ConfigError(`${file} cannot be loaded: ${describeError(error)}`, [], { cause: error });
  }
  if (module.default === undefined || !Array.isArray(module.default.apps)) {
    throw new ConfigError(`${file} must say "export default defineConfig({ apps: […] })"`);
  }
  return module.default;
}

/** The Postgres that the environment names, if it names one. */
export function databaseUrl(env: Environment): string | undefined {
  return env['DATABASE_URL'] || env['SUPABASE_DB_URL'] || undefined;
}

/** `DATABASE_URL`, or PGlite in `dataDir`. */
export async function openDatabase(env: Environment, dataDir: string): Promise<SqlDatabase> {
  const url = databaseUrl(env);
  if (url === undefined) {
    // A whole PostgreSQL, 40 MB of memory: only for whom it is.
    const { createPglite } = await import('./pglite.ts');
    return await createPglite(resolve(dataDir));
  }
  const max = connectionsOf(env);
  return createPostgres({
    connectionString: url,
    variable: env['DATABASE_URL'] ? 'DATABASE_URL' : 'SUPABASE_DB_URL',
    ...(max === undefined ? {} : { max }),
  });
}

/** The folder of the embedded database of a project. */
export const dataDirOf = (folder: string) => join(folder, '.supasaasy', 'pglite');

/** The migrations of the engine and of the configured connectors (S4-36, S4-37). */
export async function configuredMigrations(config: Config): Promise<Migration[]> {
  return sortMigrations(await readMigrations([...new Set(config.apps.map((app) => app.connector))]));
}

/** Those that the database lacks, or has in an older text. */
export async function pendingMigrations(config: Config, database: SqlDatabase): Promise<Migration[]> {
  const done = new Map((await readLedger(database)).map((row) => [`${row.source}/${row.name}`, row.checksum]));
  const pending: Migration[] = [];
  for (const migration of await configuredMigrations(config)) {
    if (done.get(`${migration.source}/${migration.name}`) !== (await checksumOf(migration.sql)))
      pending.push(migration);
  }
  return pending;
}

/** Applies what the database lacks, and declares the configuration there. */
export async function migrate({
  config,
  database,
  engine,
}: Pick<Project, 'config' | 'database' | 'engine'>): Promise<Migration[]> {
  const applied = await applyMigrations(database, await configuredMigrations(config));
  await engine.declare();
  return applied;
}

/** An embedded database has one owner, wherever its folder lies. */
const EMBEDDED_DEPLOYMENT = 'embedded';

export interface Project {
  /** Where the configuration lies; `.env` and `.supasaasy/` are beside it. */
  readonly folder: string;
  readonly config: Config;
  readonly database: SqlDatabase;
  readonly engine: Engine;
  /** Folder of the embedded database; undefined where the database is a server. */
  readonly dataDir: string | undefined;
  close(): Promise<void>;
}

export interface ProjectOptions extends Partial<Pick<EngineOptions, 'ports' | 'settings' | 'onPage'>> {
  readonly configFile: string;
  readonly env: Environment;
  /** Whose `.supasaasy/` it is; default: where the configuration lies. */
  readonly folder?: string;
  /** Default: `.supasaasy/pglite` there. */
  readonly dataDir?: string;
  /** A configuration that was loaded before, perhaps with fewer apps. */
  readonly config?: Config;
}

const resolveHost = async (host: string) => (await lookup(host, { all: true })).map(({ address }) => address);

/** Config, database and engine, as every command needs them. */
export async function openProject(options: ProjectOptions): Promise<Project> {
  const { configFile, env, folder = dirname(resolve(configFile)), config: given, ...rest } = options;
  const { dataDir = dataDirOf(folder), ...engineOptions } = rest;
  const config = given ?? (await loadConfig(configFile));
  const database = await openDatabase(env, dataDir);
  const { ports } = engineOptions;
  const send = ports?.fetch === undefined ? { send: createNodeSend() } : {};
  const engine = createEngine({
    config,
    database,
    env,
    process: { host: hostname(), pid: process.pid },
    deployment: database.kind === 'pglite' ? EMBEDDED_DEPLOYMENT : deploymentName(config, folder),
    ...engineOptions,
    ports: { ...send, resolve: resolveHost, fetchAt: createFetchAt(), holder: createHolder(), ...ports },
  });
  return {
    folder,
    config,
    database,
    engine,
    dataDir: database.kind === 'pglite' ? resolve(dataDir) : undefined,
    close: () => database.close(),
  };
}
