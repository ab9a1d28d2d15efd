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

-- The processes that work on this database: one row each, renewed every 15 seconds while it lives. An Edge Function is
-- one row, however many instances of it there are.
create table if not exists supasaasy.processes (
  key        text collate "C" primary key,
  kind       text not null,
  host       text not null,
  pid        integer,
  version    text not null,
  deployment text,
  -- The apps that it can work for, and why it cannot for the others: {app_key: reason}.
  apps       text[] not null default '{}',
  unfit      jsonb not null default '{}',
  -- Tasks under way: {app_key: number}.
  works_on   jsonb not null default '{}',
  started_at timestamptz not null default clock_timestamp(),
  beat_at    timestamptz not null default clock_timestamp()
);
alter table supasaasy.processes enable row level security;

create or replace function supasaasy.beat(p_process jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  insert into supasaasy.processes as p (key, kind, host, pid, version, deployment, apps, unfit, works_on)
  select r.key, r.kind, r.host, r.pid, r.version, r.deployment, r.apps, r.unfit, r.works_on
  from jsonb_to_record(p_process) as r(key text, kind text, host text, pid integer, version text, deployment text, apps text[], unfit jsonb, works_on jsonb)
  on conflict (key) do update set version = excluded.version, deployment = excluded.deployment, apps = excluded.apps, unfit = excluded.unfit,
    works_on = excluded.works_on, beat_at = clock_timestamp();
  delete from supasaasy.processes where beat_at < clock_timestamp() - interval '1 day';
end $$;

-- It ends in an orderly way.
create or replace function supasaasy.end_process(p_key text) returns void
language sql set search_path = '' as $$
  delete from supasaasy.processes where key = p_key;
$$;

-- Jobs that pg_cron should have and has not, where it rings Edge Functions (pg_net is there). Runs with its owner's rights:
-- pg_cron shows each role its own jobs only. A pattern that pg_cron cannot read is started by the worker instead.
create or replace function supasaasy.missing_jobs() returns text[]
language plpgsql stable security definer set search_path = '' as $$
declare
  missing text[];
begin
  if to_regclass('cron.job') is null or to_regnamespace('net') is null or not has_schema_privilege('cron', 'usage') then
    return '{}';
  end if;
  execute $sql$
    select coalesce(array_agg(w.name order by w.name), '{}') from supasaasy.wanted_jobs() w
    where w.schedule ~ '^[0-9*/, a-z-]+$' and not exists (select 1 from cron.job j where j.jobname = w.name and j.active)
  $sql$ into missing;
  return missing;
end $$;

-- Deliveries that were refused, by app, reason and hour: no bodies, no headers, seven reasons, eight days.
create table if not exists supasaasy.refused_deliveries (
  app_key text collate "C" not null,
  reason  text not null check (reason in ('unsigned', 'unreadable', 'expired', 'mismatch', 'other_app', 'no_secret', 'too_large')),
  hour    timestamptz not null,
  count   bigint not null,
  last_at timestamptz not null,
  primary key (app_key, reason, hour)
);
alter table supasaasy.refused_deliveries enable row level security;

-- p_counts: [{app_key, reason, count}], what one process has refused since it last told.
create or replace function supasaasy.count_refused(p_counts jsonb) returns void
language sql set search_path = '' as $$
  insert into supasaasy.refused_deliveries as r (app_key, reason, hour, count, last_at)
  select c.app_key, c.reason, date_trunc('hour', clock_timestamp()), sum(c.count), clock_timestamp()
  from jsonb_to_recordset(p_counts) as c(app_key text, reason text, count bigint) group by c.app_key, c.reason
  on conflict (app_key, reason, hour) do update set count = r.count + excluded.count, last_at = excluded.last_at;
  delete from supasaasy.refused_deliveries where hour < clock_timestamp() - interval '8 days';
$$;

-- Of the last day: [{app_key, reason, count, last_at, accepted_at}], where accepted_at is the last delivery that was not refused.
create or replace function supasaasy.refused_lately() returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(to_jsonb(x) || jsonb_build_object('accepted_at',
    (select i.received_at from supasaasy.inbox i where i.app_key = x.app_key order by i.received_at desc limit 1)) order by x.app_key, x.reason), '[]')
  from (select r.app_key, r.reason, sum(r.count) as count, max(r.last_at) as last_at from supasaasy.refused_deliveries r
    where r.last_at > clock_timestamp() - interval '1 day' group by r.app_key, r.reason) x;
$$;

-- Who works, what waits for a worker, and what the schedules have done: for `status`, `doctor` and `/health`. Reads small
-- tables and partial indexes only.
create or replace function supasaasy.get_fleet() returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('at', clock_timestamp(),
    'processes', (select coalesce(jsonb_agg(to_jsonb(p) - 'key' || jsonb_build_object('alive', p.beat_at > clock_timestamp() - interval '1 minute')
        order by p.beat_at desc), '[]') from (select * from supasaasy.processes order by beat_at desc limit 100) p),
    'tasks', (select coalesce(jsonb_agg(to_jsonb(w)), '[]') from (
      select t.app_key, count(*) as waiting, min(case t.state when 'ready' then t.not_before else t.lease_until end) as since
      from supasaasy.tasks t join supasaasy.apps a on a.app_key = t.app_key and a.configured and a.paused_at is null
      where t.state in ('ready', 'running')
        and case t.state when 'ready' then t.not_before else t.lease_until end <= clock_timestamp()
        and (not t.input ? 'after' or not exists (select 1 from supasaasy.tasks b where b.run_id = t.run_id
          and b.resource = t.input ->> 'after' and b.kind = 'list' and b.state in ('ready', 'running')))
      group by t.app_key order by t.app_key) w),
    'inbox', (select coalesce(jsonb_agg(to_jsonb(w)), '[]') from (
      select i.app_key, count(*) as waiting, min(case i.state when 'ready' then i.not_before else i.lease_until end) as since
      from supasaasy.inbox i join supasaasy.apps a on a.app_key = i.app_key and a.configured
      where i.state in ('ready', 'running') and case i.state when 'ready' then i.not_before else i.lease_until end <= clock_timestamp()
      group by i.app_key order by i.app_key) w),
    'schedules', (select coalesce(jsonb_agg(jsonb_build_object('app_key', d.app_key, 'mode', d.mode, 'cron', d.cron,
        'declared_at', d.declared_at, 'last_due_at', o.due_at) order by d.app_key, d.schedule), '[]')
      from supasaasy.schedules d join supasaasy.apps a on a.app_key = d.app_key and a.configured
      left join lateral (select x.due_at from supasaasy.schedule_runs x where x.app_key = d.app_key and x.schedule = d.schedule
        order by x.due_at desc limit 1) o on true
      where d.enabled),
    'deployments', (select coalesce(jsonb_agg(jsonb_build_object('name', d.name, 'host', d.host, 'declared_at', d.declared_at,
        'apps', (select coalesce(jsonb_agg(e ->> 'app_key'), '[]') from jsonb_array_elements(d.declared -> 'apps') e)) order by d.name), '[]')
      from supasaasy.deployments d),
    'conflicts', supasaasy.deployment_conflicts(),
    'refused', supasaasy.refused_lately(),
    'missing_jobs', to_jsonb(supasaasy.missing_jobs()));
$$;

-- Living rows of each app: {app_key: number}. Reads the whole mirror.
create or replace function supasaasy.count_living() returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_object_agg(app_key, living), '{}') from (
    select app_key, count(*) as living from supasaasy.entities where deleted_at is null group by app_key) x;
$$;
