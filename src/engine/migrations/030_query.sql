-- Reading the mirror by SQL that somebody else wrote: `supasaasy query`, `POST /query`. It runs as a role of its own,
-- which may see the mirror and the engine's own work and nothing else: no settings, no members, no Vault, no files.

-- A role belongs to the whole server: one name for every database would let the owner of one mirror read another. Each
-- database has a role with a name of its own, by chance, so that another owner cannot make it first. Returns the name, or
-- null where this user may neither make the role nor become it.
create or replace function supasaasy.own_reader() returns text
language plpgsql set search_path = '' as $$
declare
  caller record;
  grants_with_options constant boolean := current_setting('server_version_num')::integer >= 160000;
  reader text;
begin
  select rolsuper, rolcreaterole into caller from pg_catalog.pg_roles where rolname = current_user;
  -- The second name is for a copy of a database that belonged to another owner.
  for attempt in 1..2 loop
    select value #>> '{}' into reader from supasaasy.settings where key = 'reader_role';
    if reader is null then
      insert into supasaasy.settings (key, value)
      values ('reader_role', to_jsonb('supasaasy_reader_' || substr(md5(gen_random_uuid()::text), 1, 12))) on conflict (key) do nothing;
      select value #>> '{}' into reader from supasaasy.settings where key = 'reader_role';
    end if;
    if not exists (select from pg_catalog.pg_roles where rolname = reader) then
      begin
        execute format('create role %I nologin noinherit', reader);
      exception
        when duplicate_object or unique_violation then null;
        when insufficient_privilege then return null;
      end;
    end if;
    -- Since PostgreSQL 16, a member may be one who may only grant the role.
    if caller.rolsuper or pg_catalog.pg_has_role(reader, case when grants_with_options then 'SET' else 'MEMBER' end) then
      return reader;
    end if;
    begin
      execute format(case when grants_with_options then 'grant %I to %I with inherit true, set true' else 'grant %I to %I' end, reader, current_user);
      return reader;
    exception when insufficient_privilege or invalid_grant_operation then
      if not caller.rolcreaterole then
        return null;
      end if;
      delete from supasaasy.settings where key = 'reader_role';
    end;
  end loop;
  return null;
end $$;

