import { beforeAll, expect, it } from 'vitest';
import { QUERY_TIMEOUT_MS, queryMirror } from '../../src/engine/query.ts';
import { RequestRefusedError } from '../../src/errors.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';

describeEachDatabase(
  'a query about the mirror',
  (make) => {
    let db: TestDatabase;
    const ask = async (sql: string, limit = 100, cells = false) =>
      await queryMirror(db.database, { sql, limit, cells });
    beforeAll(async () => {
      db = await make({ template: 'engine' });
      await db.query(`select supasaasy.ensure_collection('shop_order')`);
      await db.query(`insert into supasaasy.entities (app_key, collection_key, external_id, raw_payload, payload_hash, version, version_until, version_source, observed_at, created_at, updated_at)
        values ('shop', 'shop_order', 'o1', '{"total": 12345678901234567890}', 1, 1, 1, 'read', now(), now(), now())`);
      await db.query(`create schema vault`);
      await db.query(`create table vault.secrets (secret text)`);
      await db.query(`insert into vault.secrets values ('the-vault')`);
      await db.query(`insert into supasaasy.settings (key, value) values ('canary', '"the-setting"')`);
    });

    it('answers with columns in their order, every digit, and at most as many rows as wished', async () => {
      expect(await ask(`select raw_payload -> 'total' as total, external_id, deleted_at from entities`)).toBe(
        '{"columns":["total","external_id","deleted_at"],"rows":[{"total":12345678901234567890,"external_id":"o1","deleted_at":null}],"truncated":false}',
      );
      expect(await ask('select 9007199254740993 as n, null as nothing', 1, true)).toBe(
        '{"columns":["n","nothing"],"rows":[["9007199254740993",null]],"truncated":false}',
      );
      expect(await ask('select n from generate_series(1, 10) n;', 2)).toBe(
        '{"columns":["n"],"rows":[{"n":1},{"n":2}],"truncated":true}',
      );
      expect(await ask('select 1 as n where false -- nothing')).toBe('{"columns":[],"rows":[],"truncated":false}');
    });

    it('shows the mirror, runs, tasks, the inbox and the quarantine, past the row level security of members', async () => {
      for (const table of ['entities', 'changes', 'runs', 'tasks', 'inbox', 'quarantine', 'certificates', 'sync_state'])
        expect(await ask(`select count(*) as n from ${table}`), table).toContain('"n":');
      expect(await ask('select external_id from supasaasy.entities')).toContain('o1');
      expect(await ask('explain select 1')).toContain('QUERY PLAN');
    });

    it('writes nothing, however it is asked to', async () => {
      for (const sql of [
        'delete from entities',
        `with gone as (delete from entities returning *) select * from gone`,
        `insert into entities default values`,
        `create table public.mine (n int)`,
        `select set_config('transaction_read_only', 'off', true), query_to_xml('delete from supasaasy.entities', true, true, '')`,
        `select nextval('supasaasy.change_seq')`,
        `select supasaasy.pause_app('shop', 'because')`,
        'select 1; delete from supasaasy.entities',
        `copy supasaasy.entities to '/tmp/stolen'`,
        `copy (select 1) to program 'touch /tmp/stolen'`,
        `do $do$ begin delete from supasaasy.entities; end $do$`,
        'commit',
      ])
        await expect(ask(sql), sql).rejects.toThrow(RequestRefusedError);
      expect(await db.query('select external_id from supasaasy.entities')).toEqual([{ external_id: 'o1' }]);
      // PostgreSQL 15 lets a read-only transaction do this.
      await ask('select lo_create(0)').catch(() => {});
      expect(await db.query('select from pg_largeobject_metadata')).toEqual([]);
      // And what comes after it may write again.
      await db.query(`update supasaasy.settings set value = '"the-setting"' where key = 'canary'`);
    });

    it('runs read-only, as the reader, and not longer than half a minute; what comes after it does not', async () => {
      const names = `('statement_timeout', 'transaction_read_only')`;
      const answer = await ask(
        `select s.setting, current_user::text as me from pg_settings s where s.name in ${names} order by s.name`,
      );
      const { rows } = JSON.parse(answer) as { rows: unknown };
      expect(rows).toEqual([
        { setting: '30000', me: expect.stringMatching(/^supasaasy_reader/) },
        { setting: 'on', me: expect.stringMatching(/^supasaasy_reader/) },
      ]);
      expect(QUERY_TIMEOUT_MS).toBe(30_000);
      expect(await db.query(`select setting from pg_settings where name in ${names} order by name`)).toEqual([
        { setting: '0' },
        { setting: 'off' },
      ]);
    });

    it('A45: sees no secret: no vault, no settings, no members, no files, and never as another role', async () => {
      const all = `query_to_xml('select secret from vault.secrets', true, true, '')`;
      for (const sql of [
        'select * from vault.secrets',
        'select * from supasaasy.settings',
        'select * from supasaasy.members',
        'select * from supasaasy.consumer_grants',
        `select pg_read_file('PG_VERSION')`,
        'select rolpassword from pg_authid',
        `select set_config('role', 'none', true), ${all}`,
        `select set_config('session_authorization', 'postgres', true), ${all}`,
        'reset role',
        'set role postgres',
      ])
        await expect(ask(sql), sql).rejects.toThrow(RequestRefusedError);
    });

    it('says what PostgreSQL says of a statement that is wrong', async () => {
      await expect(ask('select nothing from entities')).rejects.toThrow('column "nothing" does not exist');
      await expect(ask('select * from no_such_view')).rejects.toThrow('relation "no_such_view" does not exist');
      await expect(ask('selec 1')).rejects.toThrow('syntax error at or near "selec"');
      await expect(ask('select 1/0')).rejects.toThrow('division by zero');
    });
  },
  { kinds: ['pglite', 'postgres', 'pg15'] },
);
