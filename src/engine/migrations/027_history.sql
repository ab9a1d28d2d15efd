-- What an entity was. The feed itself is the history: a version is what a change left behind, valid until the next.

-- All versions that are known, oldest first. `since` null: the first one that the feed remembers began earlier.
create or replace function supasaasy.entity_versions(p_app text, p_collection text, p_id text)
returns table (seq bigint, operation text, origin text, since timestamptz, until timestamptz, payload jsonb)
language plpgsql stable set search_path = '' set jit = off
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_bitmapscan = off as $$
#variable_conflict use_column
declare
  e supasaasy.entities;
begin
  select * into e from supasaasy.entities x where x.collection_key = p_collection and x.external_id = p_id and x.app_key = p_app;
  if not found then
    return;
  end if;
  return query
    with recursive chain as (
      select 1 as n, c.* from supasaasy.changes c where c.seq = e.change_seq
      union all
      select h.n + 1, c.* from chain h cross join lateral (select * from supasaasy.changes c where c.seq = h.previous_seq limit 1) c
    ), dated as (
      select h.*, lag(h.before) over (order by h.n) as left_behind, lag(h.changed_at) over (order by h.n) as ends_at,
        h.n = max(h.n) over () as oldest
      from chain h
    )
    -- What was there before the oldest change that we know: a quiet first load, or a trimmed feed.
    select null::bigint, null::text, null::text, case when d.previous_seq is null then e.created_at end, d.changed_at, d.before
    from dated d where d.oldest and d.operation <> 'create' and d.before is not null
    union all
    select null, null, null, e.created_at, null, case when e.deleted_at is null then e.raw_payload end where e.change_seq is null
    union all
    -- Deleted: there is no payload until it comes back.
    (select d.seq, d.operation, d.origin, d.changed_at, d.ends_at,
      case when d.operation = 'delete' then null when d.n = 1 then e.raw_payload else d.left_behind end
    from dated d order by d.n desc);
end $$;

-- The payload at a moment (our clock: when we had learned it); null when it did not exist then.
create or replace function supasaasy.entity_as_of(p_app_key text, p_collection_key text, p_external_id text, p_at timestamptz) returns jsonb
language plpgsql stable set search_path = '' as $$
#variable_conflict use_column
declare
  found_payload jsonb;
  oldest timestamptz;
begin
  select v.payload into found_payload from supasaasy.entity_versions(p_app_key, p_collection_key, p_external_id) v
  where coalesce(v.since, '-infinity') <= p_at and (v.until is null or v.until > p_at) order by v.since desc nulls last limit 1;
  if found and found_payload is not null then
    return found_payload;
  end if;
  select trimmed_until into oldest from supasaasy.feed_state;
  if p_at < oldest and not exists (select 1 from supasaasy.feed_history where app_key = p_app_key and collection_key = p_collection_key)
    and exists (select 1 from supasaasy.entities where collection_key = p_collection_key and external_id = p_external_id and app_key = p_app_key and created_at <= p_at) then
    raise exception 'the feed begins at %: what % was at % is no longer known (history: true keeps it)', oldest, p_external_id, p_at using errcode = 'SY005';
  end if;
  return null;
end $$;

-- What differs between two values, a row a path: {"path": ["items", "0", "price"], "before": 1, "after": 2}.
create or replace function supasaasy.diff_values(p_before jsonb, p_after jsonb, p_path text[] default '{}') returns jsonb
language plpgsql immutable set search_path = '' as $$
declare
  result jsonb := '[]';
  step text;
begin
  if p_before is not distinct from p_after then
    return result;
  end if;
  if jsonb_typeof(p_before) = 'object' and jsonb_typeof(p_after) = 'object' then
    for step in select k from (select jsonb_object_keys(p_before) k union select jsonb_object_keys(p_after)) x order by 1 loop
      result := result || supasaasy.diff_values(p_before -> step, p_after -> step, p_path || step);
    end loop;
    return result;
  end if;
  if jsonb_typeof(p_before) = 'array' and jsonb_typeof(p_after) = 'array' then
    for i in 0 .. greatest(jsonb_array_length(p_before), jsonb_array_length(p_after)) - 1 loop
      result := result || supasaasy.diff_values(p_before -> i, p_after -> i, p_path || i::text);
    end loop;
    return result;
  end if;
  return jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('path', to_jsonb(p_path))) ||
    case when p_before is null then '{}' else jsonb_build_object('before', p_before) end ||
    case when p_after is null then '{}' else jsonb_build_object('after', p_after) end);
end $$;

create or replace function supasaasy.diff_versions(p_app_key text, p_collection_key text, p_external_id text, p_from timestamptz, p_to timestamptz) returns jsonb
language sql stable set search_path = '' as $$
  select supasaasy.diff_values(supasaasy.entity_as_of(p_app_key, p_collection_key, p_external_id, p_from),
    supasaasy.entity_as_of(p_app_key, p_collection_key, p_external_id, p_to));
$$;

-- p_collections: [{app_key, collection_key}], all of them.
create or replace function supasaasy.declare_history(p_collections jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  delete from supasaasy.feed_history h where not p_collections @> jsonb_build_array(jsonb_build_object('app_key', h.app_key, 'collection_key', h.collection_key));
  insert into supasaasy.feed_history (app_key, collection_key)
  select c ->> 'app_key', c ->> 'collection_key' from jsonb_array_elements(p_collections) c on conflict do nothing;
end $$;
