import { intercom } from '../../../connectors/intercom/index.ts';
import { applyMigrations } from '../../../src/engine/migrate.ts';
import { readMigrations } from '../../../src/runtime/node/migration-files.ts';
import { registerTemplate } from '../../setup/database.ts';

/** The engine and this connector, migrated. */
export const INTERCOM_TEMPLATE = 'intercom';

registerTemplate(INTERCOM_TEMPLATE, async (database) => {
  await applyMigrations(database, await readMigrations([intercom]));
});
