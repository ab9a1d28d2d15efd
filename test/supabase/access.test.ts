import { beforeAll, expect, it } from 'vitest';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import '../http/hosted.ts';

const MEMBER = '11111111-1111-4111-8111-111111111111';
const STRANGER = '22222222-2222-4222-8222-222222222222';

/** PGlite has no roles of Supabase; then they are made here. */
const ROLES = `do $$ declare name text; begin
  foreach name in array array['anon', 'authenticated', 'service_role'] loop
    if not exists (select 1 from pg_roles where rolname = name) then execute format('create role %I nologin', name); end if;
  end loop;
  alter role service_role bypassrls;
end $$;`;

const DATA = `
  select supasaasy.declare_apps('[{"app_key": "stripe_main", "name": "Stripe", "connector": "stripe"}, {"app_key": "stripe-2", "name": "Other", "connector": "stripe"}]');
  update supasaasy.apps set workspace_id = 'other' where app_key = 'stripe-2';
  insert into supasaasy.members (user_id) values ('${MEMBER}');
  insert into supasaasy.entities (app_key, collection_key, external_id, raw_payload, payload_hash, version, version_until, version_source, observed_at, created_at, updated_at)
  select app, 'stripe_customer', 'cus_' || n, jsonb_build_object('id', 'cus_' || n, 'email', n || '@example.com'), n, 1, 1, 'read', now(), now(), now()
  from unnest(array['stripe_main', 'stripe-2']) app, generate_series(1, 3) n;
  insert into supasaasy.inbox (app_key, event_id, event_type, body) values ('stripe_main', 'evt_1', 'x', 'secret body');
  insert into supasaasy.quarantine (app_key, collection_key, reason, raw, origin) values ('stripe_main', 'stripe_customer', 'x', 'secret body', 'x');`;

