-- Runs and their tasks. A run is planned in one transaction; workers of any host claim its tasks.

-- p_plan: [{resource, collection, kind, pass: bool, window_from, sweepable, input, range_from, range_to, priority}]
create or replace function supasaasy.start_run(p_app text, p_mode text, p_trigger text, p_options jsonb, p_plan jsonb) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  run uuid;
  step jsonb;
  pass bigint;
  pass_of jsonb := '{}';
begin
  insert into supasaasy.runs (app_key, mode, trigger, options) values (p_app, p_mode, p_trigger, p_options)
  on conflict (app_key, mode, md5(options::text)) where state = 'running' do nothing
  returning id into run;
  if run is null then
    select id into run from supasaasy.runs
    where app_key = p_app and mode = p_mode and md5(options::text) = md5(p_options::text) and state = 'running';
    if run is not null then
      return jsonb_build_object('run_id', run, 'resumed', true);
    end if;
    -- It finished between the two statements: a new one is wanted after all.
    return supasaasy.start_run(p_app, p_mode, p_trigger, p_options, p_plan);
  end if;
  for step in select value from jsonb_array_elements(p_plan) loop
    pass := (pass_of ->> (step ->> 'collection'))::bigint;
    if (step ->> 'pass')::boolean and pass is null then
      insert into supasaasy.passes (run_id, app_key, resource, collection_key, window_from, sweepable, note)
      values (run, p_app, step ->> 'resource', step ->> 'collection', to_timestamp((step ->> 'window_from')::float8),
        coalesce((step ->> 'sweepable')::boolean, true), step ->> 'note')
      returning id into pass;
      pass_of := pass_of || jsonb_build_object(step ->> 'collection', pass);
    end if;
    insert into supasaasy.tasks (run_id, pass_id, app_key, resource, collection_key, kind, input, range_from, range_to, priority)
    values (run, case when (step ->> 'pass')::boolean then pass end, p_app, step ->> 'resource', step ->> 'collection', step ->> 'kind',
      coalesce(step -> 'input', '{}'), (step ->> 'range_from')::bigint, (step ->> 'range_to')::bigint, coalesce((step ->> 'priority')::smallint, 2));
  end loop;
  return jsonb_build_object('run_id', run, 'resumed', false);
end $$;

-- Leases up to p_limit tasks. A task whose lease ran out belongs to nobody and is taken over, with a new token, so
-- that its former owner can write no more. One that took eight owners with it, without a page between, has failed.
create or replace function supasaasy.claim_tasks(p_limit integer, p_lease_seconds double precision, p_filter jsonb default '{}') returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  result jsonb;
begin
  with free as (
    select t.id from supasaasy.tasks t
    where t.state in ('ready', 'running')
      and (case t.state when 'ready' then t.not_before <= clock_timestamp() else t.lease_until < clock_timestamp() end)
      and (not p_filter ? 'run_id' or t.run_id = (p_filter ->> 'run_id')::uuid)
      and (not p_filter ? 'urgent' or t.run_id is null)
      and (not p_filter ? 'app_key' or t.app_key = p_filter ->> 'app_key')
      and (not p_filter ? 'apps' or p_filter -> 'apps' ? t.app_key)
      and not exists (select 1 from supasaasy.apps a where a.app_key = t.app_key and a.paused_at is not null)
      and (not t.input ? 'after' or not exists (
        select 1 from supasaasy.tasks b where b.run_id = t.run_id and b.resource = t.input ->> 'after'
          and b.kind = 'list' and b.state in ('ready', 'running')))
      -- A sweep that asks by id goes on when all answers are there.
      and (not t.input ? 'asked' or not exists (
        select 1 from supasaasy.tasks b where b.pass_id = t.pass_id and b.kind = 'retrieve' and b.state in ('ready', 'running')))
    order by t.priority, t.id
    limit p_limit
    for update of t skip locked
  ), claimed as (
    update supasaasy.tasks t set lease_token = nextval('supasaasy.lease_tokens'), claimed_at = clock_timestamp(), holder = p_filter ->> 'holder',
      lease_until = clock_timestamp() + make_interval(secs => p_lease_seconds),
      attempts = t.attempts + case t.state when 'running' then 1 else 0 end,
      state = case when t.state = 'running' and t.attempts >= 7 then 'failed' else 'running' end,
      error = case when t.state = 'running' and t.attempts >= 7 then 'its worker died, time after time' else t.error end,
      errors = t.errors + (t.state = 'running' and t.attempts >= 7)::int,
      finished_at = case when t.state = 'running' and t.attempts >= 7 then clock_timestamp() end
    from free where t.id = free.id
    returning t.*
  )
  select coalesce(jsonb_agg(to_jsonb(c) order by c.priority, c.id), '[]') into result from claimed c where c.state = 'running';
  return result;
