import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { stripe } from '../../connectors/stripe/index.ts';
import { applyMigrations, type Migration } from '../../src/engine/migrate.ts';
import { readMigrations } from '../../src/runtime/node/migration-files.ts';
import { describeEachDatabase } from '../setup/database.ts';

describeEachDatabase('an upgrade', (make) => {
  /** A connector's first release, and the next: the table's column comes in a file of its own (CONTRIBUTING). */
  const released: Migration[] = [
    {
      source: 'shop',
      name: '001_notes.sql',
      sql: 'create table if not exists supasaasy.shop_notes (id text primary key);',
    },
    {
      source: 'shop',
      name: '002_view.sql',
      sql: 'create or replace view supasaasy.shop_view as select id from supasaasy.shop_notes;',
    },
  ];
  const next: Migration[] = [
    ...released.slice(0, 1),
    {
      source: 'shop',
      name: '002_view.sql',
      sql: 'create or replace view supasaasy.shop_view as select id, 1 as one from supasaasy.shop_notes;',
    },
    {
      source: 'shop',
      name: '003_text.sql',
      sql: 'alter table supasaasy.shop_notes add column if not exists text text;',
    },
  ];

  it('A36 reaches a database that has the older files: what changed and what is new is applied, the rows stay', async () => {
    const { database, query } = await make({ template: 'engine' });
    const engine = await readMigrations([]);
    expect(await applyMigrations(database, [...engine, ...released])).toHaveLength(2);
    await query(`insert into supasaasy.shop_notes values ('kept')`);
    const applied = await applyMigrations(database, [...engine, ...next]);
    expect(applied.map(({ name }) => name)).toEqual(['002_view.sql', '003_text.sql']);
    expect(await query('select id, text from supasaasy.shop_notes')).toEqual([{ id: 'kept', text: null }]);
    expect(await query('select one from supasaasy.shop_view')).toEqual([{ one: 1 }]);
    expect(await applyMigrations(database, [...engine, ...next])).toEqual([]);
  });

  it('A36 ends with the same tables whether the engine came file by file or at once, and again', async () => {
    const engine = await readMigrations([]);
    const columns = `select table_name, column_name, data_type, is_nullable, column_default from information_schema.columns
      where table_schema = 'supasaasy' order by 1, 2`;
    const { query: fresh } = await make({ template: 'engine' });
    const { database, query } = await make({ template: 'engine' });
    // As if each file had been released in an older text.
    await query(`update supasaasy.migrations set checksum = 'older'`);
    expect(await applyMigrations(database, engine)).toHaveLength(engine.length);
    expect(await query(columns)).toEqual(await fresh(columns));
  });
});

const SCHEMA_0_1_0 = new URL('../fixtures/schema-750a340.sql', import.meta.url);

describeEachDatabase(
  'a database of 0.1.0',
  (make) => {
    it('A36 is upgraded in place: its rows stay, and the tables are those of a new database', async () => {
      const migrations = await readMigrations([stripe]);
      const { database, query } = await make();
      await database.script(readFileSync(SCHEMA_0_1_0, 'utf8'));
      const kept = `select collection_key, external_id, raw_payload, version, deleted_at from supasaasy.entities order by 1, 2`;
      const before = await query(kept);
      const changes = await query('select seq, external_id, operation from supasaasy.changes order by 1');
      expect([before.length, changes.length]).toEqual([96, 96]);

      await applyMigrations(database, migrations);

      expect(await query(kept)).toEqual(before);
      expect(await query('select seq, external_id, operation from supasaasy.changes order by 1')).toEqual(changes);
      expect(await query('select count(*)::int as n from supasaasy.stripe_customers')).toEqual([{ n: 16 }]);
      expect(await query('select state from supasaasy.passes group by 1')).toEqual([{ state: 'swept' }]);
      expect(await query('select name from supasaasy.consumers')).toEqual([{ name: 'reader' }]);
      const columns = `select table_name, column_name, data_type, is_nullable, column_default from information_schema.columns
        where table_schema = 'supasaasy' order by 1, 2`;
      const fresh = await make();
      await applyMigrations(fresh.database, migrations);
      expect(await query(columns)).toEqual(await fresh.query(columns));
      expect(await applyMigrations(database, migrations)).toEqual([]);
    });
  },
  { kinds: ['pglite', 'postgres', 'pg15'] },
);
