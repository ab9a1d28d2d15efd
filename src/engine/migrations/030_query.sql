-- Reading the mirror by SQL that somebody else wrote: `supasaasy query`, `POST /query`. It runs as a role of its own,
-- which may see the mirror and the engine's own work and nothing else: no settings, no members, no Vault, no files.

-- Roles belong to the whole server: another database of it may have made this one, or be making it now.
do $$
begin
  if not exists (select 1 from pg_catalog.pg_roles where rolname = 'supasaasy_reader') then
    begin
      create role supasaasy_reader nologin noinherit;
    exception
      when duplicate_object or unique_violation then null;
      when insufficient_privilege then
        raise notice 'no role supasaasy_reader (it takes CREATEROLE): "supasaasy query" will not work on this database';
        return;
    end;
  end if;
  if not pg_catalog.pg_has_role('supasaasy_reader', 'member') then
    begin
      execute format('grant supasaasy_reader to %I', current_user);
    exception when insufficient_privilege then
      raise notice '% may not become supasaasy_reader: "supasaasy query" will not work on this database', current_user;
    end;
  end if;
end $$;

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
  if current_user <> 'supasaasy_reader' then
    raise exception 'this database has no role supasaasy_reader to read with: run "supasaasy migrate" as a user who may create roles'
      using errcode = 'SY005';
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
  name text;
begin
  if not exists (select 1 from pg_catalog.pg_roles where rolname = 'supasaasy_reader')
    or not pg_catalog.pg_has_role('supasaasy_reader', 'member') then
    return;
  end if;
  for name in
    select r.relation from supasaasy.readable_relations() r(relation) where r.relation <> 'members'
    union all values ('inbox'), ('quarantine'), ('schedules'), ('schedule_runs'), ('rate_budgets'), ('migrations')
  loop
    execute format('grant select on supasaasy.%I to supasaasy_reader', name);
    if (select c.relkind in ('r', 'p') from pg_catalog.pg_class c where c.oid = format('supasaasy.%I', name)::regclass)
      and not exists (select 1 from pg_catalog.pg_policies where schemaname = 'supasaasy' and tablename = name and policyname = 'reader_reads') then
      execute format('create policy reader_reads on supasaasy.%I for select to supasaasy_reader using (true)', name);
    end if;
  end loop;
  for name in select f.signature from supasaasy.readable_functions() f where not f.members_only loop
    execute format('grant execute on function %s to supasaasy_reader', name);
  end loop;
  -- An owner must be allowed to create where the function is, at the moment that it becomes the owner.
  grant usage, create on schema supasaasy to supasaasy_reader;
  alter function supasaasy.query_mirror(text, integer, boolean) owner to supasaasy_reader;
  revoke create on schema supasaasy from supasaasy_reader;
  -- The owner's own right to call it was revoked with everybody's.
  execute format('grant execute on function supasaasy.query_mirror(text, integer, boolean) to %I', current_user);
end $$;
