import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Config } from '../../config.ts';
import type { Environment } from '../../engine/app.ts';
import type { SqlDatabase } from '../../engine/database.ts';
import { createEngine, type Engine, type EngineOptions } from '../../engine/engine.ts';
import { applyMigrations, type Migration } from '../../engine/migrate.ts';
import { ConfigError } from '../../errors.ts';
import { readMigrations } from './migration-files.ts';
import { createPglite } from './pglite.ts';
import { createPostgres } from './postgres.ts';

/** Imports a configuration file (TypeScript is fine: the command line registers a loader). */
export async function loadConfig(file: string): Promise<Config> {
  const path = resolve(file);
  if (!existsSync(path)) throw new ConfigError(`there is no ${file}: run "supasaasy init", or name one with --config`);
  const module = (await import(pathToFileURL(path).href)) as { default?: Config };
  if (module.default === undefined || !Array.isArray(module.default.apps)) {
    throw new ConfigError(`${file} must have "export default defineConfig({...})"`);
  }
  return module.default;
}

/** `DATABASE_URL`, or PGlite in `.supasaasy/` beside the configuration. */
export async function openDatabase(env: Environment, dataDir = '.supasaasy/pglite'): Promise<SqlDatabase> {
  const url = env['DATABASE_URL'] ?? env['SUPABASE_DB_URL'];
  return url === undefined || url === '' ? await createPglite(resolve(dataDir)) : createPostgres({ connectionString: url });
}

/** The migrations of the engine and of the configured connectors (S4-36, S4-37). */
export async function configuredMigrations(config: Config): Promise<Migration[]> {
  return await readMigrations([...new Set(config.apps.map((app) => app.connector))]);
}

/** Migrates, and tells the database which apps and which access the configuration declares. */
export async function migrate(config: Config, database: SqlDatabase): Promise<Migration[]> {
  const applied = await applyMigrations(database, await configuredMigrations(config));
  await database.call('declare_apps', {
    apps: config.apps.map((app) => ({ app_key: app.app_key, name: app.name, connector: app.connector.metadata.name })),
  });
  await database.call('set_auth', { enabled: config.auth.enabled });
  return applied;
}

export interface Project {
  readonly config: Config;
  readonly database: SqlDatabase;
  readonly engine: Engine;
  close(): Promise<void>;
}

/** Config, database and engine, as every command needs them. */
export async function openProject(options: { configFile?: string; env: Environment } & Partial<Pick<EngineOptions, 'ports' | 'settings' | 'onPage'>>): Promise<Project> {
  const { configFile, env, ...engineOptions } = options;
  const config = await loadConfig(configFile ?? 'supasaasy.config.ts');
  const database = await openDatabase(env);
  return { config, database, engine: createEngine({ config, database, env, ...engineOptions }), close: () => database.close() };
}
