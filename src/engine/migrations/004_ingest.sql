-- Records of one resource, with their nested lists. The caller holds the collection locks (see lock_collections).
--
-- Context: source, origin, origin_id, started_at, authoritative, purge, dry, fresh (nothing is stored yet, most likely), quiet_creates,
-- run_id, priority, pass_id (the pass that these records are a page of).
create or replace function supasaasy.apply_records(
  p_app text, p_spec jsonb, p_records jsonb, p_context jsonb, p_version bigint, p_until bigint,
  p_parent text default null, p_versions bigint[] default null, p_untils bigint[] default null, p_api_versions text[] default null
) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  collection text := p_spec ->> 'collection';
  id_path text[] := supasaasy.path_of(p_spec -> 'id');
  dry boolean := coalesce((p_context ->> 'dry')::boolean, false);
  states supasaasy.entity_state[] := supasaasy.extract_states(p_records, p_spec, p_version, p_until, p_parent, p_versions, p_untils, p_api_versions);
  retrievable boolean := coalesce((p_spec ->> 'retrievable')::boolean, false);
  -- The list of one parent can be read again, whatever it lists: whoever reads it does so (see ingest_page).
  context jsonb := p_context || jsonb_build_object(
    'owned', p_spec ? 'version', 'volatile', p_spec -> 'volatile', 'retrievable', retrievable or p_parent is not null,
    'list_until', case when p_context ->> 'source' = 'event' then supasaasy.list_until(p_app, collection) end);
  child jsonb;
  child_counts jsonb := '{}';
  result jsonb;
begin
  result := supasaasy.apply_states(p_app, collection, states, context);
  -- Each statement is begun only where there is something for it to do: for a page of a plain list, those that found
  -- nothing were a tenth of its time.
  if p_spec ? 'children' and jsonb_array_length(p_spec -> 'children') > 0 then
    for child in select value from jsonb_array_elements(p_spec -> 'children') loop
      child_counts := child_counts || jsonb_build_object(child ->> 'resource', supasaasy.apply_children(
        p_app, child, p_spec, p_records, supasaasy.path_of((result -> 'old') || (result -> 'again')), context,
        p_version, p_until, p_versions, p_untils, p_api_versions));
      if jsonb_array_length(result -> 'gone') > 0 then
        perform supasaasy.apply_orphans(p_app, child, p_spec, result -> 'gone', context, p_version, p_until);
      end if;
    end loop;
  end if;
  if retrievable and not dry then
    perform supasaasy.ask_again(p_app, p_spec, result -> 'again', p_context);
    if jsonb_array_length(p_records) > cardinality(states) then
      perform supasaasy.ask_again(p_app, p_spec, supasaasy.tied_records(p_records, p_spec, states), p_context);
    end if;
  end if;
  -- A page of a pass says here what it named; elsewhere the caller wants to know. As JSON, through the results of three
  -- functions, a hundred ids were a twentieth of a page's time.
  if p_context ? 'pass_id' then
    if cardinality(states) > 0 then
      insert into supasaasy.pass_pages (pass_id, ids)
      values ((p_context ->> 'pass_id')::bigint, array(select s.external_id from unnest(states) s));
    end if;
    return result || jsonb_build_object('children', child_counts, 'ids', '[]'::jsonb);
  end if;
  return result || jsonb_build_object('children', child_counts,
    'ids', coalesce((select jsonb_agg(s.external_id) from unnest(states) s), '[]'));
end $$;

