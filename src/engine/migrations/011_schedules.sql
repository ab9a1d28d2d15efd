-- What the configuration wants to happen by the clock, and what has happened. The times are UTC.
create table if not exists supasaasy.schedules (
  app_key     text collate "C" not null,
  -- Mode and pattern: a changed schedule is another one.
  schedule    text not null,
  mode        text not null check (mode in ('full', 'incremental')),
  cron        text not null,
  enabled     boolean not null default true,
  -- Occurrences before this moment are not made up for.
  declared_at timestamptz not null default clock_timestamp(),
  primary key (app_key, schedule)
);
alter table supasaasy.schedule_runs add column if not exists attempts integer not null default 1;
alter table supasaasy.schedule_runs add column if not exists claimed_at timestamptz not null default clock_timestamp();
alter table supasaasy.schedule_runs add column if not exists error text;

-- p_schedules: [{app_key, schedule, mode, cron, enabled}], all that there are.
create or replace function supasaasy.declare_schedules(p_schedules jsonb) returns void
language sql set search_path = '' as $$
  delete from supasaasy.schedules s where not exists (
    select 1 from jsonb_array_elements(p_schedules) d where d ->> 'app_key' = s.app_key and d ->> 'schedule' = s.schedule);
  insert into supasaasy.schedules as s (app_key, schedule, mode, cron, enabled)
  select distinct on (d.app_key, d.schedule) d.app_key, d.schedule, d.mode, d.cron, coalesce(d.enabled, true)
  from jsonb_to_recordset(p_schedules) as d(app_key text, schedule text, mode text, cron text, enabled boolean)
  order by d.app_key, d.schedule, d.enabled desc
  on conflict (app_key, schedule) do update set enabled = excluded.enabled,
    declared_at = case when excluded.enabled then clock_timestamp() else s.declared_at end
  where s.enabled <> excluded.enabled;
$$;

-- Gives an occurrence to one scheduler: returns which attempt it is, or null when it is not to be started (now).
-- An attempt that failed, or whose scheduler died before it started a run, may be made again after a pause.
create or replace function supasaasy.claim_occurrence(p_app text, p_schedule text, p_due_at timestamptz) returns integer
language sql set search_path = '' as $$
  insert into supasaasy.schedule_runs as o (app_key, schedule, due_at)
  select d.app_key, d.schedule, p_due_at from supasaasy.schedules d
  where d.app_key = p_app and d.schedule = p_schedule and d.enabled and d.declared_at <= p_due_at
  on conflict (app_key, schedule, due_at) do update set attempts = o.attempts + 1, claimed_at = clock_timestamp(), run_id = null
  where (o.run_id is null or exists (select 1 from supasaasy.runs r where r.id = o.run_id and r.state = 'failed'))
    and clock_timestamp() > least(interval '15 minutes', interval '1 minute' * 2 ^ least(o.attempts - 1, 10))
      + greatest(o.claimed_at, (select r.finished_at from supasaasy.runs r where r.id = o.run_id))
  returning attempts;
$$;

create or replace function supasaasy.settle_occurrence(p_app text, p_schedule text, p_due_at timestamptz, p_run uuid, p_error text) returns void
language sql set search_path = '' as $$
  update supasaasy.schedule_runs set run_id = p_run, error = p_error
  where app_key = p_app and schedule = p_schedule and due_at = p_due_at;
  -- What is long past is of no use to anybody.
  delete from supasaasy.schedule_runs where app_key = p_app and schedule = p_schedule and due_at < p_due_at - interval '90 days';
$$;
