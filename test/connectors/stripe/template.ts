import { stripe } from '../../../connectors/stripe/index.ts';
import type { SqlDatabase } from '../../../src/engine/database.ts';
import { applyMigrations } from '../../../src/engine/migrate.ts';
import { readMigrations } from '../../../src/runtime/node/migration-files.ts';

/** A database with the engine's and Stripe's migrations. */
export async function migrateStripe(database: SqlDatabase): Promise<void> {
  await applyMigrations(database, await readMigrations([stripe]));
}
