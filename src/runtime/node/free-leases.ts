import type { SqlDatabase } from '../../engine/database.ts';

/**
 * An embedded database has one process, and that is us: whoever held a lease is dead, so its work need not wait for
 * the lease to run out.
 */
export async function freeLeases(database: SqlDatabase): Promise<void> {
  const [table] = await database.query<{ there: boolean }>(
    "select to_regclass('supasaasy.tasks') is not null and to_regclass('supasaasy.inbox') is not null as there",
  );
  if (table?.there !== true) return;
  await database.query("update supasaasy.tasks set lease_until = '-infinity' where state = 'running'");
  await database.query("update supasaasy.inbox set lease_until = '-infinity' where state = 'running'");
}
