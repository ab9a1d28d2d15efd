-- Deliveries, committed before they are acknowledged. A repeated delivery is counted, not stored again.
-- p_deliveries: [{app_key, event_id, event_type, occurred_at, body, state, reason}]
create or replace function supasaasy.accept_deliveries(p_deliveries jsonb) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  result jsonb;
begin
  with incoming as (
    select distinct on (d.app_key, d.event_id) d.*, count(*) over (partition by d.app_key, d.event_id) as copies from jsonb_to_recordset(p_deliveries) as d(app_key text, event_id text, event_type text,
      occurred_at timestamptz, body text, state text, reason text)
    order by d.app_key, d.event_id
  ), stored as (
    insert into supasaasy.inbox as i (app_key, event_id, event_type, occurred_at, body, state, reason, processed_at, deliveries)
    select app_key, event_id, event_type, occurred_at, body, coalesce(state, 'ready'), reason,
      case when state = 'ignored' then clock_timestamp() end, copies
    from incoming
    on conflict (app_key, event_id) do update set deliveries = i.deliveries + excluded.deliveries
    returning i.xmax = 0 as fresh
  )
  select jsonb_build_object('accepted', count(*) filter (where fresh), 'repeated', count(*) filter (where not fresh)) into result from stored;
  return result;
end $$;

create or replace function supasaasy.claim_inbox(p_limit integer, p_lease_seconds double precision, p_filter jsonb default '{}') returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  result jsonb;
begin
  with free as (
    select id from supasaasy.inbox
    where state in ('ready', 'running')
      and (case state when 'ready' then not_before <= clock_timestamp() else lease_until < clock_timestamp() end)
      and (not p_filter ? 'app_key' or app_key = p_filter ->> 'app_key')
      and (not p_filter ? 'apps' or p_filter -> 'apps' ? app_key)
    order by id limit p_limit for update skip locked
  ), token as (select nextval('supasaasy.lease_tokens') as value),
  claimed as (
    update supasaasy.inbox i set state = 'running', lease_token = token.value, attempts = i.attempts + 1,
      lease_until = clock_timestamp() + make_interval(secs => p_lease_seconds)
    from free, token where i.id = free.id
    returning i.id, i.app_key, i.event_id, i.event_type, i.body, i.attempts, i.lease_token, i.replayed_at is not null as replayed
  )
  select coalesce(jsonb_agg(to_jsonb(c) || jsonb_build_object('account', a.account) order by c.id), '[]') into result
  from claimed c left join supasaasy.apps a on a.app_key = c.app_key;
  return result;
end $$;

-- Applies what events say. p_groups: one per resource,
--   {spec, states: [{inbox, path, version, version_until, api_version}], gone: [{id, version, version_until}], again: [{id, version_until}]}
-- A state names where its object lies in the inbox row's body (or in p_body): the text that was signed is what is
-- stored, not a copy that went through JavaScript's numbers.
create or replace function supasaasy.apply_groups(p_app text, p_groups jsonb, p_body jsonb, p_context jsonb) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  grp jsonb;
  spec jsonb;
  records jsonb;
  versions bigint[];
  untils bigint[];
  api_versions text[];
  gone supasaasy.entity_state[];
  part jsonb;
  again jsonb;
  counts jsonb := '{}';
  child record;
  resource text;
  lock_list text[];