-- The ids that one answer names twice, with different contents and no order between them.
create or replace function supasaasy.tied_records(p_records jsonb, p_spec jsonb, p_states supasaasy.entity_state[]) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (
    select jsonb_agg(id) from (
      select s.external_id as id
      from (
        select value, value #>> supasaasy.path_of(p_spec -> 'id') as id,
          value #> supasaasy.path_of(p_spec #> '{version,path}') as version
        from jsonb_array_elements(p_records)
      ) r
      join unnest(p_states) s on s.external_id = r.id
      where coalesce(supasaasy.instant_ms(r.version, p_spec #>> '{version,unit}') >= s.version, true)
      group by s.external_id
      having count(distinct r.value) > 1
    ) tied);
end $$;

-- The children of some parents that are not deleted. The range and its order leave the planner one index; by equality
-- it may read the whole collection for each page, because the plan was made when that was empty.
drop function if exists supasaasy.living_children(text, text, text[]);
create or replace function supasaasy.living_children(p_app text, p_collection text, p_parents text[])
returns table (external_id text, parent_id text, version bigint, version_until bigint)
language plpgsql stable set search_path = '' set plan_cache_mode = force_generic_plan
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
begin
  return query
  select e.external_id, e.parent_id, e.version, e.version_until
  from unnest(p_parents) parent
  cross join lateral (
    select x.external_id, x.parent_id, x.version, x.version_until from supasaasy.entities x
    where x.collection_key = p_collection and x.app_key = p_app and x.parent_id >= parent and x.parent_id <= parent and x.deleted_at is null
    order by x.parent_id limit 1000000
  ) e;
end $$;

-- Children are replaced with their parent: those that a complete nested list no longer names are gone; a list that
-- the provider cut is completed by a task of its own before anything is missed. A parent that came too late (p_skip)
-- brings none: its successor has said what it has, or that it is gone. One that is read again brings them then.
-- Where nobody can tell whether a child's state is newer, its parent is read again: a child cannot be asked for alone.
drop function if exists supasaasy.apply_children(text, jsonb, text, text[], jsonb, text[], jsonb, bigint, bigint, bigint[], bigint[], text[]);
create or replace function supasaasy.apply_children(
  p_app text, p_child jsonb, p_parent_spec jsonb, p_parents jsonb, p_skip text[], p_context jsonb,
  p_version bigint, p_until bigint, p_versions bigint[], p_untils bigint[], p_api_versions text[]
) returns jsonb
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan set jit = off as $$
#variable_conflict use_column
declare
  collection text := p_child ->> 'collection';
  list_path text[] := supasaasy.path_of(p_child -> 'path');
  more_path text[] := supasaasy.path_of(p_child -> 'more');
  dry boolean := coalesce((p_context ->> 'dry')::boolean, false);
  replaces boolean := coalesce((p_child ->> 'replace')::boolean, true);
  parent_id text[] := supasaasy.path_of(p_parent_spec -> 'id');
  parent_retrievable boolean := coalesce((p_parent_spec ->> 'retrievable')::boolean, false);
  -- A child has no change time of its own unless its description says so.
  context jsonb := p_context || jsonb_build_object('owned', p_child ? 'version', 'volatile', p_child -> 'volatile',
    'retrievable', parent_retrievable or p_child ? 'completable', 'authoritative', false);
  states supasaasy.entity_state[];
  missing supasaasy.entity_state[];
  -- The parents whose list is there, side by side.
  ids text[];
  lists jsonb[];
  versions bigint[];
  untils bigint[];
  api_versions text[];
  cut text[];
  unsure text[];
  result jsonb;
  removed jsonb := '{}';
  -- What the nested lists show of their description, for the certificate.
  shown jsonb;
  absent bigint;
  flagless bigint;
  listed bigint;
begin
  -- A list without its flag may be cut, for all that is known.
  select array_agg(id) filter (where there), array_agg(list) filter (where there), array_agg(coalesce(p_versions[n], p_version)) filter (where there),
    array_agg(coalesce(p_untils[n], p_until)) filter (where there), array_agg(p_api_versions[n]) filter (where there),
    coalesce(array_agg(id) filter (where there and more is distinct from 'false'::jsonb), '{}'),
    count(*) filter (where not there), count(*) filter (where there and coalesce(jsonb_typeof(more), '') <> 'boolean'),
    coalesce(sum(jsonb_array_length(list)) filter (where there), 0)
  into ids, lists, versions, untils, api_versions, cut, absent, flagless, listed
  from (
    select id, case when there then list end as list, more, n, there from (
      select value #>> parent_id as id, value #> list_path as list, case when more_path is not null then value #> more_path when replaces then supasaasy.flag_beside(value, list_path) else 'false'::jsonb end as more,
        ordinality as n, coalesce(jsonb_typeof(value #> list_path) = 'array', false) as there
      from jsonb_array_elements(p_parents) with ordinality
      offset 0
    ) parent
    offset 0
  ) parent
  where not id = any(p_skip);
  if p_child ? 'asked' and p_context ->> 'source' = 'read' then
    -- We asked for the list and the answer has none: it is read by itself.
    cut := cut || array(
      select value #>> parent_id from jsonb_array_elements(p_parents)
      where jsonb_typeof(value #> list_path) is distinct from 'array' and not value #>> parent_id = any(p_skip)
        and coalesce(value #> supasaasy.path_of(p_parent_spec #> '{deleted,path}') <> p_parent_spec #> '{deleted,equals}', true));
  end if;
  -- All of a page at once: extracting parent by parent took three times as long as the parents themselves.
  select supasaasy.extract_states(to_jsonb(array_agg(value)), p_child, p_version, p_until, null,
    array_agg(version), array_agg(version_until), array_agg(api_version), array_agg(id))
  into states
  from unnest(ids, lists, versions, untils, api_versions) parent(id, list, version, version_until, api_version)
  cross join lateral jsonb_array_elements(list);
  result := supasaasy.apply_states(p_app, collection, states, context);
  shown := jsonb_build_object('lists', coalesce(cardinality(ids), 0), 'cut', cardinality(cut),
    'absent', case when p_child ? 'asked' then 0 else absent end, 'flagless', flagless, 'shared', listed - coalesce(cardinality(states), 0));
  if replaces then
    select array_agg(row(e.external_id, e.parent_id, null, null, false, null, true,
        parent.version, parent.version_until, null)::supasaasy.entity_state order by e.external_id)
    into missing
    from supasaasy.living_children(p_app, collection, ids) e
    join unnest(ids, versions, untils) parent(id, version, version_until) on parent.id = e.parent_id
    where parent.id <> all (cut) and not exists (select 1 from unnest(states) s where s.external_id = e.external_id);
    if missing is not null then
      removed := supasaasy.apply_states(p_app, collection, missing, context);
      result := result || jsonb_build_object('deleted', (result ->> 'deleted')::bigint + (removed ->> 'deleted')::bigint);
    end if;
  end if;
  if dry then
    return result || shown;
  end if;
  select coalesce(array_agg(distinct s.parent_id), '{}') into unsure
  from unnest(states || missing) s
  where ((result -> 'again') ? s.external_id or (removed -> 'again') ? s.external_id) and s.parent_id <> all (cut);
  if parent_retrievable then
    perform supasaasy.ask_again(p_app, p_parent_spec, to_jsonb(unsure), p_context);
  else
    cut := cut || unsure;
  end if;
  if p_child ? 'completable' and cardinality(cut) > 0 then
    insert into supasaasy.tasks (run_id, app_key, resource, collection_key, kind, input, external_id, priority)
    select (p_context ->> 'run_id')::uuid, p_app, p_child ->> 'resource', collection, 'children',
      jsonb_build_object('of', p_parent_spec ->> 'collection'), id, coalesce((p_context ->> 'priority')::smallint, 0)
    from unnest(cut) id
    on conflict (app_key, collection_key, external_id, kind, coalesce(run_id, '00000000-0000-0000-0000-000000000000'::uuid))
      where external_id is not null and state in ('ready', 'running')
    do update set requested_at = clock_timestamp();
  end if;
  return result || shown;
end $$;

-- What belonged to a parent that is gone is gone with it. But a child that was seen later than its parent's end belongs
-- to its next life (an id may be given again): then the parent is asked for, and that answer is the final word.
drop function if exists supasaasy.apply_orphans(text, jsonb, jsonb, jsonb, bigint, bigint);
create or replace function supasaasy.apply_orphans(
  p_app text, p_child jsonb, p_parent_spec jsonb, p_parents jsonb, p_context jsonb, p_version bigint, p_until bigint
) returns void
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  may_ask boolean := coalesce((p_parent_spec ->> 'retrievable')::boolean, false) and not coalesce((p_context ->> 'authoritative')::boolean, false);
  orphans supasaasy.entity_state[];
  reborn jsonb;
begin
  with child as (
    select e.*, may_ask and e.version > parent.version_until as later, parent.version as died, parent.version_until as died_until
    from supasaasy.living_children(p_app, p_child ->> 'collection', supasaasy.path_of(p_parents)) e
    cross join lateral (
      select x.version, x.version_until from supasaasy.entities x
      where x.collection_key = p_parent_spec ->> 'collection' and x.external_id = e.parent_id and x.app_key = p_app limit 1
    ) parent
  )
  select array_agg(row(external_id, parent_id, null, null, false, null, true,
      -- They died with it, at its time, and not a moment after they were last seen.
      greatest(version_until + 1, died, p_version), greatest(version_until + 1, died_until, p_until), null)::supasaasy.entity_state order by external_id)
      filter (where not later),
    jsonb_agg(distinct parent_id) filter (where later)
  into orphans, reborn from child;
  perform supasaasy.apply_states(p_app, p_child ->> 'collection', orphans,
    p_context || '{"owned": false, "retrievable": false}');
  if reborn is not null then
    perform supasaasy.ask_again(p_app, p_parent_spec, reborn, p_context);
  end if;
end $$;

-- Nobody can tell which state is newer: a task reads the object and applies that answer.
create or replace function supasaasy.ask_again(p_app text, p_spec jsonb, p_ids jsonb, p_context jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  -- The usual case, for every page: the statement below would be planned for nothing.
  if p_ids is null or jsonb_array_length(p_ids) = 0 then
    return;
  end if;
  insert into supasaasy.tasks (run_id, app_key, resource, collection_key, kind, external_id, priority, input)
  select (p_context ->> 'run_id')::uuid, p_app, p_spec ->> 'resource', p_spec ->> 'collection', 'retrieve', id,
    coalesce((p_context ->> 'priority')::smallint, 0),
    case when p_context ->> 'origin' = 'replay' then '{"origin": "replay"}' else '{}' end::jsonb
  from jsonb_array_elements_text(p_ids) id
  order by id
  on conflict (app_key, collection_key, external_id, kind, coalesce(run_id, '00000000-0000-0000-0000-000000000000'::uuid))
    where external_id is not null and state in ('ready', 'running')
  do update set requested_at = clock_timestamp();
end $$;

-- How far the lists of a collection have been read, on the provider's clock. An event that is not later than this
-- cannot replace what is stored on its own word: the list may already have shown something newer.
create or replace function supasaasy.list_until(p_app text, p_collection text) returns bigint
language plpgsql stable set search_path = '' as $$
#variable_conflict use_column
begin
  return (
  select greatest(
    (select read_until from supasaasy.sync_state where app_key = p_app and collection_key = p_collection),
    (select max(read_until) from supasaasy.tasks where app_key = p_app and collection_key = p_collection and read_until is not null)));
end $$;

-- Pages share a collection; events have it for themselves, for the few milliseconds of a batch, so that the
-- list_until that they compare with cannot move under them.
create or replace function supasaasy.lock_collections(p_app text, p_collections text[], p_exclusive boolean) returns void
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  name text;
begin
  foreach name in array p_collections loop
    if p_exclusive then
      perform pg_advisory_xact_lock(hashtextextended('supasaasy:' || p_app || ':' || name, 0));
    else
      perform pg_advisory_xact_lock_shared(hashtextextended('supasaasy:' || p_app || ':' || name, 0));
    end if;
  end loop;
end $$;

-- The collections that records of one description are written to, each once and in order, as all lock them.
create or replace function supasaasy.collections_of(p_spec jsonb) returns text[]
language plpgsql immutable set search_path = '' as $$
begin
  if not p_spec ? 'children' or jsonb_array_length(p_spec -> 'children') = 0 then
    return array[p_spec ->> 'collection'];
  end if;
  return array(
    select p_spec ->> 'collection' union select value ->> 'collection' from jsonb_array_elements(p_spec -> 'children') order by 1);
end $$;

-- A list that names objects without showing them whole (conversations without their parts): asks for those that are newer.
create or replace function supasaasy.apply_hints(p_app text, p_spec jsonb, p_records jsonb, p_context jsonb) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  states supasaasy.entity_state[] := supasaasy.extract_states(p_records, p_spec, 0, 0);
  newer jsonb;
begin
  select coalesce(jsonb_agg(s.external_id), '[]') into newer
  from unnest(states) s
  left join supasaasy.entities e on e.app_key = p_app and e.collection_key = p_spec ->> 'collection' and e.external_id = s.external_id
  where e.external_id is null or e.deleted_at is not null or e.version < s.version
    -- Read within a moment of its change: it may have changed again in the same second.
    or (e.version = s.version and e.observed_at < to_timestamp((s.version_until + 5000) / 1000.0));
  if not coalesce((p_context ->> 'dry')::boolean, false) then
    perform supasaasy.ask_again(p_app, p_spec, newer, p_context);
  end if;
  return jsonb_build_object('created', 0, 'updated', 0, 'archived', 0, 'deleted', 0, 'stale', 0,
    'unchanged', cardinality(states) - jsonb_array_length(newer), 'again', newer, 'gone', '[]'::jsonb, 'children', '{}'::jsonb,
    'ids', coalesce((select jsonb_agg(s.external_id) from unnest(states) s), '[]'));
end $$;

-- The records one by one, for a page that was refused as a whole: what cannot be stored goes to quarantine with its
-- reason and its text, the rest is stored. `json` keeps the text as it came, but its operators refuse a text with
-- U+0000 in it: those are marked (unstorable.ts), and put back into each record before it is stored.
create or replace function supasaasy.apply_carefully(
  p_app text, p_spec jsonb, p_records json, p_context jsonb, p_version bigint, p_until bigint, p_parent text
) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  marked text;
  record_text text;
  record_id text;
  one jsonb;
  total jsonb := '{"created":0,"updated":0,"unchanged":0,"archived":0,"deleted":0,"stale":0,"errors":0,"again":[],"gone":[],"children":{},"ids":[],"nameless":0}';
begin
  for marked in select value::text from json_array_elements(p_records) loop
    record_text := supasaasy.unmark(marked);
    record_id := case when json_typeof(marked::json) = 'object' then marked::json #>> supasaasy.path_of(p_spec -> 'id') end;
    -- An id that cannot be read or that no index can hold: counted below as nameless.
    if record_id <> supasaasy.unmark(record_id) or octet_length(record_id) > 1000 or record_id like U&'\F8FE%' then
      record_id := null;
    end if;
    begin
      perform supasaasy.refuse_excess(marked);
      if coalesce((p_spec ->> 'partial')::boolean, false) then
        one := supasaasy.apply_hints(p_app, p_spec, jsonb_build_array(record_text::jsonb), p_context);
      else
        one := supasaasy.apply_records(p_app, p_spec, jsonb_build_array(record_text::jsonb), p_context, p_version, p_until, p_parent);
      end if;
    exception
      when data_exception or program_limit_exceeded or integrity_constraint_violation or raise_exception then
        one := jsonb_build_object('errors', 1, 'nameless', (record_id is null or record_id = '')::int,
          'ids', case when record_id is null then '[]'::jsonb else jsonb_build_array(record_id) end);
        if not coalesce((p_context ->> 'dry')::boolean, false) then
          perform supasaasy.put_in_quarantine(p_app, p_spec ->> 'collection', record_id, sqlerrm, sqlstate, record_text,
            p_context ->> 'origin', p_context ->> 'origin_id', p_version);
        end if;
    end;
    total := supasaasy.add_counts(total, one) || jsonb_build_object(
      'children', (total -> 'children') || coalesce((
        select jsonb_object_agg(key, supasaasy.add_child_counts(coalesce(total #> array['children', key], '{}'), value)) from jsonb_each(one -> 'children')), '{}'),
      'ids', (total -> 'ids') || coalesce(one -> 'ids', '[]'), 'again', (total -> 'again') || coalesce(one -> 'again', '[]'), 'nameless', (total ->> 'nameless')::int + coalesce((one ->> 'nameless')::int, 0));
  end loop;
  return total;
end $$;

-- The text of a record as the provider wrote it (see unstorable.ts): U+F8FF stands around an escape, U+F8FE around a value
-- that goes past a limit, as a string of its reason and its text.
create or replace function supasaasy.unmark(value text) returns text
language plpgsql immutable parallel safe set search_path = '' as $$
begin
  if position(U&'"\F8FE' in value) > 0 then
    value := (
      select string_agg(case when m.parts is null then piece else translate(m.parts[1], U&'\F8FD\F8FC', '"\') end, '' order by n)
      from regexp_split_to_table(value, U&'(?="\F8FE)|(?<=\F8FE")') with ordinality x(piece, n)
      left join lateral regexp_match(piece, U&'^"\F8FE[^\F8FE]*\F8FE([^\F8FE]*)\F8FE"$') m(parts) on true);
  end if;
  return regexp_replace(value, U&'\F8FF([0-9a-fA-F]{4})\F8FF', '\\u\1', 'g');
end $$;

-- A record with a value that goes past a limit is not read; the reason is the value's.
create or replace function supasaasy.refuse_excess(p_marked text) returns void
language plpgsql immutable set search_path = '' as $$
begin
  if position(U&'"\F8FE' in p_marked) > 0 then
    raise exception '%', substring(p_marked from U&'"\F8FE([^\F8FE]*)\F8FE') using errcode = '54000';
  end if;
end $$;

create or replace function supasaasy.add_counts(a jsonb, b jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
#variable_conflict use_column
begin
  return (
  select a || jsonb_object_agg(k, coalesce((a ->> k)::bigint, 0) + coalesce((b ->> k)::bigint, 0))
  from unnest(array['created', 'updated', 'unchanged', 'archived', 'deleted', 'stale', 'errors']) k);
end $$;

-- The same of a nested resource, with what its lists showed of their description.
create or replace function supasaasy.add_child_counts(a jsonb, b jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
#variable_conflict use_column
begin
  return (
  select supasaasy.add_counts(a, b) || jsonb_object_agg(k, coalesce((a ->> k)::bigint, 0) + coalesce((b ->> k)::bigint, 0))
  from unnest(array['lists', 'cut', 'absent', 'flagless', 'shared']) k);
end $$;

create or replace function supasaasy.put_in_quarantine(
  p_app text, p_collection text, p_id text, p_reason text, p_code text, p_raw text, p_origin text, p_origin_id text, p_version bigint
) returns void
language plpgsql set search_path = '' as $$
#variable_conflict use_column
begin
  -- The same text without an id is the same record, however often it is read.
  if p_id is null or p_id = '' then
    update supasaasy.quarantine q set reason = p_reason, code = p_code, origin = p_origin, origin_id = p_origin_id, version = p_version,
      attempts = attempts + 1, updated_at = clock_timestamp()
    where q.app_key = p_app and q.collection_key = p_collection and coalesce(q.external_id, '') = '' and q.resolved_at is null and md5(q.raw) = md5(p_raw) and q.raw = p_raw;
    if found then
      return;
    end if;
  end if;
  insert into supasaasy.quarantine (app_key, collection_key, external_id, reason, code, raw, origin, origin_id, version)
  values (p_app, p_collection, p_id, p_reason, p_code, p_raw, p_origin, p_origin_id, p_version)
  on conflict (app_key, collection_key, external_id) where resolved_at is null and external_id is not null
  do update set reason = excluded.reason, code = excluded.code, raw = excluded.raw, origin = excluded.origin,
    origin_id = excluded.origin_id, version = excluded.version, attempts = quarantine.attempts + 1, updated_at = clock_timestamp();
end $$;

-- When a request was begun, on the database's clock, never too late. The worker's guess is early by as much as the way to
-- the database took when it set its clock. Its request came after its claim in any case: so what had an object read, a
-- moment before, does not have it read again and again.
create or replace function supasaasy.asked_at(p_task supasaasy.tasks, p_page jsonb) returns timestamptz
language plpgsql stable set search_path = '' as $$
begin
  return greatest((p_page ->> 'started_at')::timestamptz, p_task.claimed_at);
end $$;

-- One page of a task: its rows, what follows from them, and the checkpoint, in one transaction.
--
-- p_page: spec, started_at (our guess at the database's clock, before the request), version and version_until (provider's clock), requests,
--   next {style: last_id|path|scroll|page|none, more, path, ids}, careful, quiet_creates, purge, lease_seconds, stop (a limit was reached),
--   cursor (that it was asked for with) or from_start (without one), asked, sized, total, short (see next_position).
-- Raises SY001 when the lease is lost, SY002 when the answer has no list of records, SY003 when paging cannot go on, SY006
-- when the description does not fit the answer.
create or replace function supasaasy.ingest_page(p_task bigint, p_token bigint, p_body text, p_page jsonb) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  t supasaasy.tasks;
  spec jsonb := p_page -> 'spec';
  careful boolean := coalesce((p_page ->> 'careful')::boolean, false);
  doc jsonb;
  doc_text json;
  records jsonb;
  records_text json;
  records_path text[] := supasaasy.path_of(spec -> 'records');
  record_count integer;
  from_ms bigint := (p_page ->> 'version')::bigint;
  until_ms bigint := (p_page ->> 'version_until')::bigint;
  context jsonb;
  result jsonb;
  next_cursor text;
  first_id text;
  last_id text;
  id_path text[] := supasaasy.path_of(spec -> 'id');
  created_path text[] := supasaasy.path_of(spec #> '{created,path}');
  last_created bigint;
  top_created bigint;
  moments bigint;
  turned record;
  read_count integer;
  done boolean;
  parent_ref text;
  seen jsonb;
  absent jsonb;
  asked_once_more boolean := false;
  first_load boolean;
  started timestamptz;
  ignored text;
begin
  -- Before the task's row: events hold their collections while they ask for an object again, which locks its task.
  perform supasaasy.lock_collections((select app_key from supasaasy.tasks where id = p_task), supasaasy.collections_of(spec), false);
  select * into t from supasaasy.tasks where id = p_task and lease_token = p_token and state = 'running' for update;
  if not found then
    raise exception 'task % is no longer ours: another worker has taken it over', p_task using errcode = 'SY001';
  end if;
  -- A page of a run does not wait for the disk: rows, feed and checkpoint come together or not at all, and what a server
  -- loses that falls is read again. The end of a run waits, for itself and so for every page before it. Where nobody waits
  -- for the disk anyway (the embedded server), its log is better written once a page than by and by: a tenth of a page's time.
  if t.run_id is not null and current_setting('fsync') = 'on' then
    ignored := set_config('synchronous_commit', 'off', true);
  end if;
  -- The reader is further than the database, which fell and forgot a page: it goes on from here.
  if p_page ? 'cursor' and t.cursor is distinct from p_page ->> 'cursor' then
    return jsonb_build_object('created', 0, 'updated', 0, 'unchanged', 0, 'archived', 0, 'deleted', 0, 'stale', 0, 'errors', 0, 'records', 0,
      'children', '{}'::jsonb, 'done', false, 'cursor', t.cursor, 'cursor_created', t.cursor_created, 'range_from', t.range_from);
  end if;
  if t.kind = 'children' and supasaasy.end_with_parent(t) then
    delete from supasaasy.tasks where id = p_task and run_id is null;
    return '{"created":0,"updated":0,"unchanged":0,"archived":0,"deleted":0,"stale":0,"errors":0,"records":0,"children":{},"done":true}';
  end if;
  first_load := supasaasy.is_first_load(t.app_key, t.collection_key, t.run_id);
  started := supasaasy.asked_at(t, p_page);
  context := jsonb_build_object('source', 'read', 'origin', case when t.kind = 'list' and t.input ? 'audit' then 'audit' else 'sync' end,
    'origin_id', coalesce(t.run_id::text, 'task-' || t.id), 'started_at', started, 'run_id', t.run_id,
    'priority', t.priority, 'purge', p_page -> 'purge', 'fresh', first_load,
    'quiet_creates', first_load and coalesce((p_page ->> 'quiet_creates')::boolean, false));
  parent_ref := case when t.kind = 'children' then t.external_id end;

  if careful then
    doc_text := p_body::json;
    records_text := case when records_path is null then json_build_array(doc_text) else doc_text #> records_path end;
    if records_text is null or json_typeof(records_text) <> 'array' then
      perform supasaasy.refuse_answer(spec, null, doc_text, json_typeof(records_text));
    end if;
    record_count := json_array_length(records_text);
    result := supasaasy.apply_carefully(t.app_key, spec, records_text, context, from_ms, until_ms, parent_ref);
    first_id := records_text -> 0 #>> id_path;
    last_id := records_text -> (record_count - 1) #>> id_path;
  else
    doc := p_body::jsonb;
    records := case when records_path is null then jsonb_build_array(doc) else doc #> records_path end;
    if records is null or jsonb_typeof(records) <> 'array' then
      perform supasaasy.refuse_answer(spec, doc, null, jsonb_typeof(records));
    end if;
    record_count := jsonb_array_length(records);
    if coalesce((spec ->> 'partial')::boolean, false) then
      result := supasaasy.apply_hints(t.app_key, spec, records, context);
    else
      result := supasaasy.apply_records(t.app_key, spec, records,
        case when t.pass_id is not null and t.kind in ('list', 'fanout') then context || jsonb_build_object('pass_id', t.pass_id) else context end,
        from_ms, until_ms, parent_ref);
    end if;
    first_id := records -> 0 #>> id_path;
    last_id := records -> (record_count - 1) #>> id_path;
    top_created := supasaasy.instant_second(records -> 0 #> created_path, spec -> 'created');
    if t.pages = 0 and t.input ? 'ranged' then
      moments := (select count(distinct value #> created_path) from jsonb_array_elements(records));
    end if;
    last_created := supasaasy.instant_second(records -> (record_count - 1) #> created_path, spec -> 'created');
  end if;

  turned := supasaasy.turn_page(t, p_page, doc, doc_text, records, record_count,
    -- Records with an id of their own; those before sync_from were not counted.
    case when not careful and not spec ? 'created_from' then supasaasy.count_states(result) end, first_id, last_id, last_created);
  next_cursor := turned.next_cursor;
  done := turned.done;
  t.input := turned.input;
  if t.pass_id is not null and spec ? 'children' and not t.input ? 'nested' then
    t.input := t.input || jsonb_build_object('nested', spec -> 'children');
  end if;
  read_count := case when turned.repeated then 0 else record_count end;

  if t.kind = 'children' then
    seen := coalesce(t.input -> 'seen', '[]') || (result -> 'ids');
    -- What is absent was absent when the first page was asked for; what came later may be missing on it.
    t.input := jsonb_build_object('started_at', started, 'version', from_ms, 'version_until', until_ms)
      || t.input || jsonb_build_object('seen', seen)
      || case when coalesce((result ->> 'nameless')::int, 0) > 0 then '{"nameless": true}'::jsonb else '{}' end;
    if done then
      if not t.input ? 'nameless' then
        absent := supasaasy.apply_absent(t, seen, context);
        result := supasaasy.add_counts(result, absent) || jsonb_build_object('again', (result -> 'again') || (absent -> 'again'));
      end if;
      -- Its parent was said to have changed while we were reading, or nobody can tell what was first.
      asked_once_more := t.requested_at > (t.input ->> 'started_at')::timestamptz
        or t.input ? 'unsure' or jsonb_array_length(result -> 'again') > 0;
      t.input := t.input - array['seen', 'started_at', 'version', 'version_until', 'nameless', 'mark', 'unsure', 'check'];
    elsif jsonb_array_length(result -> 'again') > 0 then
      t.input := t.input || '{"unsure": true}';
    end if;
  end if;

  if t.pass_id is not null and (t.kind = 'list' or t.kind = 'fanout') then
    if jsonb_array_length(result -> 'ids') > 0 then
      insert into supasaasy.pass_pages (pass_id, ids) values (t.pass_id, array(select jsonb_array_elements_text(result -> 'ids')));
    end if;
    if coalesce((result ->> 'nameless')::int, 0) > 0 then
      update supasaasy.passes set sweepable = false, note = 'a record without a readable id was quarantined',
        problem = format('a record has no readable id at %s: it is in quarantine', array_to_string(id_path, '.')) where id = t.pass_id;
    end if;
    if coalesce((p_page ->> 'stop')::boolean, false) and next_cursor is not null then
      update supasaasy.passes set sweepable = false, note = 'stopped at the limit that was asked for' where id = t.pass_id;
    end if;
  end if;

  update supasaasy.tasks set
    cursor = case when asked_once_more then null when done then cursor else next_cursor end,
    cursor_created = coalesce(last_created, cursor_created), first_created = coalesce(first_created, top_created),
    -- Down from the record above the page, unless there is a hole between. Above the first page is none: between so many
    -- moments lies one gap less than there are moments.
    page_span = coalesce(case when moments > 1 then (top_created - last_created) * moments / (moments - 1)
      else least(coalesce(t.cursor_created, t.range_to, top_created) - last_created, 1.1 * (top_created - last_created) + 1)::bigint end, page_span),
    read_from = least(read_from, from_ms), read_until = greatest(read_until, case when kind in ('list', 'fanout') then until_ms end),
    pages = pages + 1, requests = requests + coalesce((p_page ->> 'requests')::int, 1), records = records + read_count,
    created = created + (result ->> 'created')::bigint, updated = updated + (result ->> 'updated')::bigint,
    unchanged = unchanged + case when turned.repeated then 0 else (result ->> 'unchanged')::bigint end, archived = archived + (result ->> 'archived')::bigint,
    deleted = deleted + (result ->> 'deleted')::bigint, stale = stale + (result ->> 'stale')::bigint,
    errors = errors + case when turned.repeated then 0 else coalesce((result ->> 'errors')::bigint, 0) end,
    input = case when result -> 'children' = '{}'::jsonb or turned.repeated then t.input else supasaasy.add_children(t.input, result -> 'children') end,
    state = case when asked_once_more then 'ready' when done then 'done' else state end,
    finished_at = case when done and not asked_once_more then clock_timestamp() end,
    lease_until = case when done then null else clock_timestamp() + make_interval(secs => coalesce((p_page ->> 'lease_seconds')::float8, 60)) end,
    attempts = 0, error = null
  where id = p_task;
  if done and t.kind = 'children' and t.run_id is null then
    delete from supasaasy.tasks where id = p_task and state = 'done';
  end if;

  return (result - 'ids') || jsonb_build_object('records', read_count, 'cursor', next_cursor, 'cursor_created', coalesce(last_created, t.cursor_created),
    'done', done, 'range_from', t.range_from, 'last_id', last_id) || case when turned.checking is null then '{}' else jsonb_build_object('check', turned.checking) end;
end $$;

-- The states that a page was decided into: its records with an id of their own.
create or replace function supasaasy.count_states(p_result jsonb) returns integer
language plpgsql immutable set search_path = '' as $$
begin
  return (p_result ->> 'created')::integer + (p_result ->> 'updated')::integer + (p_result ->> 'unchanged')::integer + (p_result ->> 'archived')::integer
    + (p_result ->> 'deleted')::integer + (p_result ->> 'stale')::integer + jsonb_array_length(p_result -> 'again');
end $$;

-- The answer has no list where the description says that it lies.
create or replace function supasaasy.refuse_answer(p_spec jsonb, p_doc jsonb, p_text json, p_type text) returns void
language plpgsql set search_path = '' as $$
declare
  path text[] := supasaasy.path_of(p_spec -> 'records');
begin
  raise exception 'the answer has no list at %: there lies %, and %', coalesce(nullif(array_to_string(path, '.'), ''), 'its top'),
    supasaasy.kind_of(p_type), supasaasy.keys_of(p_doc, p_text, path) using errcode = 'SY002';
end $$;

-- A list of children whose parent is gone by now: those that we know went with it, those of this answer come too late.
create or replace function supasaasy.end_with_parent(p_task supasaasy.tasks) returns boolean
language sql set search_path = '' as $$
  with ended as (
    update supasaasy.tasks t set state = 'done', finished_at = clock_timestamp(), lease_token = null, lease_until = null,
      requests = requests + 1, pages = pages + 1, input = t.input - array['seen', 'mark']
    where t.id = p_task.id and exists (
      select 1 from supasaasy.entities e where e.app_key = p_task.app_key and e.collection_key = p_task.input ->> 'of'
        and e.external_id = p_task.external_id and e.deleted_at is not null)
    returning 1
  ) select exists (select 1 from ended);
$$;

-- Children that the whole list of their parent, now read to its end, did not name.
create or replace function supasaasy.apply_absent(p_task supasaasy.tasks, p_seen jsonb, p_context jsonb) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  absent supasaasy.entity_state[];
  -- sync_from: what was created before was not taken from the list, so that it was not seen means nothing.
  created_from timestamptz := to_timestamp((p_task.input ->> 'created_from')::float8);
begin
  select array_agg(row(e.external_id, e.parent_id, null, null, false, null, true, (p_task.input ->> 'version')::bigint,
    (p_task.input ->> 'version_until')::bigint, null)::supasaasy.entity_state order by e.external_id)
  into absent
  from supasaasy.entities e
  where e.parent_id = p_task.external_id and e.app_key = p_task.app_key and e.collection_key = p_task.collection_key
    and e.deleted_at is null and not p_seen ? e.external_id and (created_from is null or e.source_created_at >= created_from);
  return supasaasy.apply_states(p_task.app_key, p_task.collection_key, absent,
    p_context || jsonb_build_object('started_at', p_task.input -> 'started_at', 'owned', false, 'retrievable', true));
end $$;

-- Counts of nested resources are kept beside the task that brought them: {"children": {"invoice_line_item": {...}}}.
create or replace function supasaasy.add_children(p_input jsonb, p_children jsonb) returns jsonb
language sql immutable set search_path = '' as $$
  select p_input || jsonb_build_object('children', coalesce(p_input -> 'children', '{}') ||
    jsonb_object_agg(key, supasaasy.add_child_counts(coalesce(p_input #> array['children', key], '{}'), value - array['again', 'gone', 'children', 'ids'])))
  from jsonb_each(p_children);
$$;

-- What a page would do, for a dry run: decides, writes nothing, has no task.
create or replace function supasaasy.preview_page(p_app text, p_body text, p_page jsonb) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  spec jsonb := p_page -> 'spec';
  doc json := p_body::json;
  records json := case when spec -> 'records' = 'null'::jsonb or not spec ? 'records' then json_build_array(doc) else doc #> supasaasy.path_of(spec -> 'records') end;
  last_id text;
  shown jsonb;
  turned record;
  result jsonb;
begin
  if records is null or json_typeof(records) <> 'array' then
    perform supasaasy.refuse_answer(spec, null, doc, json_typeof(records));
  end if;
  result := supasaasy.apply_carefully(p_app, spec, records,
    jsonb_build_object('source', 'read', 'origin', 'sync', 'started_at', p_page -> 'started_at', 'dry', true),
    (p_page ->> 'version')::bigint, (p_page ->> 'version_until')::bigint, null);
  last_id := records -> (json_array_length(records) - 1) #>> supasaasy.path_of(spec -> 'id');
  shown := jsonb_build_array(records -> 0 #>> supasaasy.path_of(spec -> 'id'), last_id, json_array_length(records));
  turned := supasaasy.next_position(p_page, p_page ->> 'cursor', null, doc, json_array_length(records), last_id, not p_page ? 'cursor',
    (p_page ->> 'read')::bigint + json_array_length(records), p_page ->> 'check', shown = p_page -> 'shown');
  if turned.doubt is not null then
    raise exception '%', turned.doubt using errcode = 'SY006';
  end if;
  return result || jsonb_build_object('records', json_array_length(records), 'next', turned.next_cursor, 'check', turned."check", 'shown', shown);
end $$;

-- For a dry run: what a sweep would look at after a pass that named p_ids, and what is nested in it:
-- {"missing": 3, "children": {"invoice_line_item": 7}}. p_children: {resource: collection}
create or replace function supasaasy.count_missing(p_app text, p_collection text, p_ids jsonb, p_hides_archived boolean, p_window_from float8, p_children jsonb) returns jsonb
language plpgsql stable set search_path = '' set jit = off set enable_nestloop = off as $$
begin
  return (with missing as materialized (
    select e.external_id from supasaasy.entities e
    left join (select distinct jsonb_array_elements_text(p_ids) as id) seen on seen.id = e.external_id
    left join supasaasy.unlisted u on u.app_key = e.app_key and u.collection_key = e.collection_key and u.external_id = e.external_id
    where e.app_key = p_app and e.collection_key = p_collection and e.deleted_at is null and seen.id is null and u.external_id is null
      and not (p_hides_archived and e.archived_at is not null)
      and (p_window_from is null or e.source_created_at >= to_timestamp(p_window_from))
  )
  select jsonb_build_object('missing', (select count(*) from missing), 'children', coalesce((
    select jsonb_object_agg(child.key, (
      select count(*) from supasaasy.entities c
      where c.app_key = p_app and c.collection_key = child.value and c.deleted_at is null and c.parent_id in (select external_id from missing)))
    from jsonb_each_text(p_children) child), '{}')));
end $$;
