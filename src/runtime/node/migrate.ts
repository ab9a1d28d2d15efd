import type { Config } from '../../config.ts';
import type { SqlDatabase } from '../../engine/database.ts';
import type { Engine } from '../../engine/engine.ts';
import { applyMigrations, checksumOf, type Migration, readLedger, sortMigrations } from '../../engine/migrate.ts';
import { readMigrations } from './migration-files.ts';

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
}: {
  readonly config: Config;
  readonly database: SqlDatabase;
  readonly engine: Pick<Engine, 'declare'>;
}): Promise<Migration[]> {
  const applied = await applyMigrations(database, await configuredMigrations(config));
  await engine.declare();
  return applied;
}
