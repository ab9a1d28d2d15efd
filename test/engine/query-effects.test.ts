import { beforeAll, expect, it } from 'vitest';
import { queryMirror } from '../../src/engine/query.ts';
import { RequestRefusedError } from '../../src/errors.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';

/** Each would leave something behind, reach outside, or hold something for others. */
const HOSTILE: readonly string[] = [
  // Locks.
  'select pg_advisory_lock(1)',
  'select pg_try_advisory_lock(1, 2)',
  'select pg_advisory_xact_lock_shared(1)',
  'select pg_catalog.pg_advisory_lock(7)',
  'select "pg_advisory_lock"(8)',
  'select PG_ADVISORY_LOCK(9)',
  'select pg_advisory_unlock_all()',
  'select pg_advisory_lock(n) from generate_series(1, 3) n',
  'with held as (select pg_advisory_lock(2)) select * from held',
  'with held as materialized (select pg_advisory_lock(2)) select 1',
  'select 1 where pg_try_advisory_lock(3)',
  'select count(*) from entities order by pg_try_advisory_lock(4)',
  'select 1 from entities group by external_id having pg_try_advisory_lock(5)',
  'select case when false then 1 else (select 1 from pg_advisory_lock(6)) end',
  'select * from entities, lateral (select pg_advisory_lock(11)) held',
  'select * from pg_advisory_lock(12) as held',
  'values (pg_advisory_lock(13)::text)',
  '(select 1) union all (select 2 from pg_advisory_lock(14))',
  'select sum(1) filter (where pg_try_advisory_lock(15)) from entities',
  'select row_number() over (order by pg_try_advisory_lock(16)) from entities',
  '/* harmless */ select /**/ pg_advisory_lock /* really */ (17)',
  'select * from entities for update',
  'select * from entities for key share',
  'lock table supasaasy.entities',
  'table public.locking_view',
  'select count(*) from public.view_of_locking_view',
  'select public.locking_function()',
  'select 1 operator(public.@@@@) 2',
  'select public.locking_sum(1)',
  `select table_to_xml('public.locking_view', true, true, '')`,
  `select query_to_xml('select pg_advisory_lock(18)', true, true, '')`,
  `select query_to_xml_and_xmlschema('select pg_advisory_lock(18)', true, true, '')`,
  `select schema_to_xml('public', true, true, '')`,
  `select cursor_to_xml('answer', 1, true, true, '')`,
  `select * from ts_stat('select to_tsvector(pg_advisory_lock(19)::text)')`,
  `select ts_rewrite('a'::tsquery, 'select ''a''::tsquery, (pg_advisory_lock(20) is null)::text::tsquery')`,
  // Waiting, and others' sessions.
  'select pg_sleep(20)',
  `select pg_sleep_for('20 s')`,
  `select pg_sleep_until('infinity')`,
  'select pg_terminate_backend(pg_backend_pid())',
  'select pg_cancel_backend(pid) from pg_stat_activity',
  'select pg_reload_conf()',
  'select pg_rotate_logfile()',
  // Notices and the log of changes.
  `select pg_notify('supasaasy_feed', '')`,
  'notify supasaasy_feed',
  'listen supasaasy_feed',
  'unlisten *',
  `select pg_logical_emit_message(false, 'a', 'b')`,
  'select pg_switch_wal()',
  'select pg_export_snapshot()',
  // Settings, of the session or of chance.
  `select set_config('work_mem', '1GB', false)`,
  `select set_config('search_path', 'public', false)`,
  `select current_setting('supasaasy.secret', true)`,
  'set work_mem = 1000000',
  'reset all',
  'discard all',
  'select setseed(0.5)',
  'set constraints all immediate',
  'show work_mem',
  // Files and large objects.
  `select pg_read_file('PG_VERSION')`,
  `select pg_ls_dir('.')`,
  `select pg_stat_file('PG_VERSION')`,
  `select lo_import('/etc/passwd')`,
  'select lo_create(0)',
  `select lo_from_bytea(0, 'x')`,
  `copy (select 1) to '/tmp/stolen'`,
  'copy (select 1) to stdout',
  `copy entities from program 'id'`,
  `load 'auto_explain'`,
  // Statements that are no query, one way or another.
  'explain analyze select pg_advisory_lock(21)',
  'explain (analyze, verbose) select pg_advisory_lock(22)',
  'explain (analyze) select pg_sleep(20)',
  '/* why */ explain analyze select pg_advisory_lock(23)',
  'explain analyze delete from entities',
  'explain analyze execute kept',
  `do $$ begin perform pg_advisory_lock(24); end $$`,
  `do language plpgsql 'begin perform pg_advisory_lock(25); end'`,
  'prepare kept as select 1',
  'execute kept',
  'deallocate all',
  'declare kept cursor with hold for select 1',
  'fetch all from kept',
  'create temp table kept as select 1',
  'select 1 as n into temp kept',
  'create function pg_temp.f() returns int language sql as $$ select 1 $$',
  'call public.locking_procedure()',
  'vacuum',
  'begin',
  'savepoint kept',
  'rollback',
  'select 1; select pg_advisory_lock(26)',
  'select 1 /* ; */ ; -- \n select pg_advisory_lock(27)',
  // A parenthesis too many, for whoever puts the text into one.
  'select 1) as asked; select pg_advisory_lock(28); select * from (select 1',
  'select 1) as asked, (select pg_advisory_lock(29)',
  `select nextval('supasaasy.change_seq')`,
  `select setval('supasaasy.change_seq', 1)`,
  'delete from entities returning 1',
  'with gone as (delete from entities returning 1) select 1',
  'merge into entities using entities e on false when matched then delete',
];

