-- Why a pass proves nothing: what in its answers contradicts the description.
alter table supasaasy.passes add column if not exists problem text;
-- Since when no pass has named any of the rows that were known before: it names other objects, or by another id.
alter table supasaasy.sync_state add column if not exists unrecognised_from timestamptz;

-- Moves a run on after a task has ended: passes whose reads are complete are swept; when nothing is open the run
-- ends. Watermarks move here and nowhere else, and only for collections of which nothing failed.
create or replace function supasaasy.advance_run(p_run uuid) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  run supasaasy.runs;
  pass supasaasy.passes;
  failed bigint;
  open_tasks bigint;
  trouble text;
  left_out text;
begin
  select * into run from supasaasy.runs where id = p_run for update;
  if not found or run.state <> 'running' then
    return jsonb_build_object('state', run.state);
  end if;
  if run.mode = 'audit' then
    return supasaasy.advance_audit(run);
  end if;
  for pass in
    select p.* from supasaasy.passes p
    where p.run_id = p_run and p.state = 'reading'
      and not exists (select 1 from supasaasy.tasks t where t.pass_id = p.id and t.kind in ('list', 'fanout') and t.state in ('ready', 'running'))
  loop
    trouble := case when pass.sweepable then supasaasy.evidence_of(pass, supasaasy.children_of(pass)) ->> 'unlisted' end;
    if exists (select 1 from supasaasy.tasks t where t.pass_id = pass.id and t.state = 'failed') then
      update supasaasy.passes set state = 'incomplete', note = 'a part of it could not be read', finished_at = clock_timestamp(),
        problem = (select t.error from supasaasy.tasks t where t.pass_id = pass.id and t.state = 'failed' and t.input ? 'unproven' order by t.id limit 1)
      where id = pass.id;
    elsif not pass.sweepable then
      update supasaasy.passes set state = 'incomplete', finished_at = clock_timestamp() where id = pass.id;
    -- That an object is absent proves nothing here, and so deletes nothing.
    elsif trouble is not null then
      update supasaasy.passes p set state = 'incomplete', note = trouble, problem = trouble, finished_at = clock_timestamp() where p.id = pass.id;
    else
      update supasaasy.passes set state = 'sweeping' where id = pass.id;
      insert into supasaasy.tasks (run_id, pass_id, app_key, resource, collection_key, kind, priority)
      select p_run, pass.id, pass.app_key, pass.resource, pass.collection_key, 'sweep',
        coalesce((select min(priority) from supasaasy.tasks t where t.pass_id = pass.id), 2);
    end if;
  end loop;
  select count(*) filter (where state in ('ready', 'running')), count(*) filter (where state = 'failed')
  into open_tasks, failed from supasaasy.tasks where run_id = p_run;
  if open_tasks > 0 then
    return jsonb_build_object('state', 'running', 'open', open_tasks);
  end if;

  -- The watermark is the provider's time of the first answer, but never after the run began on our own clock: answers
  -- that are dated too late (a wrong clock, something in between) would hide every change until that time has come.
  insert into supasaasy.sync_state as s (app_key, collection_key, watermark, read_until, last_full_at, last_incremental_at, run_id)
  select run.app_key, c.collection, least(min(t.read_from), (extract(epoch from run.created_at) * 1000)::bigint), max(t.read_until) filter (where t.kind in ('list', 'fanout')),
    case when run.mode = 'full' then run.created_at end, case when run.mode = 'incremental' then run.created_at end, p_run
  from supasaasy.tasks t
  cross join lateral (
    select t.collection_key as collection where t.kind in ('list', 'fanout')
    union all select jsonb_array_elements_text(t.input -> 'collections') where t.kind = 'changes'
  ) c
  where t.run_id = p_run and not coalesce((run.options ->> 'limit') is not null, false)
    and t.read_from is not null
    and not exists (select 1 from supasaasy.tasks f where f.run_id = p_run and f.state = 'failed'
      and f.kind <> 'sweep' and (f.collection_key = c.collection or f.input -> 'collections' ? c.collection or f.input ->> 'of' = c.collection))
  group by c.collection
  on conflict (app_key, collection_key) do update set
    watermark = greatest(s.watermark, excluded.watermark), read_until = greatest(s.read_until, excluded.read_until),
    last_full_at = coalesce(excluded.last_full_at, s.last_full_at),
    last_incremental_at = coalesce(excluded.last_incremental_at, s.last_incremental_at), run_id = excluded.run_id;
  -- How far lists were read counts for events even when the run failed.
  insert into supasaasy.sync_state as s (app_key, collection_key, read_until)
  select run.app_key, t.collection_key, max(t.read_until) from supasaasy.tasks t
  where t.run_id = p_run and t.read_until is not null group by t.collection_key
  on conflict (app_key, collection_key) do update set read_until = greatest(s.read_until, excluded.read_until);

  left_out := supasaasy.quarantined_by(run);
  update supasaasy.runs set state = case when failed > 0 or left_out is not null then 'failed' else 'completed' end,
    -- Resources that failed for the same reason are named together.
    error = nullif(concat_ws('; ', (select string_agg(format('%s: %s', same.resources, same.error), '; ' order by same.resources) from (
      select string_agg(x.resource, ', ' order by x.resource) as resources, x.error from (
        select distinct on (resource) resource, error from supasaasy.tasks where run_id = p_run and state = 'failed' order by resource, id) x
      group by x.error) same), left_out), ''),
    resources = supasaasy.run_counts(p_run), finished_at = clock_timestamp()
  where id = p_run;
  perform supasaasy.certify_passes(p_run);
  delete from supasaasy.pass_pages pp using supasaasy.passes p where p.run_id = p_run and pp.pass_id = p.id;
  delete from supasaasy.tasks where run_id = p_run and kind in ('retrieve', 'children') and state = 'done';
  return jsonb_build_object('state', case when failed > 0 or left_out is not null then 'failed' else 'completed' end, 'open', 0);
