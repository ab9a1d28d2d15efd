-- The processes that work on one database, and which key of an app is known to work.

-- The key of each app that worked last, as an HMAC under a salt of the app's own: a key that is refused says something
-- about the app only when it is that one. Else it says something about the process that has it.
create table if not exists supasaasy.app_keys (
  app_key     text collate "C" primary key,
  salt        text not null default replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''),
  fingerprint text,
  worked_at   timestamptz,
  -- The key that was refused when the app was paused.
  refused     text
);
alter table supasaasy.app_keys enable row level security;

create or replace function supasaasy.key_salt(p_app text) returns text
language plpgsql set search_path = '' as $$
begin
  insert into supasaasy.app_keys (app_key) values (p_app) on conflict (app_key) do nothing;
  return (select salt from supasaasy.app_keys where app_key = p_app);
end $$;

-- The provider has answered a request with this key.
create or replace function supasaasy.key_worked(p_app text, p_fingerprint text) returns void
language sql set search_path = '' as $$
  update supasaasy.app_keys set fingerprint = p_fingerprint, worked_at = clock_timestamp() where app_key = p_app;
$$;

-- The provider refuses this key. Pauses the app when it is the key that worked last, or when none has ever worked. True:
-- the app is paused. False: another key worked last, so nothing is wrong but this process's own key.
create or replace function supasaasy.refuse_key(p_app text, p_fingerprint text, p_reason text) returns boolean
language plpgsql set search_path = '' as $$
begin
  if exists (select 1 from supasaasy.app_keys k where k.app_key = p_app and k.fingerprint <> p_fingerprint) then
    return false;
  end if;
  perform supasaasy.pause_app(p_app, p_reason);
  update supasaasy.app_keys set refused = p_fingerprint where app_key = p_app;
  return true;
end $$;

-- What each deployment declares. A program that only reads declares nothing; what is in force is what all of them
-- declare together, so a deployment with fewer schedules ends none of another's.
create table if not exists supasaasy.deployments (
  name        text collate "C" primary key check (name ~ '^[a-z0-9_-]{1,64}$'),
  -- {apps: [{app_key, name, connector}], schedules: [...], history: [...], consumers: [...], auth: boolean}
  declared    jsonb not null,
  host        text,
  declared_at timestamptz not null default clock_timestamp()
);
alter table supasaasy.deployments enable row level security;

-- What deployments declare of a kind, one entry for each key; p_first's own where two differ, and enabled before disabled.
create or replace function supasaasy.declared_together(p_kind text, p_keys text[], p_first text) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(x.entry), '[]') from (
    select distinct on (k.key) e.value as entry
    from supasaasy.deployments d
    cross join lateral jsonb_array_elements(coalesce(d.declared -> p_kind, '[]')) e
    cross join lateral (select array_agg(e.value ->> n order by n) as key from unnest(p_keys) n) k
    order by k.key, coalesce((e.value ->> 'enabled')::boolean, true) desc, d.name = p_first desc, d.name) x;
$$;

create or replace function supasaasy.apply_deployments(p_first text) returns void
language plpgsql set search_path = '' as $$
declare
  auth boolean := coalesce((select bool_or(coalesce((declared ->> 'auth')::boolean, true)) from supasaasy.deployments), true);
begin
  perform supasaasy.declare_apps(supasaasy.declared_together('apps', array['app_key'], p_first));
  perform supasaasy.declare_schedules(supasaasy.declared_together('schedules', array['app_key', 'schedule'], p_first));
  perform supasaasy.declare_history(supasaasy.declared_together('history', array['app_key', 'collection_key'], p_first));
  perform supasaasy.declare_consumers(supasaasy.declared_together('consumers', array['name'], p_first), true);
  -- Grants are the owner's to change, and other processes wait meanwhile.
  if not exists (select 1 from supasaasy.settings where key = 'auth_enabled' and value = to_jsonb(auth)) then
    perform supasaasy.set_auth(auth);
  end if;
  perform supasaasy.install_jobs();
end $$;

-- Entries of p_all that p_taken does not name.
create or replace function supasaasy.without_entries(p_all jsonb, p_taken jsonb, p_keys text[]) returns jsonb
language sql immutable set search_path = '' as $$
  select coalesce(jsonb_agg(a.value), '[]') from jsonb_array_elements(coalesce(p_all, '[]')) a
  where not exists (
    select 1 from jsonb_array_elements(coalesce(p_taken, '[]')) t
    where not exists (select 1 from unnest(p_keys) n where a.value ->> n is distinct from t.value ->> n));
$$;