-- What an administrator runs where the migrating user may not do it.
create or replace function supasaasy.reader_remedy() returns text
language sql stable set search_path = '' as $$
  select case
    when not exists (select from pg_catalog.pg_roles where rolname = reader) then
      format('create role %1$I nologin; grant %1$I to %2$I', reader, current_user)
    when not pg_catalog.pg_has_role(reader, case when current_setting('server_version_num')::integer >= 160000 then 'SET' else 'MEMBER' end) then
      format('grant %I to %I', reader, current_user)
    else format('alter schema supasaasy owner to %I', current_user)
  end
  from (select coalesce((select value #>> '{}' from supasaasy.settings where key = 'reader_role'), 'supasaasy_reader') as reader) named;
$$;

-- It may belong to the reader, whom a user without superuser cannot replace; the owner of the schema can drop.
drop function if exists supasaasy.query_mirror(text, integer, boolean);

-- Up to p_limit rows of one statement, as the text of
-- {"columns": [...], "rows": [{...}] (or, with p_cells, [["text", null, ...]]), "truncated": false}.
--
-- Read-only and the role cannot be undone from inside: a transaction that has read never becomes writable again, and
-- a function that runs with its owner's rights may not change the role. The caller sets statement_timeout.
create or replace function supasaasy.query_mirror(p_sql text, p_limit integer, p_cells boolean default false) returns text
language plpgsql security definer set search_path = supasaasy, pg_catalog, pg_temp as $$
declare
  -- Enough for a screen or a file; no more than a process holds easily.
  most_bytes constant integer := 16 * 1024 * 1024;
  answer refcursor;
  line record;
  image json;
  columns json := '[]';
  rows text[] := '{}';
  bytes integer := 0;
  truncated boolean := false;
begin
  if current_user not like 'supasaasy\_reader\_%' then
    raise exception 'this database has no role to read with, and % may not make one: let an administrator run "%", then run "supasaasy migrate"',
      current_user, supasaasy.reader_remedy() using errcode = 'SY005';
  end if;
  perform set_config('transaction_read_only', 'on', true);
  open answer no scroll for execute p_sql;
  loop
    fetch answer into line;
    exit when not found;
    if cardinality(rows) >= p_limit or bytes > most_bytes then
      truncated := true;
      exit;
    end if;
    image := to_json(line);
    if cardinality(rows) = 0 then
      select coalesce(array_to_json(array_agg(key)), '[]') into columns from json_object_keys(image) key;
    end if;
    if p_cells then
      select coalesce(array_to_json(array_agg(value)), '[]') into image from json_each_text(image);
    end if;
    rows := rows || image::text;
    bytes := bytes + octet_length(image::text);
  end loop;
  return format('{"columns":%s,"rows":[%s],"truncated":%s}', columns, array_to_string(rows, ','), to_json(truncated));
end $$;

create or replace function supasaasy.grant_reader() returns void
language plpgsql set search_path = '' as $$
declare
  reader text := supasaasy.own_reader();
  caller text := current_user;
  role_before text := current_setting('role');
  name text;
begin
  perform supasaasy.drop_former_reader();
  if reader is null then
    raise notice '% may not make a role to read with: "supasaasy query" says which statement an administrator must run', current_user;
    return;
  end if;
  for name in
    select r.relation from supasaasy.readable_relations() r(relation) where r.relation <> 'members'
    union all values ('inbox'), ('quarantine'), ('schedules'), ('schedule_runs'), ('rate_budgets'), ('migrations')
  loop
    execute format('grant select on supasaasy.%I to %I', name, reader);
    continue when (select c.relkind not in ('r', 'p') from pg_catalog.pg_class c where c.oid = format('supasaasy.%I', name)::regclass);
    if exists (select 1 from pg_catalog.pg_policies where schemaname = 'supasaasy' and tablename = name and policyname = 'reader_reads'
      and roles <> array[reader]::pg_catalog.name[]) then
      execute format('drop policy reader_reads on supasaasy.%I', name);
    end if;
    if not exists (select 1 from pg_catalog.pg_policies where schemaname = 'supasaasy' and tablename = name and policyname = 'reader_reads') then
      execute format('create policy reader_reads on supasaasy.%I for select to %I using (true)', name, reader);
    end if;
  end loop;
  for name in select f.signature from supasaasy.readable_functions() f where not f.members_only loop
    execute format('grant execute on function %s to %I', name, reader);
  end loop;
  begin
    -- An owner must be allowed to create where the function is, at the moment that it becomes the owner.
    execute format('grant usage, create on schema supasaasy to %I', reader);
    execute format('alter function supasaasy.query_mirror(text, integer, boolean) owner to %I', reader);
    execute format('revoke create on schema supasaasy from %I', reader);
  exception when insufficient_privilege then
    raise notice '"supasaasy query" does not work here until an administrator runs: alter schema supasaasy owner to %', quote_ident(caller);
    return;
  end;
  -- The owner's own right to call it was revoked with everybody's. Not every member of the reader has its rights.
  execute format('set local role %I', reader);
  execute format('grant execute on function supasaasy.query_mirror(text, integer, boolean) to %I', caller);
  perform set_config('role', role_before, true);
end $$;

-- Until 0.1.0 there was one role for every database of a server. Its rights here end; it goes when no database has it.
create or replace function supasaasy.drop_former_reader() returns void
language plpgsql set search_path = '' as $$
declare
  name text;
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'supasaasy_reader') then
    return;
  end if;
  for name in select tablename from pg_catalog.pg_policies
    where schemaname = 'supasaasy' and policyname = 'reader_reads' and 'supasaasy_reader' = any (roles)
  loop
    execute format('drop policy reader_reads on supasaasy.%I', name);
  end loop;
  revoke all on all tables in schema supasaasy from supasaasy_reader;
  revoke all on all functions in schema supasaasy from supasaasy_reader;
  revoke all on schema supasaasy from supasaasy_reader;
  begin
    drop role supasaasy_reader;
  exception when insufficient_privilege or dependent_objects_still_exist or object_in_use then null;
  end;
end $$;
