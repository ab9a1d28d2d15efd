import { createTestDatabase, databases, type TestDatabase } from '../setup/database.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';

/** Where stories are told. */
export interface Stage {
  /** A database that takes one call after the other, or many at one time. */
  databaseFor(slots: number): TestDatabase;
  close(): Promise<void>;
}

/** Nothing but the story may move rows: their order on disk is the order of what has no other. */
const NO_VACUUM = `do $$ declare t regclass; begin
  for t in select oid from pg_class where relnamespace = 'supasaasy'::regnamespace and relkind = 'r' loop
    execute format('alter table %s set (autovacuum_enabled = off, toast.autovacuum_enabled = off)', t);
  end loop;
end $$`;

/** PostgreSQL tells a story in a third to two thirds of PGlite's time, and several tasks of one really at one time. */
export async function createStage(): Promise<Stage> {
  if (databases.postgres.unavailable() !== undefined) {
    const only = await createTestDatabase('pglite', { template: ACME_TEMPLATE });
    return { databaseFor: () => only, close: () => only.close() };
  }
  const create = async (max: number) => {
    const database = await createTestDatabase('postgres', { template: ACME_TEMPLATE, max });
    await database.query(NO_VACUUM);
    return database;
  };
  const [alone, crowd] = await Promise.all([create(1), create(4)]);
  return {
    databaseFor: (slots) => (slots === 1 ? alone : crowd),
    close: async () => void (await Promise.all([alone.close(), crowd.close()])),
  };
}
