-- The write path. Everything that a provider says, in a page, an event, an answer to a question about one object
-- or by no longer naming an object, comes to apply_states, and nothing else writes `entities` or `changes`.

do $$ begin
  create type supasaasy.entity_state as (
    external_id text, parent_id text, payload jsonb, source_created bigint,
    archived boolean, archived_at bigint, deleted boolean, version bigint, version_until bigint, api_version text
  );
exception when duplicate_object then null; end $$;
alter type supasaasy.entity_state drop attribute if exists hash;

-- ISO 8601 in milliseconds, rounded down; null when the value is none. The twin of isoMs (src/kit/instant.ts), which names
-- the rule; a property compares the two. Never an error, and no cast to timestamptz: that refuses what ISO 8601 allows (the
-- year 0000) and depends on the session's settings. The digits are [0-9]: \d takes those of every script.
create or replace function supasaasy.iso_ms(value jsonb) returns bigint
language plpgsql immutable parallel safe as $$
declare
  t constant text := value #>> '{}';
  shape constant text := translate(t, '123456789', '000000000');
  y integer;
  mo integer;
  d integer;
  ms bigint;
  zone text;
begin
  if jsonb_typeof(value) is distinct from 'string' then
    return null;
  -- What nearly every provider writes, on a day that every month has: half the time of the general way below.
  elsif shape in ('0000-00-00T00:00:00Z', '0000-00-00T00:00:00.000Z') and t > '0001' and substr(t, 6, 2) between '01' and '12'
      and substr(t, 9, 2) between '01' and '28' and substr(t, 12, 2) < '24' and substr(t, 15, 1) < '6' and substr(t, 18, 1) < '6' then
    return (make_date(substr(t, 1, 4)::integer, substr(t, 6, 2)::integer, substr(t, 9, 2)::integer) - '1970-01-01'::date) * 86400000::bigint
      + (substr(t, 12, 2)::integer * 60 + substr(t, 15, 2)::integer) * 60000 + substr(t, 18, 2)::integer * 1000
      + case when length(t) > 20 then substr(t, 21, 3)::integer else 0 end;
  elsif t !~ '^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])(?:[Tt ](?:(?:[01][0-9]|2[0-3]):[0-5][0-9](?::(?:[0-5][0-9]|60)(?:[.,][0-9]+)?)?|24:00(?::00(?:[.,]0+)?)?)(?: ?(?:[Zz]|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?))?)?$' then
    return null;
  end if;
  y := substr(t, 1, 4);
  mo := substr(t, 6, 2);
  d := substr(t, 9, 2);
  if d > 28 and d > (case mo when 2 then 28 + (y % 4 = 0 and y % 100 <> 0 or y % 400 = 0)::integer
      when 4 then 30 when 6 then 30 when 9 then 30 when 11 then 30 else 31 end) then
    return null;
  end if;
  -- The year 0000 is 1 BC.
  ms := (make_date(coalesce(nullif(y, 0), -1), mo, d) - '1970-01-01'::date) * 86400000::bigint;
  if length(t) > 10 then
    ms := ms + (substr(t, 12, 2)::integer * 60 + substr(t, 15, 2)::integer) * 60000
      + case when substr(t, 17, 1) = ':' then substr(t, 18, 2)::integer * 1000 else 0 end
      + case when substr(t, 20, 1) in ('.', ',') then rpad(substring(substr(t, 21, 3) from '^[0-9]+'), 3, '0')::integer else 0 end;
    if right(t, 1) not in ('Z', 'z') then
      zone := substring(right(t, 6) from '[+-][0-9:]+$');
      if zone is not null then
        ms := ms - (left(zone, 1) || '1')::integer * (substr(zone, 2, 2)::integer * 3600000
          + case when length(zone) > 3 then right(zone, 2)::integer * 60000 else 0 end);
      end if;
    end if;
  end if;
  return case when ms between -62167219200000 and 253402300799999 then ms end;
end $$;