end $$;

-- The nested lists that the description of a pass's resource has, as its tasks saw them.
create or replace function supasaasy.children_of(p_pass supasaasy.passes) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce((select t.input -> 'nested' from supasaasy.tasks t
    where t.pass_id = p_pass.id and t.kind in ('list', 'audit') and t.input ? 'nested' order by t.id limit 1), '[]');
$$;

-- What a run read and could not store: the records that it left in quarantine, by resource. A run that leaves records out
-- has failed, by their name.
create or replace function supasaasy.quarantined_by(p_run supasaasy.runs) returns text
language sql stable set search_path = '' as $$
  select string_agg(format('%s: %s in quarantine (%s); see them with: supasaasy quarantine list', x.resource,
    case x.n when 1 then 'a record is' else x.n || ' records are' end, x.reason), '; ' order by x.resource)
  from (
    select coalesce((select t.resource from supasaasy.tasks t where t.run_id = p_run.id and t.collection_key = q.collection_key limit 1), q.collection_key) as resource,
      count(*) as n, min(q.reason) as reason
    from supasaasy.quarantine q where q.app_key = p_run.app_key and q.origin_id = p_run.id::text and q.resolved_at is null
    group by q.collection_key
  ) x;
$$;

-- {customer: {created, updated, unchanged, archived, deleted, errors, pages, requests}}
create or replace function supasaasy.run_counts(p_run uuid) returns jsonb
language sql stable set search_path = '' as $$
  with own as (
    select resource, jsonb_build_object('created', created, 'updated', updated, 'unchanged', unchanged, 'archived', archived,
      'deleted', deleted, 'stale', stale, 'errors', errors, 'pages', pages, 'requests', requests) as counts
    from supasaasy.tasks where run_id = p_run
    union all
    select c.key, c.value from supasaasy.tasks t, jsonb_each(t.input -> 'children') c where t.run_id = p_run and t.input ? 'children'
  ), named as (
    select resource, k, sum(coalesce((counts ->> k)::bigint, 0)) as n
    from own, unnest(array['created', 'updated', 'unchanged', 'archived', 'deleted', 'stale', 'errors', 'pages', 'requests']) k
    group by resource, k
  )
  select coalesce(jsonb_object_agg(resource, counts), '{}') from (
    select resource, jsonb_object_agg(k, n) as counts from named group by resource) x;
$$;

