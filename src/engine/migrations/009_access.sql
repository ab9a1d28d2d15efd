-- Who may see what. Row level security is on for every table; members of an app's workspace read, the service role
-- works, nobody else sees anything. `set_auth(false)` opens reading, `set_auth(true)` closes it again.

-- The signed-in user: PostgREST puts the token's claims into this setting. Null for a subject that is no UUID.
create or replace function supasaasy.current_user_id() returns uuid
language sql stable set search_path = '' as $$
  select case when sub ~ '^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$' then sub::uuid end
  from (select coalesce(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub',
    current_setting('request.jwt.claim.sub', true)) as sub) claims;
$$;

-- Runs with its owner's rights, because a reader sees neither `settings` nor others' memberships. It answers with the
-- keys that the caller may read anyway, and takes no argument.
create or replace function supasaasy.readable_app_keys() returns text[]
language sql stable security definer set search_path = '' as $$
  select coalesce(array_agg(a.app_key), '{}') from supasaasy.apps a
  where exists (select 1 from supasaasy.settings s where s.key = 'auth_enabled' and s.value = 'false'::jsonb)
    or exists (select 1 from supasaasy.members m where m.workspace_id = a.workspace_id and m.user_id = supasaasy.current_user_id());
$$;

do $$
declare
  name text;
begin
  foreach name in array array['entities', 'changes', 'runs', 'sync_state', 'apps'] loop
    if not exists (select 1 from pg_policies where schemaname = 'supasaasy' and tablename = name and policyname = 'members_read') then
      execute format('create policy members_read on supasaasy.%I for select using (app_key = any ((select supasaasy.readable_app_keys())::text[]))', name);
    end if;
  end loop;
  if not exists (select 1 from pg_policies where schemaname = 'supasaasy' and tablename = 'members' and policyname = 'own_membership') then
    create policy own_membership on supasaasy.members for select using (user_id = (select supasaasy.current_user_id()));
  end if;
end $$;

-- Everything that readers may touch beside the views: the tables that have a policy for them.
create or replace function supasaasy.readable_relations() returns setof text
language sql stable set search_path = '' as $$
  select c.relname::text from pg_catalog.pg_class c
  where c.relnamespace = 'supasaasy'::regnamespace
    and (c.relkind = 'v' or c.relname in ('entities', 'changes', 'runs', 'sync_state', 'apps', 'members', 'certificates', 'passes', 'tasks'));
$$;

-- What readers may call: what the policies and views call for them, and for members the functions that check by
-- themselves which consumer a user may use, or that read rows as their caller.
create or replace function supasaasy.readable_functions() returns table (signature text, members_only boolean)
language sql stable set search_path = '' as $$
  select p.oid::regprocedure::text, p.proname not in ('readable_app_keys', 'current_user_id') and p.proname not like 'as\_%'
  from pg_catalog.pg_proc p
  where p.pronamespace = 'supasaasy'::regnamespace and (
    p.proname in ('readable_app_keys', 'current_user_id')
    or p.proname like 'as\_%' and not p.prosecdef
    or p.proname in ('consumer_recv', 'consumer_ack', 'consumer_nack', 'consumer_extend', 'consumer_release', 'consumer_seek', 'consumer_lag', 'consumer_status',
      'entity_as_of', 'entity_versions', 'diff_values', 'diff_versions'));
$$;

-- Closes everything, then opens what the readers need, where Supabase's roles exist. Called at the end of every
-- migration, so that a table, a view or a function that came with it is as closed as the others.
create or replace function supasaasy.grant_access() returns void
language plpgsql set search_path = '' as $$
declare
  open boolean := exists (select 1 from supasaasy.settings where key = 'auth_enabled' and value = 'false'::jsonb);
  role_name text;
  name text;
begin
  for name in select c.relname from pg_catalog.pg_class c
    where c.relnamespace = 'supasaasy'::regnamespace and c.relkind in ('r', 'p') and not c.relrowsecurity
  loop
    execute format('alter table supasaasy.%I enable row level security', name);
  end loop;
  -- A view that ran with its owner's rights would show every row to everybody.
  for name in select c.relname from pg_catalog.pg_class c
    where c.relnamespace = 'supasaasy'::regnamespace and c.relkind = 'v'
      and not coalesce(c.reloptions && array['security_invoker=true', 'security_invoker=on', 'security_invoker=1'], false)
  loop
    execute format('alter view supasaasy.%I set (security_invoker = true)', name);
  end loop;

  revoke all on schema supasaasy from public;
  revoke all on all tables in schema supasaasy from public;
  revoke all on all sequences in schema supasaasy from public;
  revoke all on all functions in schema supasaasy from public;
  foreach role_name in array array['anon', 'authenticated'] loop
    continue when not exists (select 1 from pg_catalog.pg_roles where rolname = role_name);
    -- "Expose this schema" instructions grant everything to these roles, also on what comes later.
    execute format('alter default privileges in schema supasaasy revoke all on tables from %I', role_name);
    execute format('alter default privileges in schema supasaasy revoke all on sequences from %I', role_name);
    execute format('alter default privileges in schema supasaasy revoke all on functions from %I', role_name);
    execute format('revoke all on schema supasaasy from %I', role_name);
    execute format('revoke all on all tables in schema supasaasy from %I', role_name);
    execute format('revoke all on all sequences in schema supasaasy from %I', role_name);
    execute format('revoke all on all functions in schema supasaasy from %I', role_name);
    continue when role_name = 'anon' and not open;
    execute format('grant usage on schema supasaasy to %I', role_name);
    for name in select supasaasy.readable_relations() loop
      execute format('grant select on supasaasy.%I to %I', name, role_name);
    end loop;
    -- What the view of health counts; never what a delivery or a refused record says.
    execute format('grant select (app_key, state, received_at) on supasaasy.inbox to %I', role_name);
    execute format('grant select (app_key, collection_key, resolved_at) on supasaasy.quarantine to %I', role_name);
    for name in select f.signature from supasaasy.readable_functions() f where role_name = 'authenticated' or not f.members_only loop
      execute format('grant execute on function %s to %I', name, role_name);
    end loop;
  end loop;
  if exists (select 1 from pg_catalog.pg_roles where rolname = 'service_role') then
    grant usage on schema supasaasy to service_role;
    grant all on all tables in schema supasaasy to service_role;
    grant all on all sequences in schema supasaasy to service_role;
    grant execute on all functions in schema supasaasy to service_role;
  end if;
  perform supasaasy.grant_reader();
end $$;

create or replace function supasaasy.set_auth(p_enabled boolean) returns void
language plpgsql set search_path = '' as $$
begin
  insert into supasaasy.settings (key, value) values ('auth_enabled', to_jsonb(p_enabled))
  on conflict (key) do update set value = excluded.value;
  perform supasaasy.grant_access();
end $$;

create or replace function supasaasy.declare_apps(p_apps jsonb) returns void
language sql set search_path = '' as $$
  update supasaasy.apps set configured = false where not p_apps @> jsonb_build_array(jsonb_build_object('app_key', app_key));
  insert into supasaasy.apps (app_key, name, connector)
  select a ->> 'app_key', a ->> 'name', a ->> 'connector' from jsonb_array_elements(p_apps) a
  on conflict (app_key) do update set name = excluded.name, connector = excluded.connector, configured = true;
$$;