-- How exact an ISO 8601 instant is, in milliseconds, by what is written: a day, a minute, a second, or a part of one.
create or replace function supasaasy.iso_width(value jsonb) returns bigint
language sql immutable parallel safe
return case
  when length(value #>> '{}') = 10 then 86400000
  when substr(value #>> '{}', 17, 1) <> ':' or length(value #>> '{}') = 16 then 60000
  when substr(value #>> '{}', 20, 1) not in ('.', ',') or length(value #>> '{}') = 19 then 1000
  when substr(value #>> '{}', 22, 1) not between '0' and '9' or length(value #>> '{}') = 21 then 100
  when substr(value #>> '{}', 23, 1) not between '0' and '9' or length(value #>> '{}') = 22 then 10
  else 1
end;

-- The precision of a description in milliseconds; null where it gives none.
create or replace function supasaasy.precision_ms(at jsonb) returns bigint
language sql immutable parallel safe
return case at ->> 'precision' when '1ms' then 1 when '1s' then 1000 when '1m' then 60000 when '1d' then 86400000 end;

-- A provider's instant in milliseconds, rounded down, or null when it is none that a timestamp can hold. Never an error. Simple
-- enough to be inlined: called four times a record, it was a fifth of the time of a page as a function of its own.
create or replace function supasaasy.instant_ms(value jsonb, unit text) returns bigint
language sql immutable parallel safe
return case
  when unit = 's' and jsonb_typeof(value) = 'number' and value::numeric >= -62167219200 and value::numeric < 253402300800
    then floor(value::numeric * 1000)::bigint
  when unit = 'ms' and jsonb_typeof(value) = 'number' and value::numeric >= -62167219200000 and value::numeric < 253402300800000
    then floor(value::numeric)::bigint
  when unit = 'iso' then supasaasy.iso_ms(value)
end;

-- The last second in which an instant can lie: what a list that is read from the newest record down has reached.
create or replace function supasaasy.instant_second(value jsonb, at jsonb) returns bigint
language plpgsql immutable parallel safe as $$
declare
  ms constant bigint := supasaasy.instant_ms(value, at ->> 'unit');
  width bigint := coalesce(supasaasy.precision_ms(at), 1000);
begin
  if at ->> 'unit' = 'iso' and ms is not null then
    width := greatest(width, supasaasy.iso_width(value));
  end if;
  return floor((ms - ((ms % width) + width) % width + width - 1) / 1000.0);
end $$;

-- In PL/pgSQL, as everything that a page calls and that cannot be inlined: the plan of an SQL function is thrown away
-- with each transaction. Twenty of these calls, as SQL functions, were a quarter of the time of a page.
create or replace function supasaasy.path_of(value jsonb) returns text[]
language plpgsql immutable parallel safe as $$
begin
  if jsonb_typeof(value) is distinct from 'array' then
    return null;
  end if;
  -- Without a query, for the usual lengths.
  case jsonb_array_length(value)
    when 0 then return '{}';
    when 1 then return array[value ->> 0];
    when 2 then return array[value ->> 0, value ->> 1];
    else return array(select jsonb_array_elements_text(value));
  end case;
end $$;

drop function if exists supasaasy.extract_states(jsonb, jsonb, bigint, bigint, text, bigint[], bigint[], text[]);
-- Takes the records of one resource out of JSON as its description says, in the order of their ids. Two records of
-- one id (an object that moved between pages, a doubled answer) become the newer one.
create or replace function supasaasy.extract_states(
  p_records jsonb, p_spec jsonb, p_version bigint, p_until bigint, p_parent text default null,
  p_versions bigint[] default null, p_untils bigint[] default null, p_api_versions text[] default null, p_parents text[] default null
) returns supasaasy.entity_state[]
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan set jit = off as $$
#variable_conflict use_column
declare
  id_path text[] := supasaasy.path_of(p_spec -> 'id');
  created_path text[] := supasaasy.path_of(p_spec #> '{created,path}');
  created_unit text := p_spec #>> '{created,unit}';
  version_path text[] := supasaasy.path_of(p_spec #> '{version,path}');
  version_unit text := p_spec #>> '{version,unit}';
  -- Within so many milliseconds two states have no order.
  version_width bigint := coalesce(supasaasy.precision_ms(p_spec -> 'version'), case version_unit when 's' then 1000 else 1 end);
  archived_path text[] := supasaasy.path_of(p_spec #> '{archived,path}');
  archived_equals jsonb := p_spec #> '{archived,equals}';
  archived_at_path text[] := supasaasy.path_of(p_spec #> '{archived,at,path}');
  archived_at_unit text := p_spec #>> '{archived,at,unit}';
  deleted_path text[] := supasaasy.path_of(p_spec #> '{deleted,path}');
  deleted_equals jsonb := p_spec #> '{deleted,equals}';
  parent_path text[] := supasaasy.path_of(p_spec -> 'parent');
  -- Lists that are only there because we asked for them are not part of the object.
  detached_keys text[] := coalesce(supasaasy.path_of(p_spec -> 'detach'), '{}');
  has_detached boolean := cardinality(detached_keys) > 0;
  target_version text := p_spec ->> 'api_version';
  -- sync_from, for lists that the provider cannot filter: what was created before is not taken.
  created_from bigint := (p_spec ->> 'created_from')::bigint * 1000;
  result supasaasy.entity_state[];
  nameless bigint;
begin
  -- Each `offset 0` is a fence: what is named below it is worked out once a record, not once for every use.
  select array_agg(row(
      id, coalesce(p_parents[n], p_parent, case when parent_path is not null then payload #>> parent_path end), payload,
      created,
      coalesce(case when archived_path is null then false
                    when archived_equals is null then coalesce(payload #> archived_path, 'null'::jsonb) not in ('null'::jsonb, 'false'::jsonb)
                    else payload #> archived_path = archived_equals end, false),
      case when archived_at_path is not null then supasaasy.instant_ms(payload #> archived_at_path, archived_at_unit) end,
      coalesce(deleted_path is not null and payload #> deleted_path = deleted_equals, false),
      coalesce(own_version, p_versions[n], p_version),
      coalesce(own_version + width - 1, p_untils[n], p_until),
      coalesce(p_api_versions[n], target_version)
    )::supasaasy.entity_state),
    count(*) filter (where id is null or id = '')
  into result, nameless
  from (
    select distinct on (id) id, n, payload, created, own_version, width
    from (
      select id, n, payload, created, width, own_version - ((own_version % width) + width) % width as own_version
      from (
        select id, n, payload, supasaasy.instant_ms(created_raw, created_unit) as created,
          supasaasy.instant_ms(version_raw, version_unit) as own_version,
          case when version_unit = 'iso' then greatest(version_width, supasaasy.iso_width(version_raw)) else version_width end as width
        from (
          select (value #>> id_path) collate "C" as id, ordinality as n,
            case when has_detached and value ?| detached_keys then value - detached_keys else value end as payload,
            case when created_path is not null then value #> created_path end as created_raw,
            case when version_path is not null then value #> version_path end as version_raw
          from jsonb_array_elements(p_records) with ordinality
          offset 0
        ) raw
        offset 0
      ) exact
    ) item
    where created_from is null or coalesce(created >= created_from, true)
    order by id, coalesce(own_version, p_versions[n], p_version) desc, n desc
  ) record;
  if nameless > 0 then
    raise exception 'a record of % has no id at %', p_spec ->> 'collection', p_spec ->> 'id' using errcode = '22000';
  end if;
  return coalesce(result, '{}');
end $$;

-- What "the same content" means: equal as JSON, which nearly always shows in equal bytes. For 1 kB those take a tenth of
-- what a comparison of values takes, or a hash of the text. Inlined, as the next one. Its body is a text: as an expression,
-- pg_dump would write it without its casts, and nobody could restore it.
create or replace function supasaasy.same_payload(a jsonb, b jsonb, p_has_volatile boolean, p_volatile text[]) returns boolean
language sql immutable parallel safe as $$
  select case when p_has_volatile then a - p_volatile = b - p_volatile else row(a)::record *= row(b)::record or a = b end;
$$;

-- The content in 64 bits, for digests: of the text, because to jsonb_hash_extended 1 and -1 are the same, and so are
-- {"a": {"b": 1}, "c": 2} and {"a": {"b": 1, "c": 2}}.
create or replace function supasaasy.payload_hash(value jsonb, p_has_volatile boolean, p_volatile text[]) returns bigint
language sql immutable parallel safe
return hashtextextended((case when p_has_volatile then value - p_volatile else value end)::text, 0);

-- Decides, for every state, whether it is new, newer, the same, older, or whether nobody can tell, and writes what
-- follows from that. Returns the counts, `again` (ids to be read again because nobody can tell), `gone` (ids that
-- became tombstones now) and `old` (ids of states that came too late).
--
-- How two states are ordered. Providers stamp whole seconds and deliver late, so each state carries the interval in
-- which it is known to have been true, and three rules apply in this order:
--   1. the same content is no news (though an event's or a single answer's later time is noted, so that an older
--      state that arrives afterwards is known to be older);
--   2. a read that began after the stored state had reached us is newer, whatever the clocks say (it happened after);
--      for a resource with its own change time an older change time still wins, because search indexes lag;
--   3. else intervals that do not touch are ordered by time, and intervals that touch are ambiguous: read again.
-- An event can only be outdated by another event: the clocks of `event.created` and of list answers need not agree.
create or replace function supasaasy.decide_states(
  p_app text, p_collection text, p_states supasaasy.entity_state[], p_context jsonb
) returns jsonb
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan
-- The plan is made once a session, perhaps when the table is empty: it must be the one that is right for a large one.
-- So every look at `entities` is by its key (`lateral … limit 1` leaves the planner no other order).
set jit = off set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  is_read boolean := p_context ->> 'source' = 'read';
  source_name text := p_context ->> 'source';
  origin_name text := p_context ->> 'origin';
  origin_ref text := p_context ->> 'origin_id';
  started timestamptz := (p_context ->> 'started_at')::timestamptz;
  owned boolean := coalesce((p_context ->> 'owned')::boolean, false);
  final_word boolean := coalesce((p_context ->> 'authoritative')::boolean, false);
  can_ask boolean := coalesce((p_context ->> 'retrievable')::boolean, false);
  purge boolean := coalesce((p_context ->> 'purge')::boolean, false);
  dry boolean := coalesce((p_context ->> 'dry')::boolean, false);
  -- Whether "still the same" is remembered. For pages it is not, so that an unchanged pass writes nothing: how far a
  -- list was read (list_until) says it for all of them.
  notes boolean := not is_read or final_word;
  -- Fields that say nothing about the object (links that are signed anew in every answer) do not make it changed.
  volatile_keys text[] := coalesce(supasaasy.path_of(p_context -> 'volatile'), '{}');
  has_volatile boolean := cardinality(volatile_keys) > 0;
  quiet_creates boolean := coalesce((p_context ->> 'quiet_creates')::boolean, false);
  list_until bigint := coalesce((p_context ->> 'list_until')::bigint, -9223372036854775808);
  candidate_ids text[];
  unchanged_count bigint;
  clock timestamptz := clock_timestamp();
  result jsonb;
begin
  -- Without a lock first: an unchanged page locks and writes nothing.
  select coalesce(array_agg(n.external_id) filter (where not same), '{}'), count(*) filter (where same)
  into candidate_ids, unchanged_count
  from (
    select n.external_id,
      coalesce(case when n.deleted then e.deleted_at is not null
                    else e.deleted_at is null and e.parent_id is not distinct from n.parent_id
                      and supasaasy.same_payload(e.raw_payload, n.payload, has_volatile, volatile_keys) end, false)
        -- The same content, known to have been true later: worth a note for events and answers about one object.
        and not (notes and n.version > e.version) as same
    from unnest(p_states) n
    left join lateral (
      select * from supasaasy.entities x
      where x.collection_key = p_collection and x.external_id = n.external_id and x.app_key = p_app limit 1
    ) e on true
  ) n;
  if cardinality(candidate_ids) = 0 then
    return jsonb_build_object('created', 0, 'updated', 0, 'unchanged', unchanged_count, 'archived', 0, 'deleted', 0,
      'stale', 0, 'again', '[]'::jsonb, 'gone', '[]'::jsonb, 'old', '[]'::jsonb);
  end if;
  if not dry then
    -- In the order of the ids, so that two writers of the same entities wait for each other and never in a circle.
    perform 1 from (select id from unnest(candidate_ids) id order by id) c
    cross join lateral (
      select 1 from supasaasy.entities x
      where x.collection_key = p_collection and x.external_id = c.id and x.app_key = p_app limit 1 for update
    ) locked;
  end if;

  with decided as materialized (
    select n.*, e.raw_payload as old_payload, e.change_seq as old_seq, e.version as old_version, e.version_until as old_until,
      e.deleted_at as old_deleted_at, e.archived_at as old_archived_at, e.external_id is not null as known,
      case
        -- Nothing stored.
        when e.external_id is null and n.deleted then 'bury'
        when e.external_id is null then case when is_read or n.version > list_until or not can_ask then 'write' else 'again' end
        -- No news.
        when n.deleted and e.deleted_at is not null
          or not n.deleted and e.deleted_at is null and e.parent_id is not distinct from n.parent_id
            and supasaasy.same_payload(e.raw_payload, n.payload, has_volatile, volatile_keys)
          then case when notes and n.version > e.version then 'note' else 'same' end
        -- A change time of the provider's own.
        when owned and not n.deleted and n.version_until < e.version then
          case when e.deleted_at is not null and is_read and started > e.observed_at
            then case when final_word or not can_ask then 'write' else 'again' end else 'stale' end
        when owned and n.version > e.version_until then 'write'
        -- Read after the stored state had reached us.
        when is_read and started > e.observed_at then 'write'
        when owned then case when can_ask then 'again' when n.version >= e.version then 'write' else 'stale' end
        -- Ordered by observation.
        when is_read and n.version > e.version_until then 'write'
        when is_read and n.version_until < e.version then 'stale'
        when not is_read and e.version_source = 'event' and n.version_until < e.version then 'stale'
        when not is_read and n.version > greatest(e.version_until, list_until) then 'write'
        when can_ask then 'again'
        when n.version >= e.version then 'write'
        else 'stale'
      end as decision
    from unnest(p_states) n
    left join lateral (
      select * from supasaasy.entities x
      where x.collection_key = p_collection and x.external_id = n.external_id and x.app_key = p_app limit 1
    ) e on true
    where n.external_id = any(candidate_ids)
  ),
  numbered as materialized (
    select d.*,
      case when d.decision = 'write' and not dry and not (quiet_creates and not d.known) then nextval('supasaasy.change_seq') end as seq,
      case when d.deleted then 'delete'
           when not d.known or d.old_deleted_at is not null then 'create'
           when d.archived and d.old_archived_at is null then 'archive'
           else 'update' end as operation,
      case when d.archived then coalesce(to_timestamp(d.archived_at / 1000.0), d.old_archived_at, to_timestamp(d.version / 1000.0)) end as new_archived_at
    from decided d
  ),
  inserted as (
    insert into supasaasy.entities (app_key, collection_key, external_id, parent_id, api_version, raw_payload, payload_hash,
      version, version_until, version_source, observed_at, source_created_at, created_at, updated_at, archived_at, deleted_at, change_seq)
    select p_app, p_collection, external_id, parent_id, api_version, case when deleted then null else payload end,
      case when deleted then 0 else supasaasy.payload_hash(payload, has_volatile, volatile_keys) end, version, version_until, source_name, clock, to_timestamp(source_created::float8 / 1000), clock, clock, new_archived_at,
      case when deleted then to_timestamp(version / 1000.0) end, seq
    from numbered where not known and decision in ('write', 'bury') and not dry
    order by external_id
    on conflict do nothing
    returning external_id
  ),
  -- An upsert that always finds its row (it is locked above), not an update with a join: a join's order would be
  -- chosen by statistics, and a plan made for an empty table is hundreds of times too slow for a full one.
  updated as (
    insert into supasaasy.entities as e (app_key, collection_key, external_id, parent_id, api_version, raw_payload, payload_hash,
      version, version_until, version_source, observed_at, source_created_at, created_at, updated_at, archived_at, deleted_at, change_seq)
    select p_app, p_collection, external_id, parent_id, api_version, payload,
      case when deleted then 0 else supasaasy.payload_hash(payload, has_volatile, volatile_keys) end, version, version_until, source_name,
      clock, to_timestamp(source_created::float8 / 1000), clock, clock, new_archived_at, case when deleted then to_timestamp(version / 1000.0) end, seq
    from numbered where known and decision = 'write' and not dry
    order by external_id
    on conflict (collection_key, external_id, app_key) do update set
      parent_id = case when excluded.deleted_at is null then excluded.parent_id else e.parent_id end,
      api_version = case when excluded.deleted_at is null then excluded.api_version else e.api_version end,
      raw_payload = case when excluded.deleted_at is null then excluded.raw_payload when not purge then e.raw_payload end,
      payload_hash = case when excluded.deleted_at is null then excluded.payload_hash else e.payload_hash end,
      version = greatest(e.version, excluded.version), version_until = greatest(e.version_until, excluded.version_until),
      version_source = excluded.version_source, observed_at = excluded.observed_at, updated_at = excluded.updated_at,
      source_created_at = coalesce(excluded.source_created_at, e.source_created_at),
      archived_at = case when excluded.deleted_at is null then excluded.archived_at else e.archived_at end,
      deleted_at = excluded.deleted_at, change_seq = excluded.change_seq
    returning e.external_id
  ),
  noted as (
    insert into supasaasy.entities as e (app_key, collection_key, external_id, payload_hash, version, version_until, version_source, observed_at, created_at, updated_at)
    select p_app, p_collection, external_id, 0, version, version_until, source_name, clock, clock, clock
    from numbered where decision = 'note' and not dry
    order by external_id
    on conflict (collection_key, external_id, app_key) do update set
      version = excluded.version, version_until = greatest(e.version_until, excluded.version_until),
      version_source = excluded.version_source, observed_at = excluded.observed_at
  ),
  logged as (
    insert into supasaasy.changes (seq, app_key, collection_key, external_id, operation, origin, origin_id, version, before, previous_seq)
    select n.seq, p_app, p_collection, n.external_id, n.operation, origin_name, origin_ref, n.version,
      case when not (purge and n.deleted) then n.old_payload end, n.old_seq
    from numbered n
    where n.seq is not null and (n.known or n.external_id in (select external_id from inserted))
    order by n.seq
  ),
  outcome as (
    select n.external_id, n.operation, n.known,
      -- Another writer inserted it between our look and our insert: nobody can tell which is newer.
      case when not n.known and n.decision in ('write', 'bury') and not dry
        and n.external_id not in (select external_id from inserted) then 'again' else n.decision end as decision
    from numbered n
  )
  select jsonb_build_object(
    'created', count(*) filter (where decision = 'write' and operation = 'create'),
    'updated', count(*) filter (where decision = 'write' and operation = 'update'),
    'archived', count(*) filter (where decision = 'write' and operation = 'archive'),
    'deleted', count(*) filter (where decision = 'write' and operation = 'delete'),
    'unchanged', unchanged_count + count(*) filter (where decision in ('same', 'note', 'bury')),
    'stale', count(*) filter (where decision = 'stale'),
    'again', coalesce(jsonb_agg(external_id) filter (where decision = 'again'), '[]'),
    'gone', coalesce(jsonb_agg(external_id) filter (where decision = 'write' and operation = 'delete'), '[]'),
    'old', coalesce(jsonb_agg(external_id) filter (where decision = 'stale'), '[]')
  ) into result from outcome;
  if not can_ask and jsonb_array_length(result -> 'again') > 0 then
    -- Lost the race for an insert, and nobody can be asked: the whole call is made again and finds the row.
    raise exception 'another writer inserted % of % at the same moment', result ->> 'again', p_collection using errcode = '40001';
  end if;
  return result;
end $$;

-- Writes what follows from some states of one collection. Returns the counts, `again` (ids to be read again because nobody
-- can tell which state is newer), `gone` (ids that became tombstones now) and `old` (ids of states that came too late).
create or replace function supasaasy.apply_states(
  p_app text, p_collection text, p_states supasaasy.entity_state[], p_context jsonb
) returns jsonb
language plpgsql set search_path = '' as $$
declare
  result jsonb;
begin
  if p_states is null or cardinality(p_states) = 0 then
    return '{"created":0,"updated":0,"unchanged":0,"archived":0,"deleted":0,"stale":0,"again":[],"gone":[],"old":[]}';
  end if;
  if p_context ->> 'source' = 'read' and (p_context ->> 'fresh')::boolean and not coalesce((p_context ->> 'dry')::boolean, false) then
    result := supasaasy.insert_states(p_app, p_collection, p_states, p_context);
  end if;
  return coalesce(result, supasaasy.decide_states(p_app, p_collection, p_states, p_context));
end $$;

-- A first load: nothing to compare with, so nothing to decide, and no look at what is there before each row (a tenth
-- of a page's time, and another one for `on conflict`). What is known after all (an event was faster, a page comes
-- again) or said to be deleted undoes the attempt: null.
create or replace function supasaasy.insert_states(
  p_app text, p_collection text, p_states supasaasy.entity_state[], p_context jsonb
) returns jsonb
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan set jit = off as $$
#variable_conflict use_column
declare
  origin_name text := p_context ->> 'origin';
  origin_ref text := p_context ->> 'origin_id';
  volatile_keys text[] := supasaasy.path_of(p_context -> 'volatile');
  quiet_creates boolean := (p_context ->> 'quiet_creates')::boolean;
  clock timestamptz := clock_timestamp();
  created bigint;
begin
  with inserted as (
    insert into supasaasy.entities (app_key, collection_key, external_id, parent_id, api_version, raw_payload, payload_hash,
      version, version_until, version_source, observed_at, source_created_at, created_at, updated_at, archived_at, change_seq)
    select p_app, p_collection, external_id, parent_id, api_version, payload,
      supasaasy.payload_hash(payload, volatile_keys is not null, volatile_keys), version, version_until, 'read', clock,
      to_timestamp(source_created::float8 / 1000), clock, clock,
      case when archived then to_timestamp(coalesce(archived_at, version) / 1000.0) end,
      case when quiet_creates is not true then nextval('supasaasy.change_seq') end
    from unnest(p_states) where not deleted
    returning external_id, version, change_seq
  ), logged as (
    insert into supasaasy.changes (seq, app_key, collection_key, external_id, operation, origin, origin_id, version)
    select change_seq, p_app, p_collection, external_id, 'create', origin_name, origin_ref, version
    from inserted where change_seq is not null
  )
  select count(*) into created from inserted;
  if created < cardinality(p_states) then
    raise unique_violation;
  end if;
  return jsonb_build_object('created', created, 'updated', 0, 'unchanged', 0, 'archived', 0,
    'deleted', 0, 'stale', 0, 'again', '[]'::jsonb, 'gone', '[]'::jsonb, 'old', '[]'::jsonb);
exception when unique_violation then
  return null;
end $$;
