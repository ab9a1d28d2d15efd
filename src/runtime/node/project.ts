import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import type { Config } from '../../config.ts';
import type { Environment } from '../../engine/app.ts';
import type { SqlDatabase } from '../../engine/database.ts';
import { createEngine, type Engine, type EngineOptions } from '../../engine/engine.ts';
import { deploymentName, EMBEDDED_DEPLOYMENT } from './deployment-name.ts';
import { loadConfig } from './load-config.ts';
import { nodePorts } from './node-ports.ts';
import { connectionsOf } from './postgres/connections-of.ts';
import { createPostgres } from './postgres.ts';

export { configuredMigrations, migrate, pendingMigrations } from './migrate.ts';

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

/** Config, database and engine, as every command needs them. */
export async function openProject(options: ProjectOptions): Promise<Project> {
  const { configFile, env, folder = dirname(resolve(configFile)), config: given, ...rest } = options;
  const { dataDir = dataDirOf(folder), ...engineOptions } = rest;
  const config = given ?? (await loadConfig(configFile));
  const database = await openDatabase(env, dataDir);
  const engine = createEngine({
    config,
    database,
    env,
    process: { host: hostname(), pid: process.pid },
    deployment: database.kind === 'pglite' ? EMBEDDED_DEPLOYMENT : deploymentName(config, folder),
    ...engineOptions,
    ports: nodePorts(engineOptions.ports),
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