-- What a version before this one declared without a name: kept under `before-deployments` until deployments name it.
create or replace function supasaasy.adopt_declarations() returns void
language sql set search_path = '' as $$
  insert into supasaasy.deployments (name, declared)
  select 'before-deployments', jsonb_build_object(
    'apps', (select coalesce(jsonb_agg(jsonb_build_object('app_key', app_key, 'name', name, 'connector', connector)), '[]') from supasaasy.apps where configured and connector <> ''),
    'schedules', (select coalesce(jsonb_agg(to_jsonb(s) - 'declared_at'), '[]') from supasaasy.schedules s),
    'history', (select coalesce(jsonb_agg(jsonb_build_object('app_key', app_key, 'collection_key', collection_key)), '[]') from supasaasy.feed_history),
    'consumers', (select coalesce(jsonb_agg(jsonb_strip_nulls(to_jsonb(c))), '[]') from supasaasy.consumers c where declared and active),
    'auth', coalesce((select value from supasaasy.settings where key = 'auth_enabled'), 'true'))
  where not exists (select 1 from supasaasy.deployments);
$$;

-- Declares all that a deployment wants. Returns its conflicts with others (see deployment_conflicts).
create or replace function supasaasy.declare_deployment(p_name text, p_declared jsonb, p_host text default null) returns jsonb
language plpgsql set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('supasaasy:declare', 0));
  perform supasaasy.adopt_declarations();
  insert into supasaasy.deployments as d (name, declared, host) values (p_name, p_declared, p_host)
  on conflict (name) do update set declared = excluded.declared, host = excluded.host, declared_at = clock_timestamp();
  update supasaasy.deployments set declared = jsonb_build_object(
    'apps', supasaasy.without_entries(declared -> 'apps', p_declared -> 'apps', array['app_key']),
    'schedules', supasaasy.without_entries(declared -> 'schedules', p_declared -> 'schedules', array['app_key', 'schedule']),
    'history', supasaasy.without_entries(declared -> 'history', p_declared -> 'history', array['app_key', 'collection_key']),
    'consumers', supasaasy.without_entries(declared -> 'consumers', p_declared -> 'consumers', array['name']),
    'auth', false)
  where name = 'before-deployments';
  delete from supasaasy.deployments where name = 'before-deployments'
    and declared - 'auth' = '{"apps": [], "schedules": [], "history": [], "consumers": []}';
  perform supasaasy.apply_deployments(p_name);
  return supasaasy.deployment_conflicts(p_name);
end $$;

-- A deployment that no longer exists: what only it declared ends. False: there is none of that name.
create or replace function supasaasy.retire_deployment(p_name text) returns boolean
language plpgsql set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('supasaasy:declare', 0));
  delete from supasaasy.deployments where name = p_name;
  if not found then
    return false;
  end if;
  perform supasaasy.apply_deployments(p_name);
  return true;
end $$;

create or replace function supasaasy.declared_of(p_declared jsonb, p_kind text, p_key text, p_value text) returns jsonb
language sql immutable set search_path = '' as $$
  select coalesce(jsonb_agg(e.value order by e.value::text), '[]') from jsonb_array_elements(coalesce(p_declared -> p_kind, '[]')) e
  where e.value ->> p_key = p_value;
$$;

-- Where two deployments say different things of one app or consumer: [{subject, about, deployments: [a, b]}].
create or replace function supasaasy.deployment_conflicts(p_name text default null) returns jsonb
language sql stable set search_path = '' as $$
  with pairs as (
    select a.name as one, b.name as other, a.declared as said, b.declared as says
    from supasaasy.deployments a join supasaasy.deployments b on a.name < b.name
    where p_name is null or p_name in (a.name, b.name)
  ), apps as (
    select distinct p.one, p.other, p.said, p.says, e.value ->> 'app_key' as app_key
    from pairs p, jsonb_array_elements((p.said -> 'apps') || (p.said -> 'schedules')) e
    where supasaasy.declared_of(p.says, 'apps', 'app_key', e.value ->> 'app_key') <> '[]'
  ), conflicts as (
    select a.one, a.other, a.app_key as subject, kind as about from apps a cross join unnest(array['schedules', 'history']) kind
    where supasaasy.declared_of(a.said, kind, 'app_key', a.app_key) <> supasaasy.declared_of(a.says, kind, 'app_key', a.app_key)
    union all
    select p.one, p.other, e.value ->> 'name', 'consumer' from pairs p, jsonb_array_elements(p.said -> 'consumers') e
    where supasaasy.declared_of(p.says, 'consumers', 'name', e.value ->> 'name') not in ('[]', jsonb_build_array(e.value))
    union all
    select p.one, p.other, 'auth.enabled', 'access' from pairs p
    where p.one <> 'before-deployments' and p.other <> 'before-deployments' and p.said -> 'auth' <> p.says -> 'auth'
  )
  select coalesce(jsonb_agg(jsonb_build_object('subject', subject, 'about', about, 'deployments', jsonb_build_array(one, other))
    order by subject, about, one, other), '[]') from conflicts;
$$;
