import { expect, it, onTestFinished } from 'vitest';
import { assembleMigrations } from '../../src/engine/assemble.ts';
import type { SqlDatabase } from '../../src/engine/database.ts';
import { applyMigrations } from '../../src/engine/migrate.ts';
import { queryMirror } from '../../src/engine/query.ts';
import { readMigrations } from '../../src/runtime/node/migration-files.ts';
import { createPostgres } from '../../src/runtime/node/postgres.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { acme } from '../support/acme-connector.ts';
import { createMirror } from '../support/mirror.ts';
import { makeOwned, runFile } from './owned.ts';

function open(url: string): SqlDatabase {
  const database = createPostgres({ connectionString: url, max: 3 });
  onTestFinished(() => database.close());
  return database;
}

const asTest = (database: SqlDatabase): TestDatabase => ({
  kind: 'postgres',
  database,
  query: (sql, params = []) => database.query(sql, params),
  close: () => database.close(),
});

const count = (database: SqlDatabase) => queryMirror(database, { sql: 'select count(*) as n from entities', limit: 1 });

async function migrate(database: SqlDatabase): Promise<void> {
  await applyMigrations(database, await readMigrations([acme]));
  await database.call('grant_access', {});
}

/** A full sync and a query about it. */
async function mirrors(database: SqlDatabase): Promise<void> {
  const mirror = createMirror(asTest(database));
  mirror.account.create('thing', { value: 1, active: true, parts: [] });
  await mirror.full();
  expect(await count(database)).toContain('"n":1');
}

/** What the error says an administrator is to run. */
async function remedyOf(failing: Promise<unknown>): Promise<string> {
  const message = await failing.then(
    () => 'it did not fail',
    (error: Error) => error.message,
  );
  const [, statement] = /let an administrator run "(.+?)", then run/.exec(message) ?? [];
  expect(statement, message).toBeDefined();
  return statement ?? '';
}