create or replace function supasaasy.get_run(p_run uuid) returns jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(r) || jsonb_build_object('resources', coalesce(r.resources, supasaasy.run_counts(r.id)),
    'open_tasks', (select count(*) from supasaasy.tasks t where t.run_id = r.id and t.state in ('ready', 'running')),
    'duration_ms', round(extract(epoch from coalesce(r.finished_at, clock_timestamp()) - r.created_at) * 1000)::bigint,
    'passes', (select coalesce(jsonb_agg(jsonb_build_object('resource', p.resource, 'state', p.state, 'note', p.note, 'problem', p.problem) order by p.id), '[]')
      from supasaasy.passes p where p.run_id = r.id))
  from supasaasy.runs r where r.id = p_run;
$$;

-- When the next task of a filter can be claimed, in milliseconds from now; null when there is none.
create or replace function supasaasy.next_task_in(p_filter jsonb default '{}') returns double precision
language plpgsql stable set search_path = '' as $$
#variable_conflict use_column
begin
  return (
  select extract(epoch from min(case t.state when 'ready' then t.not_before else t.lease_until end) - clock_timestamp()) * 1000
  from supasaasy.tasks t
  where t.state in ('ready', 'running')
    and (not p_filter ? 'run_id' or t.run_id = (p_filter ->> 'run_id')::uuid)
    and (not p_filter ? 'urgent' or t.run_id is null)
    and (not p_filter ? 'app_key' or t.app_key = p_filter ->> 'app_key')
    and (not p_filter ? 'apps' or p_filter -> 'apps' ? t.app_key)
    and not exists (select 1 from supasaasy.apps a where a.app_key = t.app_key and a.paused_at is not null)
    -- As in claim_tasks: one that waits for others' lists can not be claimed, so nobody need look again at once.
    and (not t.input ? 'after' or not exists (
      select 1 from supasaasy.tasks b where b.run_id = t.run_id and b.resource = t.input ->> 'after'
        and b.kind = 'list' and b.state in ('ready', 'running')))
    and (not t.input ? 'asked' or not exists (
      select 1 from supasaasy.tasks b where b.pass_id = t.pass_id and b.kind = 'retrieve' and b.state in ('ready', 'running'))));
end $$;

create or replace function supasaasy.cancel_run(p_run uuid, p_reason text) returns boolean
language plpgsql set search_path = '' as $$
begin
  update supasaasy.runs set state = 'cancelled', error = p_reason, finished_at = clock_timestamp(), resources = supasaasy.run_counts(p_run)
  where id = p_run and state = 'running';
  if not found then
    return false;
  end if;
  update supasaasy.tasks set state = 'failed', error = p_reason, finished_at = clock_timestamp(), lease_token = null, lease_until = null
  where run_id = p_run and state in ('ready', 'running');
  update supasaasy.passes set state = 'incomplete', note = p_reason, finished_at = clock_timestamp() where run_id = p_run and state in ('reading', 'sweeping');
  return true;
end $$;

-- `unlisted`: the mirror holds objects of the collection that are in no list.
create or replace function supasaasy.get_sync_state(p_app text) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (
    select coalesce(jsonb_object_agg(s.collection_key, to_jsonb(s) || jsonb_build_object('unlisted', exists (
      select 1 from supasaasy.unlisted u where u.app_key = s.app_key and u.collection_key = s.collection_key))), '{}')
    from supasaasy.sync_state s where s.app_key = p_app);
end $$;

create or replace function supasaasy.pause_app(p_app text, p_reason text) returns void
language sql set search_path = '' as $$
  insert into supasaasy.apps (app_key, name, connector, paused_at, pause_reason) values (p_app, p_app, '', clock_timestamp(), p_reason)
  on conflict (app_key) do update set paused_at = clock_timestamp(), pause_reason = excluded.pause_reason;
$$;

create or replace function supasaasy.resume_app(p_app text) returns boolean
language sql set search_path = '' as $$
  with resumed as (
    update supasaasy.apps set paused_at = null, pause_reason = null where app_key = p_app and paused_at is not null returning 1
  ) select exists (select 1 from resumed);
$$;

-- The database's clock, for workers that measure "when did this request begin" against it.
create or replace function supasaasy.clock() returns timestamptz
language sql volatile set search_path = '' as $$ select clock_timestamp() $$;