begin
  select coalesce(array_agg(distinct c order by c), '{}') into lock_list from jsonb_array_elements(p_groups) g, unnest(supasaasy.collections_of(g -> 'spec')) c;
  perform supasaasy.lock_collections(p_app, lock_list, true);
  for grp in select value from jsonb_array_elements(p_groups) order by value #>> '{spec,collection}' loop
    spec := grp -> 'spec';
    resource := spec ->> 'resource';
    -- Not jsonb_agg, which takes the square of an object's keys: for 20,000 of them, four seconds.
    select to_jsonb(array_agg(coalesce(i.body::jsonb, p_body) #> supasaasy.path_of(s -> 'path') order by n)), array_agg((s ->> 'version')::bigint order by n),
      array_agg((s ->> 'version_until')::bigint order by n), array_agg(s ->> 'api_version' order by n)
    into records, versions, untils, api_versions
    from jsonb_array_elements(coalesce(grp -> 'states', '[]')) with ordinality x(s, n)
    left join supasaasy.inbox i on i.id = (s ->> 'inbox')::bigint;
    if records is not null then
      part := supasaasy.apply_records(p_app, spec, records, p_context, 0, 0, null, versions, untils, api_versions);
      counts := counts || jsonb_build_object(resource, supasaasy.add_counts(coalesce(counts -> resource, '{}'), part - array['ids', 'again', 'gone', 'children']));
      for child in select key, value from jsonb_each(part -> 'children') loop
        counts := counts || jsonb_build_object(child.key, supasaasy.add_counts(coalesce(counts -> child.key, '{}'), child.value - array['again', 'gone']));
      end loop;
    end if;
    select array_agg(row(g ->> 'id', null, null, null, false, null, true, (g ->> 'version')::bigint,
        (g ->> 'version_until')::bigint, null)::supasaasy.entity_state order by g ->> 'id')
    into gone from jsonb_array_elements(coalesce(grp -> 'gone', '[]')) g;
    if gone is not null then
      part := supasaasy.apply_states(p_app, spec ->> 'collection', gone, p_context || jsonb_build_object('owned', spec ? 'version',
        'retrievable', coalesce((spec ->> 'retrievable')::boolean, false), 'list_until', supasaasy.list_until(p_app, spec ->> 'collection')));
      counts := counts || jsonb_build_object(resource, supasaasy.add_counts(coalesce(counts -> resource, '{}'), part - array['again', 'gone']));
      for child in select value from jsonb_array_elements(coalesce(spec -> 'children', '[]')) loop
        perform supasaasy.apply_orphans(p_app, child.value, spec, part -> 'gone', p_context, 0, 0);
      end loop;
      perform supasaasy.ask_again(p_app, spec, part -> 'again', p_context);
    end if;
    -- The log of changes repeats what webhooks have told: what was read since then is not read once more.
    select jsonb_agg(a ->> 'id') into again
    from jsonb_array_elements(grp -> 'again') a
    left join lateral (
      select e.version from supasaasy.entities e
      where e.app_key = p_app and e.collection_key = spec ->> 'collection' and e.external_id = a ->> 'id' limit 1) e on true
    where e.version is null or e.version <= (a ->> 'version_until')::bigint;
    if again is not null then
      perform supasaasy.ask_again(p_app, spec, again, p_context);
    end if;
  end loop;
  return counts;
end $$;

-- A batch of inbox rows, applied and settled in one transaction.
-- p_settled: [{id, state, reason}]
create or replace function supasaasy.ingest_events(p_app text, p_token bigint, p_groups jsonb, p_settled jsonb, p_context jsonb) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  held bigint;
begin
  -- Before anything is applied: who no longer holds them all undoes this too.
  update supasaasy.inbox i set state = s ->> 'state', reason = s ->> 'reason', processed_at = clock_timestamp(),
    lease_token = null, lease_until = null
  from jsonb_array_elements(p_settled) s
  where i.id = (s ->> 'id')::bigint and i.lease_token = p_token and i.state = 'running';
  get diagnostics held = row_count;
  if held <> jsonb_array_length(p_settled) then
    raise exception 'deliveries are no longer ours: another worker has taken them over' using errcode = 'SY001';
  end if;
  return supasaasy.apply_groups(p_app, p_groups, null, p_context);
end $$;

-- Processing failed: back with a delay, or parked as a dead letter after p_max attempts.
create or replace function supasaasy.release_deliveries(p_token bigint, p_ids bigint[], p_reason text, p_delay_ms double precision, p_max integer, p_dead boolean default false) returns jsonb
language sql set search_path = '' as $$
  with released as (
    update supasaasy.inbox set
      state = case when p_dead or attempts >= p_max then 'dead' else 'ready' end, reason = p_reason,
      not_before = clock_timestamp() + make_interval(secs => p_delay_ms / 1000), lease_token = null, lease_until = null,
      processed_at = case when p_dead or attempts >= p_max then clock_timestamp() end
    where id = any(p_ids) and lease_token = p_token and state = 'running'
    returning state
  ) select jsonb_build_object('released', count(*), 'dead', count(*) filter (where state = 'dead')) from released;
$$;

-- Back without an attempt: nothing is wrong with them, but what judges them is not known yet.
create or replace function supasaasy.hold_deliveries(p_token bigint, p_ids bigint[], p_reason text, p_delay_ms double precision) returns void
language sql set search_path = '' as $$
  update supasaasy.inbox set state = 'ready', reason = p_reason, attempts = attempts - 1,
    not_before = clock_timestamp() + make_interval(secs => p_delay_ms / 1000), lease_token = null, lease_until = null
  where id = any(p_ids) and lease_token = p_token and state = 'running';
$$;

-- One page of the provider's own log of changes, with the checkpoint, in one transaction.
create or replace function supasaasy.ingest_changes(p_task bigint, p_token bigint, p_body text, p_page jsonb) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  t supasaasy.tasks;
  counts jsonb;
  done boolean := (p_page -> 'cursor') = 'null'::jsonb;
begin
  select * into t from supasaasy.tasks where id = p_task and lease_token = p_token and state = 'running' for update;
  if not found then
    raise exception 'task % is no longer ours: another worker has taken it over', p_task using errcode = 'SY001';
  end if;
  counts := supasaasy.apply_groups(t.app_key, p_page -> 'groups', p_body::jsonb, jsonb_build_object('source', 'event', 'origin', 'sync',
    'origin_id', t.run_id::text, 'run_id', t.run_id, 'priority', t.priority, 'purge', p_page -> 'purge'));
  update supasaasy.tasks set
    cursor = coalesce(p_page ->> 'cursor', cursor), read_from = least(read_from, (p_page ->> 'version')::bigint),
    pages = pages + 1, requests = requests + coalesce((p_page ->> 'requests')::int, 1), records = records + (p_page ->> 'records')::bigint,
    input = case when counts = '{}'::jsonb then input else supasaasy.add_children(input, counts) end,
    state = case when done then 'done' else state end, finished_at = case when done then clock_timestamp() end,
    lease_until = clock_timestamp() + make_interval(secs => coalesce((p_page ->> 'lease_seconds')::float8, 60)), attempts = 0, error = null
  where id = p_task;
  return jsonb_build_object('counts', counts, 'done', done);
end $$;

create or replace function supasaasy.replay_deliveries(p_filter jsonb) returns bigint
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  n bigint;
begin
  update supasaasy.inbox set state = 'ready', attempts = 0, not_before = clock_timestamp(), reason = null, processed_at = null,
    replayed_at = clock_timestamp()
  where state in ('processed', 'ignored', 'dead')
    and (not p_filter ? 'app_key' or app_key = p_filter ->> 'app_key')
    and (not p_filter ? 'event_ids' or p_filter -> 'event_ids' ? event_id)
    and (not p_filter ? 'type' or event_type = p_filter ->> 'type')
    and (not p_filter ? 'state' or state = p_filter ->> 'state')
    and (not p_filter ? 'from' or received_at >= (p_filter ->> 'from')::timestamptz)
    and (not p_filter ? 'to' or received_at < (p_filter ->> 'to')::timestamptz);
  get diagnostics n = row_count;
  return n;
end $$;

drop function if exists supasaasy.trim_inbox(interval);
-- Forgets deliveries that were worked, up to p_limit at a time. Dead letters stay until a person has looked at them.
create or replace function supasaasy.trim_inbox(p_older_than interval, p_limit integer default 50000) returns bigint
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  n bigint;
begin
  delete from supasaasy.inbox where id in (
    select id from supasaasy.inbox where state in ('processed', 'ignored') and received_at < clock_timestamp() - p_older_than
    order by id limit p_limit);
  get diagnostics n = row_count;
  return n;
end $$;