end $$;

-- Runs of which nothing is open and which nobody has ended: their worker died between a task's end and theirs.
create or replace function supasaasy.idle_runs(p_filter jsonb default '{}') returns jsonb
language plpgsql stable set search_path = '' as $$
#variable_conflict use_column
begin
  return (
  select coalesce(jsonb_agg(r.id), '[]') from supasaasy.runs r
  where r.state = 'running'
    and (not p_filter ? 'run_id' or r.id = (p_filter ->> 'run_id')::uuid)
    and (not p_filter ? 'app_key' or r.app_key = p_filter ->> 'app_key')
    and (not p_filter ? 'apps' or p_filter -> 'apps' ? r.app_key)
    and not exists (select 1 from supasaasy.tasks t where t.run_id = r.id and t.state in ('ready', 'running')));
end $$;

-- A long request goes on: the lease is renewed, if it is still ours.
create or replace function supasaasy.extend_lease(p_task bigint, p_token bigint, p_lease_seconds double precision) returns boolean
language plpgsql set search_path = '' as $$
begin
  update supasaasy.tasks set lease_until = clock_timestamp() + make_interval(secs => p_lease_seconds)
  where id = p_task and lease_token = p_token and state = 'running';
  return found;
end $$;

drop function if exists supasaasy.release_task(bigint, bigint, text, text, double precision, integer, integer);
-- Gives a task back: p_how = retry (counts as an attempt) | wait (rate limits, a slice that ends: no attempt) | fail. p_unproven: its
-- answers do not fit the description, so that an older certificate must not stand for what they show.
create or replace function supasaasy.release_task(
  p_task bigint, p_token bigint, p_how text, p_error text, p_delay_ms double precision, p_requests integer default 0, p_max_attempts integer default 8,
  p_unproven boolean default false
) returns text
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  result text;
begin
  update supasaasy.tasks set
    state = case when p_how = 'fail' or (p_how = 'retry' and attempts + 1 >= p_max_attempts) then 'failed' else 'ready' end,
    finished_at = case when p_how = 'fail' or (p_how = 'retry' and attempts + 1 >= p_max_attempts) then clock_timestamp() end,
    attempts = attempts + case p_how when 'wait' then 0 else 1 end,
    error = coalesce(p_error, error),
    errors = errors + case when p_how = 'fail' or (p_how = 'retry' and attempts + 1 >= p_max_attempts) then 1 else 0 end,
    requests = requests + p_requests,
    input = case when p_unproven then input || '{"unproven": true}' else input - 'unproven' end,
    not_before = clock_timestamp() + make_interval(secs => p_delay_ms / 1000),
    lease_token = null, lease_until = null
  where id = p_task and lease_token = p_token and state = 'running'
  returning state into result;
  return result;
end $$;