const ALLOWED: readonly string[] = [
  'select 1 -- ) as asked',
  `select 'pg_advisory_lock(1)' as text`,
  'select 1 as "pg_advisory_lock(1) :funcid 2880"',
  'select external_id, external_id from entities',
  'table entities',
  'values (1, 2), (3, 4)',
  'with recursive n(i) as (select 1 union all select i + 1 from n where i < 5) select sum(i) from n',
  `select date_trunc('day', now()), clock_timestamp() > now(), random() < 2, gen_random_uuid() is not null`,
  `select lower('A') || ' ' || to_char(now(), 'YYYY'), jsonb_path_query('{"a": [1]}', '$.a[*]')`,
  `select pg_relation_size('supasaasy.entities') >= 0, pg_size_pretty(1::bigint)`,
  'select row(1, 2), entities from entities',
  'select relname from pg_class limit 1',
  'select count(*) from pg_locks',
  'select count(*) from information_schema.columns',
  'explain select 1',
  'explain analyze select count(*) from entities',
  'explain (analyze, costs off) select count(*) from entities',
  "select string_agg(external_id, ',' order by external_id), percentile_cont(0.5) within group (order by version) from entities",
  'select array_agg(x) from unnest(array[1, 2]) x;',
  ' select 1 ; ',
];

describeEachDatabase(
  'a query that would have an effect',
  (make) => {
    let db: TestDatabase;
    const ask = async (sql: string) => await queryMirror(db.database, { sql, limit: 10 });
    const locks = async () => await db.query(`select count(*)::integer as n from pg_locks where locktype = 'advisory'`);
    beforeAll(async () => {
      db = await make({ template: 'engine' });
      await db.query(`select supasaasy.ensure_collection('shop_order')`);
      await db.query(`insert into supasaasy.entities (app_key, collection_key, external_id, raw_payload, payload_hash, version, version_until, version_source, observed_at, created_at, updated_at)
        values ('shop', 'shop_order', 'o1', '{}', 1, 1, 1, 'read', now(), now(), now())`);
      for (const statement of [
        'create view public.locking_view as select pg_try_advisory_lock(30) as held',
        'create view public.view_of_locking_view as select * from public.locking_view',
        `create function public.locking_function() returns integer language plpgsql as $$ begin perform pg_advisory_lock(31); return 1; end $$`,
        'create procedure public.locking_procedure() language sql as $$ select pg_advisory_lock(32) $$',
        `create function public.locking_two(integer, integer) returns integer language plpgsql as $$ begin perform pg_advisory_lock(33); return 1; end $$`,
        'create operator public.@@@@ (leftarg = integer, rightarg = integer, function = public.locking_two)',
        'create aggregate public.locking_sum(integer) (sfunc = public.locking_two, stype = integer, initcond = 0)',
        'grant usage on schema public to public',
        'grant select on public.locking_view, public.view_of_locking_view to public',
      ])
        await db.query(statement);
    });

    it('C25: refuses what locks, waits, notifies, writes, reads files, changes settings or is no query', {
      timeout: 300_000,
    }, async () => {
      const answered: string[] = [];
      for (const sql of HOSTILE) {
        const refused = await ask(sql).then(
          (answer) => `answered ${answer}`,
          (error: unknown) => (error instanceof RequestRefusedError ? undefined : `failed: ${String(error)}`),
        );
        if (refused !== undefined) answered.push(`${sql} ${refused}`);
      }
      expect(answered).toEqual([]);
    });

    it('C25: answers what only reads', { timeout: 300_000 }, async () => {
      const refused: string[] = [];
      for (const sql of ALLOWED)
        await ask(sql).catch((error: unknown) => refused.push(`${sql} failed: ${String(error)}`));
      expect(refused).toEqual([]);
    });

    it('C25: leaves no lock, no table, no view, no object and no setting behind', async () => {
      expect(await locks()).toEqual([{ n: 0 }]);
      expect(await db.query('select external_id from supasaasy.entities')).toEqual([{ external_id: 'o1' }]);
      expect(await db.query('select from pg_largeobject_metadata')).toEqual([]);
      expect(await db.query(`select relname from pg_class where relname ~ '^(asked_|kept)'`)).toEqual([]);
      expect(await db.query('select name from pg_prepared_statements')).toEqual([]);
    });

    it('C25: names the function and the kind of what it may not do', async () => {
      await expect(ask('select pg_sleep(1), pg_advisory_lock(1)')).rejects.toThrow(
        'the query calls pg_advisory_lock, pg_sleep: a query may call no function that locks, waits, notifies',
      );
      await expect(ask('drop table entities')).rejects.toThrow(RequestRefusedError);
    });

    it('C25: a session that answered a query is met by nobody else', async () => {
      if (db.database.kind === 'pglite') return;
      const pid = async () => (await db.query<{ pid: number }>('select pg_backend_pid() as pid'))[0]?.pid;
      const before = await pid();
      // A function that claims to have no effect, and has one.
      await db.query(
        `create or replace function public.liar() returns integer language plpgsql stable as $$ begin perform pg_advisory_lock(34); return 1; end $$`,
      );
      await ask('select public.liar()');
      expect(await locks()).toEqual([{ n: 0 }]);
      expect(await pid()).not.toBe(before);
    });
  },
  { kinds: ['pglite', 'postgres', 'pg15'] },
);