describeEachDatabase(
  'an owner without superuser',
  (make) => {
    it('C22: with CREATEROLE, migrates by command, syncs, and asks the mirror; and again', async () => {
      const { url } = await makeOwned(make, 'createrole');
      const database = open(url);
      await migrate(database);
      await mirrors(database);
      await database.query(`update supasaasy.migrations set checksum = 'older'`);
      await migrate(database);
      expect(await count(database)).toContain('"n":1');
      await expect(queryMirror(database, { sql: 'select * from settings', limit: 1 })).rejects.toThrow('permission');
    });

    it('C22: with CREATEROLE and NOINHERIT, too', async () => {
      const { url } = await makeOwned(make, 'createrole noinherit');
      const database = open(url);
      await migrate(database);
      await database.query(`update supasaasy.migrations set checksum = 'older'`);
      await migrate(database);
      await mirrors(database);
    });

    it('C22: with CREATEROLE, takes the assembled file, and the next one', async () => {
      const { url } = await makeOwned(make, 'createrole');
      const { config } = createMirror(asTest(open(url)));
      const assembly = await assembleMigrations({
        config,
        migrations: await readMigrations([acme]),
        existing: [],
        nowMs: 0,
      });
      if (assembly.state !== 'new') throw new Error('nothing was assembled');
      await runFile(url, assembly.file.text);
      await runFile(url, assembly.file.text);
      await mirrors(open(url));
    });

    it('C22 C33: without CREATEROLE, works but for queries; and they work once the named statement was run', async () => {
      const { url, admin } = await makeOwned(make);
      const database = open(url);
      await migrate(database);
      const statement = await remedyOf(count(database));
      expect(statement).toMatch(/^create role supasaasy_reader_\w+ nologin; grant supasaasy_reader_\w+ to owner_/);
      await admin.database.script(statement);
      await migrate(database);
      await mirrors(database);
    });

    it('C33: a role that was made and not granted is named with the grant', async () => {
      const { url, admin } = await makeOwned(make);
      const database = open(url);
      await migrate(database);
      const statement = await remedyOf(count(database));
      await admin.database.script(statement.split(';')[0] ?? '');
      await migrate(database);
      const second = await remedyOf(count(database));
      expect(second).toMatch(/^grant supasaasy_reader_\w+ to owner_\w+$/);
      await admin.database.script(second);
      await migrate(database);
      await mirrors(database);
    });

    it('C23: may create nothing in the database: is given the statement, and works after it', async () => {
      const { url, role, name, admin } = await makeOwned(make, 'createrole');
      await admin.database.script(
        `alter database "${name}" owner to postgres; revoke create, temporary on database "${name}" from public`,
      );
      const database = open(url);
      const statement = await remedyOf(migrate(database));
      expect(statement).toBe(`create schema supasaasy authorization ${role}`);
      await admin.database.script(statement);
      await migrate(database);
      await mirrors(database);
    });

    it("C23: an administrator's schema: what is missing is named, one right after the other", async () => {
      const { url, role, name, admin } = await makeOwned(make, 'createrole');
      await admin.database.script(
        `alter database "${name}" owner to postgres; revoke create, temporary on database "${name}" from public; create schema supasaasy`,
      );
      const database = open(url);
      expect(await remedyOf(migrate(database))).toBe(`alter schema supasaasy owner to ${role}`);
      await admin.database.script(`grant usage on schema supasaasy to ${role}`);
      expect(await remedyOf(migrate(database))).toBe(`alter schema supasaasy owner to ${role}`);
      // Enough for everything but queries, which take a right that only the schema's owner has.
      await admin.database.script(`grant create on schema supasaasy to ${role}`);
      await migrate(database);
      const mirror = createMirror(asTest(database));
      mirror.account.create('thing', { value: 1, active: true, parts: [] });
      await mirror.full();
      const statement = await remedyOf(count(database));
      expect(statement).toBe(`alter schema supasaasy owner to ${role}`);
      await admin.database.script(statement);
      await migrate(database);
      expect(await count(database)).toContain('"n":1');
    });

    it('C24: two mirrors on one server, of two owners, are kept apart', async () => {
      const one = await makeOwned(make, 'createrole');
      const two = await makeOwned(make, 'createrole');
      await migrate(open(one.url));
      await mirrors(open(one.url));
      await migrate(open(two.url));
      const address = new URL(one.url);
      address.username = two.role;
      const stranger = open(address.href);
      // Roles of the server that two's owner is a member of.
      const roles = await stranger.query<{ name: string }>(
        `select rolname as name from pg_roles where pg_has_role(rolname, 'member') and rolname <> current_user`,
      );
      for (const { name } of roles) {
        if (!/^supasaasy/.test(name)) continue;
        await expect(
          stranger.script(`set local role ${name}; select count(*) from supasaasy.entities`),
        ).rejects.toThrow('permission denied');
      }
      await expect(stranger.query('select count(*) from supasaasy.entities')).rejects.toThrow('permission denied');
      const readers = await one.admin.query<{ reader: string }>(
        `select distinct r.rolname as reader from pg_policies p cross join unnest(p.roles) n join pg_roles r on r.rolname = n where p.policyname = 'reader_reads'`,
      );
      expect(readers).toHaveLength(1);
      expect(roles.map(({ name }) => name)).not.toContain(readers[0]?.reader);
    });

    it('C24: a copy of a database, handed to another owner, gets a role of its own', async () => {
      const one = await makeOwned(make, 'createrole');
      await migrate(open(one.url));
      const two = await makeOwned(make, 'createrole');
      // As a restore does that brings tables and settings, and the name of a role which is the other one's.
      await migrate(open(two.url));
      const [other] = await one.admin.query<{ value: string }>(
        `select value #>> '{}' as value from supasaasy.settings where key = 'reader_role'`,
      );
      await two.admin.query(`update supasaasy.settings set value = to_jsonb($1::text) where key = 'reader_role'`, [
        other?.value,
      ]);
      const [version] = await two.admin.query<{ n: number }>(
        `select current_setting('server_version_num')::integer as n`,
      );
      await migrate(open(two.url));
      // Before 16, who has CREATEROLE may join any role: there is nothing to keep apart.
      if ((version?.n ?? 0) < 160_000) return;
      const [own] = await two.admin.query<{ value: string }>(
        `select value #>> '{}' as value from supasaasy.settings where key = 'reader_role'`,
      );
      expect(own?.value).not.toBe(other?.value);
      await mirrors(open(two.url));
    });

    it('C24: the one role of 0.1.0 loses its rights, and goes with the last database that has it', async () => {
      const { url, admin } = await makeOwned(make, 'createrole');
      const database = open(url);
      await migrate(database);
      await mirrors(database);
      // As 0.1.0 left it.
      await admin.database.script(`create role supasaasy_reader nologin noinherit; grant usage on schema supasaasy to supasaasy_reader;
        grant select on all tables in schema supasaasy to supasaasy_reader; grant execute on function supasaasy.readable_app_keys() to supasaasy_reader;
        drop policy reader_reads on supasaasy.entities; create policy reader_reads on supasaasy.entities for select to supasaasy_reader using (true);
        alter function supasaasy.query_mirror(text, integer, boolean) owner to supasaasy_reader;
        delete from supasaasy.settings where key = 'reader_role'; update supasaasy.migrations set checksum = '0.1.0' where name = '030_query.sql'`);
      await migrate(database);
      expect(await count(database)).toContain('"n":1');
      expect(await admin.query(`select tablename from pg_policies where 'supasaasy_reader' = any (roles)`)).toEqual([]);
      const rights = await admin.query<{ may: boolean }>(
        `select has_schema_privilege('supasaasy_reader', 'supasaasy', 'usage') or has_table_privilege('supasaasy_reader', 'supasaasy.entities', 'select') as may
         from pg_roles where rolname = 'supasaasy_reader'`,
      );
      expect(rights.filter(({ may }) => may)).toEqual([]);
      // A superuser's migration removes it.
      await admin.database.call('grant_access', {});
      expect(await admin.query(`select from pg_roles where rolname = 'supasaasy_reader'`)).toEqual([]);
    });
  },
  { kinds: ['postgres', 'pg15'] },
);