-- The cursor became worthless (its object was deleted, it expired): goes on from the creation time of the last
-- record, or from the start where the list has no such filter.
-- Five times at one place; a list that loses its cursor again and again is refused, never read without end.
create or replace function supasaasy.lose_cursor(p_task bigint, p_token bigint, p_has_range boolean) returns boolean
language sql set search_path = '' as $$
  with place as (
    select id, case when p_has_range then cursor_created end as at,
      case when p_has_range and cursor_created is distinct from (input #>> '{lost,at}')::bigint then 1
           else coalesce((input #>> '{lost,times}')::int, 0) + 1 end as times
    from supasaasy.tasks where id = p_task and lease_token = p_token and state = 'running' for update
  ), lost as (
    update supasaasy.tasks t set cursor = null,
      range_to = case when p_has_range and cursor_created is not null then least(range_to, cursor_created + 1) else range_to end,
      requests = requests + 1, input = (input - array['mark', 'check']) || jsonb_build_object('lost', jsonb_build_object('at', place.at, 'times', place.times))
    from place where t.id = place.id and place.times <= 5 returning 1
  ) select exists (select 1 from lost);
$$;

-- The provider knows no such parent (any more): the list of its children ends, and the parent is asked for.
-- Where the children have a life of their own, each that we know is asked for as well.
create or replace function supasaasy.lose_parent(p_task bigint, p_token bigint, p_parent jsonb, p_spec jsonb) returns boolean
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  t supasaasy.tasks;
begin
  update supasaasy.tasks set state = 'done', finished_at = clock_timestamp(), lease_token = null, lease_until = null, requests = requests + 1
  where id = p_task and lease_token = p_token and state = 'running' returning * into t;
  if not found then
    return false;
  end if;
  if coalesce((p_parent ->> 'retrievable')::boolean, false) then
    perform supasaasy.ask_again(t.app_key, p_parent, jsonb_build_array(t.external_id), jsonb_build_object('run_id', t.run_id, 'priority', t.priority));
  end if;
  if coalesce((p_spec ->> 'retrievable')::boolean, false) then
    perform supasaasy.ask_again(t.app_key, p_spec, (
      select jsonb_agg(external_id) from supasaasy.entities
      where parent_id = t.external_id and app_key = t.app_key and collection_key = t.collection_key and deleted_at is null
    ), jsonb_build_object('run_id', t.run_id, 'priority', t.priority));
  end if;
  delete from supasaasy.tasks where id = p_task and run_id is null;
  return true;
end $$;

-- A resource that can only be listed per parent: the next batch of parents gets a task each. No list shows what
-- belonged to a parent that is gone: those are asked for one by one.
create or replace function supasaasy.fan_out(
  p_task bigint, p_token bigint, p_parent_collection text, p_batch integer, p_lease_seconds double precision, p_spec jsonb
) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  t supasaasy.tasks;
  ids text[];
begin
  select * into t from supasaasy.tasks where id = p_task and lease_token = p_token and state = 'running' for update;
  if not found then
    raise exception 'task % is no longer ours: another worker has taken it over', p_task using errcode = 'SY001';
  end if;
  select array_agg(external_id) into ids from (
    select external_id from supasaasy.entities
    where app_key = t.app_key and collection_key = p_parent_collection and deleted_at is null and external_id > coalesce(t.cursor, '')
    order by external_id limit p_batch) x;
  insert into supasaasy.tasks (run_id, app_key, resource, collection_key, kind, external_id, priority, input)
  select t.run_id, t.app_key, t.resource, t.collection_key, 'children', id, t.priority,
    case when t.input ? 'created_from' then jsonb_build_object('created_from', t.input -> 'created_from') else '{}' end
  from unnest(ids) id
  on conflict do nothing;
  if coalesce(cardinality(ids), 0) < p_batch and coalesce((p_spec ->> 'retrievable')::boolean, false) then
    perform supasaasy.ask_again(t.app_key, p_spec, (
      select jsonb_agg(e.external_id) from supasaasy.entities e
      join supasaasy.entities p on p.app_key = e.app_key and p.collection_key = p_parent_collection and p.external_id = e.parent_id
      where e.app_key = t.app_key and e.collection_key = t.collection_key and e.deleted_at is null and p.deleted_at is not null
    ), jsonb_build_object('run_id', t.run_id, 'priority', t.priority));
  end if;
  update supasaasy.tasks set cursor = coalesce(ids[cardinality(ids)], cursor),
    state = case when coalesce(cardinality(ids), 0) < p_batch then 'done' else state end,
    finished_at = case when coalesce(cardinality(ids), 0) < p_batch then clock_timestamp() end,
    lease_until = clock_timestamp() + make_interval(secs => p_lease_seconds)
  where id = p_task;
  return jsonb_build_object('parents', coalesce(cardinality(ids), 0), 'done', coalesce(cardinality(ids), 0) < p_batch);
end $$;

-- A list that the provider refuses as a whole is read per parent instead.
create or replace function supasaasy.become_fanout(p_task bigint, p_token bigint, p_after text) returns boolean
language sql set search_path = '' as $$
  with changed as (
    update supasaasy.tasks set kind = 'fanout', input = input || jsonb_build_object('after', p_after), state = 'ready',
      lease_token = null, lease_until = null, cursor = null, requests = requests + 1,
      -- The parents' lists are read from now on; a minute for the difference of the clocks.
      read_from = least(read_from, (extract(epoch from clock_timestamp()) * 1000)::bigint - 60000)
    where id = p_task and lease_token = p_token and state = 'running' returning pass_id
  ), pass as (
    update supasaasy.passes set sweepable = false, note = 'read per ' || p_after || ': absent ones are found per ' || p_after
    where id = (select pass_id from changed)
  )
  select exists (select 1 from changed);
$$;
