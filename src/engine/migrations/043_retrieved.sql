-- What the answer to a question about one object writes.

-- The answer to a question about one object. p_body null: the provider no longer has it.
create or replace function supasaasy.ingest_retrieved(p_task bigint, p_token bigint, p_body text, p_page jsonb) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  t supasaasy.tasks;
  spec jsonb := p_page -> 'spec';
  context jsonb;
  result jsonb;
  from_ms bigint := (p_page ->> 'version')::bigint;
  until_ms bigint := (p_page ->> 'version_until')::bigint;
  started timestamptz;
  child jsonb;
  is_careful boolean := coalesce((p_page ->> 'careful')::boolean, false);
  denied boolean;
begin
  -- Before the task's row, as in ingest_page.
  perform supasaasy.lock_collections((select app_key from supasaasy.tasks where id = p_task), supasaasy.collections_of(spec), false);
  select * into t from supasaasy.tasks where id = p_task and lease_token = p_token and state = 'running' for update;
  if not found then
    raise exception 'task % is no longer ours: another worker has taken it over', p_task using errcode = 'SY001';
  end if;
  started := supasaasy.asked_at(t, p_page);
  context := jsonb_build_object('source', 'read', 'origin', coalesce(t.input ->> 'origin', case when t.run_id is null then 'webhook' else 'sync' end),
    'origin_id', coalesce(t.run_id::text, 'task-' || t.id), 'started_at', started, 'authoritative', true,
    'run_id', t.run_id, 'priority', t.priority, 'purge', p_page -> 'purge',
    'quiet_creates', coalesce((p_page ->> 'quiet_creates')::boolean, false) and supasaasy.is_first_load(t.app_key, t.collection_key, t.run_id));
  -- The sweep asks about an object that its pass did not name: it judges all answers together.
  denied := t.input ? 'absent' and (p_body is null or (not is_careful and spec ? 'deleted'
    and coalesce(p_body::jsonb #> supasaasy.path_of(spec #> '{deleted,path}') = spec #> '{deleted,equals}', false)));
  if t.input ? 'absent' then
    perform supasaasy.note_absent(t, denied, from_ms, until_ms, started);
  end if;
  if denied then
    result := '{"created": 0, "updated": 0, "unchanged": 0, "archived": 0, "deleted": 0, "stale": 0}';
  elsif p_body is null then
    result := supasaasy.apply_gone(t.app_key, spec, array[t.external_id], context, from_ms, until_ms);
  elsif is_careful then
    result := supasaasy.apply_carefully(t.app_key, spec, json_build_array(p_body::json), context, from_ms, until_ms, null);
  else
    result := supasaasy.apply_records(t.app_key, spec, jsonb_build_array(p_body::jsonb), context, from_ms, until_ms);
  end if;
  update supasaasy.tasks set
    -- Asked for once more while we were reading: that answer may be older than the question.
    state = case when requested_at > started then 'ready' else 'done' end,
    finished_at = case when requested_at > started then null else clock_timestamp() end,
    lease_token = null, lease_until = null, attempts = 0, error = null, requests = requests + 1, records = records + (p_body is not null)::int,
    created = created + (result ->> 'created')::bigint, updated = updated + (result ->> 'updated')::bigint,
    unchanged = unchanged + (result ->> 'unchanged')::bigint, archived = archived + (result ->> 'archived')::bigint,
    deleted = deleted + (result ->> 'deleted')::bigint, stale = stale + (result ->> 'stale')::bigint,
    errors = errors + coalesce((result ->> 'errors')::bigint, 0),
    input = case when coalesce(result -> 'children', '{}') = '{}'::jsonb then input else supasaasy.add_children(input, result -> 'children') end
  where id = p_task;
  delete from supasaasy.tasks where id = p_task and run_id is null and state = 'done';
  return result - 'ids';
end $$;

-- Objects that the provider says are gone.
create or replace function supasaasy.apply_gone(
  p_app text, p_spec jsonb, p_ids text[], p_context jsonb, p_version bigint, p_until bigint
) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  states supasaasy.entity_state[];
  child jsonb;
  result jsonb;
begin
  select array_agg(row(id, null, null, null, false, null, true, p_version, p_until, null)::supasaasy.entity_state order by id)
  into states from unnest(p_ids) id;
  result := supasaasy.apply_states(p_app, p_spec ->> 'collection', states, p_context || jsonb_build_object(
    'owned', p_spec ? 'version', 'retrievable', coalesce((p_spec ->> 'retrievable')::boolean, false)));
  for child in select value from jsonb_array_elements(coalesce(p_spec -> 'children', '[]')) loop
    -- With the final word, also of those that were known to be gone.
    perform supasaasy.apply_orphans(p_app, child, p_spec, case when coalesce((p_context ->> 'authoritative')::boolean, false)
      then to_jsonb(p_ids) - supasaasy.path_of((result -> 'old') || (result -> 'again')) else result -> 'gone' end, p_context, p_version, p_until);
  end loop;
  perform supasaasy.ask_again(p_app, p_spec, result -> 'again', p_context);
  return result;
end $$;
