import type { Config } from '../../config.ts';
import type { SqlDatabase } from '../../engine/database.ts';
import { declareFeed } from '../../engine/feed/declare-feed.ts';
import { applyMigrations, checksumOf, type Migration, readLedger, sortMigrations } from '../../engine/migrate.ts';
import { toDeclaredSchedules } from '../../engine/schedule.ts';
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

/** Migrates, and tells the database which apps and which access the configuration declares. */
export async function migrate(config: Config, database: SqlDatabase): Promise<Migration[]> {
  const applied = await applyMigrations(database, await configuredMigrations(config));
  await declare(config, database);
  return applied;
}

/** What the configuration says about apps and access, for policies, views and `status`. */
export async function declare(config: Config, database: SqlDatabase): Promise<void> {
  await database.call('declare_apps', {
    apps: config.apps.map((app) => ({ app_key: app.app_key, name: app.name, connector: app.connector.metadata.name })),
  });
  await database.call('set_auth', { enabled: config.auth.enabled });
  await database.call('declare_schedules', { schedules: toDeclaredSchedules(config) });
  // Jobs of pg_cron, where it is; elsewhere `serve` is the clock.
  await database.call('install_jobs', {});
  await declareFeed(config, database);
}