describeEachDatabase(
  'access',
  (make) => {
    let database: TestDatabase;
    beforeAll(async () => {
      database = await make({ template: 'both connectors' });
      await database.database.script(ROLES);
      await database.database.script(DATA);
      await database.query('select supasaasy.set_auth(true)');
    });

    /** What a statement gives to a role and user, as through PostgREST: the rows, or the SQLSTATE. */
    async function as(role: string, user: string | null, sql: string): Promise<unknown> {
      const claims = JSON.stringify({ role, ...(user === null ? {} : { sub: user }) });
      const text = `create or replace function pg_temp.tried() returns jsonb language plpgsql as $tried$
        declare result jsonb;
        begin
          execute $sql$ select coalesce(jsonb_agg(to_jsonb(q)), '[]') from (${sql}) q $sql$ into result;
          return result;
        exception when insufficient_privilege then return to_jsonb(sqlstate);
        end $tried$;`;
      // One transaction: roles and claims end with it.
      await database.database.script(`${text}
        select set_config('request.jwt.claims', '${claims}', true);
        create table if not exists public.answer (value jsonb); grant all on public.answer to public; delete from public.answer;
        grant usage on schema public to public;
        set local role ${role};
        insert into public.answer select pg_temp.tried();`);
      const [row] = await database.query<{ value: unknown }>('select value from public.answer');
      return row?.value;
    }
    const count = async (role: string, user: string | null, relation: string) =>
      await as(role, user, `select count(*)::int as n, array_agg(distinct app_key) as apps from supasaasy.${relation}`);

    it('A39: a member reads the apps of the own workspace, through tables and views', async () => {
      for (const relation of ['entities', 'stripe_customers'])
        expect([relation, await count('authenticated', MEMBER, relation)]).toEqual([
          relation,
          [{ n: 3, apps: ['stripe_main'] }],
        ]);
      expect(await as('authenticated', MEMBER, 'select app_key from supasaasy.apps')).toEqual([
        { app_key: 'stripe_main' },
      ]);
      expect(await as('authenticated', MEMBER, 'select user_id from supasaasy.members')).toEqual([{ user_id: MEMBER }]);
    });

    it('A39: a member can read every view that there is', async () => {
      const views = await database.query<{ name: string }>(
        `select relname as name from pg_class where relnamespace = 'supasaasy'::regnamespace and relkind = 'v'`,
      );
      expect(views.length).toBeGreaterThan(30);
      const refused = [];
      for (const { name } of views)
        if ((await as('authenticated', MEMBER, `select * from supasaasy."${name}"`)) === '42501') refused.push(name);
      expect(refused).toEqual([]);
    });

    it('A39: a stranger, and a token without a user, read nothing', async () => {
      for (const user of [STRANGER, null, 'no-uuid'])
        for (const relation of ['entities', 'stripe_customers', 'apps'])
          expect([user, relation, await count('authenticated', user, relation)]).toEqual([
            user,
            relation,
            [{ n: 0, apps: null }],
          ]);
      expect(await as('authenticated', STRANGER, 'select supasaasy.readable_app_keys() as keys')).toEqual([
        { keys: [] },
      ]);
      expect(await as('authenticated', MEMBER, 'select supasaasy.readable_app_keys() as keys')).toEqual([
        { keys: ['stripe_main'] },
      ]);
    });

    it('A39, A40: anon may not even look', async () => {
      for (const relation of ['entities', 'stripe_customers', 'apps', 'inbox', 'entities_stripe_customer'])
        expect([relation, await count('anon', null, relation)]).toEqual([relation, '42501']);
      expect(await as('anon', null, 'select supasaasy.readable_app_keys()')).toBe('42501');
    });

    it('A39: service_role reads everything', async () => {
      expect(await count('service_role', null, 'entities')).toEqual([{ n: 6, apps: ['stripe-2', 'stripe_main'] }]);
      expect(await count('service_role', null, 'inbox')).toEqual([{ n: 1, apps: ['stripe_main'] }]);
    });

    it('A39: no partition can be read past the policies of its parent', async () => {
      for (const user of [MEMBER, STRANGER])
        for (const partition of ['entities_stripe_customer', 'entities_other'])
          expect(await count('authenticated', user, partition)).toBe('42501');
    });

    it('I9: members do not see what deliveries and refused records say', async () => {
      expect(await as('authenticated', MEMBER, 'select body from supasaasy.inbox')).toBe('42501');
      expect(await as('authenticated', MEMBER, 'select raw from supasaasy.quarantine')).toBe('42501');
      for (const table of ['settings', 'migrations', 'schedules', 'schedule_runs', 'rate_budgets'])
        expect([table, await as('authenticated', MEMBER, `select * from supasaasy.${table}`)]).toEqual([
          table,
          '42501',
        ]);
    });

    it('A40: neither anon nor a member writes, or calls what writes', async () => {
      for (const [role, user] of [
        ['anon', null],
        ['authenticated', MEMBER],
      ] as const) {
        const may = await database.query<{ name: string }>(
          `select c.relname || ' ' || p as name from pg_class c, unnest(array['insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p
           where c.relnamespace = 'supasaasy'::regnamespace and c.relkind in ('r', 'p', 'v') and has_table_privilege($1, c.oid, p)`,
          [role],
        );
        expect([role, may]).toEqual([role, []]);
        for (const call of [
          'set_auth(false)',
          "start_run('stripe_main', 'full', 'x', '{}', '[]')",
          "ring('/worker')",
          'install_jobs()',
          'grant_access()',
          "accept_deliveries('[]')",
        ])
          expect([role, call, await as(role, user, `select supasaasy.${call}`)]).toEqual([role, call, '42501']);
      }
    });

    it('A40: readers may call the named functions only, and of those that run as their owner only the ones that check', async () => {
      const callable = async (role: string) =>
        (
          await database.query<{ name: string }>(
            `select distinct p.proname as name from pg_proc p where p.pronamespace = 'supasaasy'::regnamespace
             and p.proname not like 'as\\_%' and has_function_privilege($1, p.oid, 'execute') and has_schema_privilege($1, 'supasaasy', 'usage') order by 1`,
            [role],
          )
        ).map(({ name }) => name);
      expect(await callable('anon')).toEqual([]);
      const members = await callable('authenticated');
      expect(members).toEqual(expect.arrayContaining(['current_user_id', 'readable_app_keys']));
      for (const name of members)
        expect(name).toMatch(
          /^(current_user_id|readable_app_keys|consumer_(recv|ack|nack|extend|release|seek|lag|status)|entity_(as_of|versions)|diff_(values|versions))$/,
        );
    });

    it('A39: set_auth(false) opens reading to everybody, and set_auth(true) closes it again', async () => {
      await database.query('select supasaasy.set_auth(false)');
      for (const [role, user] of [
        ['anon', null],
        ['authenticated', STRANGER],
      ] as const)
        for (const relation of ['entities', 'stripe_customers'])
          expect([role, relation, await count(role, user, relation)]).toEqual([
            role,
            relation,
            [{ n: 6, apps: ['stripe-2', 'stripe_main'] }],
          ]);
      expect(await as('anon', null, 'select body from supasaasy.inbox')).toBe('42501');
      expect(await as('anon', null, 'select supasaasy.set_auth(true)')).toBe('42501');
      await database.query('select supasaasy.set_auth(true)');
      expect(await count('anon', null, 'entities')).toBe('42501');
      expect(await as('anon', null, 'select supasaasy.readable_app_keys()')).toBe('42501');
      expect(await count('authenticated', STRANGER, 'entities')).toEqual([{ n: 0, apps: null }]);
      expect(await count('authenticated', MEMBER, 'stripe_customers')).toEqual([{ n: 3, apps: ['stripe_main'] }]);
    });

    it('what comes later is as closed: tables, and views that forgot whose rights they run with', async () => {
      await database.database.script(`
        alter default privileges in schema supasaasy grant all on tables to anon, authenticated;
        create table supasaasy.later (secret text);
        create view supasaasy.careless as select * from supasaasy.entities;
        select supasaasy.grant_access();
        create table supasaasy.later_still (secret text);`);
      expect(await as('authenticated', MEMBER, 'select * from supasaasy.later')).toBe('42501');
      expect(await as('authenticated', MEMBER, 'select * from supasaasy.later_still')).toBe('42501');
      expect(await count('authenticated', STRANGER, 'careless')).toEqual([{ n: 0, apps: null }]);
      expect(await count('authenticated', MEMBER, 'careless')).toEqual([{ n: 3, apps: ['stripe_main'] }]);
      await database.database.script(
        'drop view supasaasy.careless; drop table supasaasy.later, supasaasy.later_still;',
      );
    });

    it('row level security is on for every table', async () => {
      await database.query('select supasaasy.grant_access()');
      expect(
        await database.query(
          `select relname from pg_class where relnamespace = 'supasaasy'::regnamespace and relkind in ('r', 'p') and not relrowsecurity`,
        ),
      ).toEqual([]);
    });
  },
  { kinds: ['pglite', 'postgres', 'pg15'] },
);
