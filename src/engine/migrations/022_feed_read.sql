-- How entries of the feed look to those who read them.

-- Both logs in one shape. A piece of SQL, not a view: each reader adds its own conditions, and the planner sees them.
create or replace function supasaasy.feed_rows(p_kind text) returns text
language sql immutable parallel safe
return case p_kind
  when 'changes' then $q$(select seq, xid, changed_at as at, app_key || '/' || collection_key || '/' || external_id as entity,
    app_key as apps, collection_key as collections, operation as kind, null::text as topic, null::text as type from supasaasy.changes)$q$
  else $q$(select seq, xid, created_at as at, key as entity, null::text as apps, null::text as collections, null::text as kind, topic, type
    from supasaasy.messages)$q$
end;

-- `acme.subscription.updated`. No query within, so that the planner puts its expression in the caller's place: as a call
-- of its own, for each row, it took a fifth of the time of `consumer_recv`.
create or replace function supasaasy.type_of(p_connector text, p_collection text, p_operation text) returns text
language sql immutable parallel safe
return p_connector || '.' || case when starts_with(p_collection, p_connector || '_') then substr(p_collection, length(p_connector) + 2) else p_collection end
  || '.' || case p_operation when 'archive' then 'archived' else rtrim(p_operation, 'e') || 'ed' end;

create or replace function supasaasy.event_type(p_app text, p_collection text, p_operation text) returns text
language sql stable
return (
  select supasaasy.type_of(connector, p_collection, p_operation)
  from (select coalesce((select connector from supasaasy.apps where app_key = p_app), split_part(p_collection, '_', 1)) as connector) a);

create or replace function supasaasy.feed_matches(p_filter jsonb, p_app text, p_collection text, p_operation text, p_type text) returns boolean
language sql stable
return (not p_filter ? 'apps' or p_filter -> 'apps' ? p_app)
  and (not p_filter ? 'collections' or p_filter -> 'collections' ? p_collection)
  and (not p_filter ? 'types' or p_filter -> 'types' ? coalesce(p_operation, p_type)
    or (p_operation is not null and p_filter ->> 'types' like '%.%' and p_filter -> 'types' ? supasaasy.event_type(p_app, p_collection, p_operation)));

-- Unlike the number alone, never given twice, not even after an older copy of the database was restored.
create or replace function supasaasy.feed_id(p_seq bigint, p_at timestamptz) returns text
language sql stable parallel safe
return p_seq::text || '-' || to_hex((extract(epoch from p_at) * 1000)::bigint);

-- Top-level fields that differ.
create or replace function supasaasy.changed_fields(p_before jsonb, p_after jsonb) returns text[]
language plpgsql immutable parallel safe set search_path = '' as $$
begin
  if jsonb_typeof(p_before) is distinct from 'object' or jsonb_typeof(p_after) is distinct from 'object' then
    return '{}';
  end if;
  return array(
    select key from jsonb_each(p_after) where p_before -> key is distinct from value
    union all select key from jsonb_object_keys(p_before) key where not p_after ? key
    order by 1);
end $$;

-- Entries as they are delivered, in the order of p_seqs. What an entity became is the next change's `before`, or the
-- entity itself when there is no later change. Rows, because whoever can read rows is spared JSON: to build a text of all
-- entries, around payloads that are text already, took PostgreSQL longer than everything else about them.
-- Without memoize: each entity is asked for once, and remembering it copies its payload.
create or replace function supasaasy.delivered_changes(p_seqs bigint[], p_attempts integer[], p_thin boolean)
returns table (seq bigint, id text, foreign_id text, type text, app_key text, collection_key text, external_id text, operation text,
  origin text, origin_id text, version text, created_at text, before jsonb, after jsonb, changed_fields text[], attempt integer)
language plpgsql stable set search_path = '' set jit = off
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_bitmapscan = off set enable_memoize = off as $$
#variable_conflict use_column
begin
  return query
  select c.seq, supasaasy.feed_id(c.seq, c.changed_at), supasaasy.entity_key(c.app_key, c.collection_key, c.external_id),
    supasaasy.type_of(coalesce(p.connector, split_part(c.collection_key, '_', 1)), c.collection_key, c.operation),
    c.app_key, c.collection_key, c.external_id, c.operation, c.origin, coalesce(c.origin_id, ''), c.version::text,
    to_char(c.changed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), b.before, a.after,
    case when not p_thin and c.operation <> 'delete' and b.before is not null then supasaasy.changed_fields(b.before, a.after) end,
    coalesce(s.attempt, 1)
  from unnest(p_seqs, p_attempts[:cardinality(p_seqs)]) with ordinality s(seq, attempt, n)
  cross join lateral (select * from supasaasy.changes x where x.seq = s.seq limit 1) c
  left join lateral (select connector from supasaasy.apps where app_key = c.app_key limit 1) p on true
  left join lateral (select x.before from supasaasy.changes x where x.previous_seq = c.seq and not p_thin limit 1) n on true
  left join lateral (
    select e.raw_payload from supasaasy.entities e
    where e.collection_key = c.collection_key and e.external_id = c.external_id and e.app_key = c.app_key and not p_thin
      and e.change_seq = c.seq limit 1
  ) e on true
  cross join lateral (select case when c.operation = 'create' or p_thin then null else c.before end as before offset 0) b
  cross join lateral (select case when c.operation = 'delete' or p_thin then null else coalesce(n.before, e.raw_payload) end as after offset 0) a
  order by s.n;
end $$;

-- The same as JSON. `entries`: how many there are; counting them in the JSON would parse it.
drop function if exists supasaasy.render_changes(bigint[], integer[], boolean);
create function supasaasy.render_changes(p_seqs bigint[], p_attempts integer[], p_thin boolean, out rendered json, out entries bigint)
language plpgsql stable set search_path = '' set jit = off as $$
#variable_conflict use_column
begin
  -- A row, not json_build_object: that looks the type of every argument up anew, which cost a quarter of the time.
  select coalesce(json_agg(j.change order by d.n), '[]'), count(*) into rendered, entries
  from supasaasy.delivered_changes(p_seqs, p_attempts, p_thin) with ordinality
    d(seq, id, foreign_id, type, app_key, collection_key, external_id, operation, origin, origin_id, version, created_at, before, after, changed_fields, attempt, n)
  cross join lateral (select row_to_json(x) as change from (select
    d.seq, d.id, d.foreign_id, d.type, d.app_key, d.collection_key, d.external_id, d.operation,
    (select row_to_json(h) from (select d.app_key, d.collection_key, d.external_id, d.operation, d.origin, d.origin_id, d.version,
      d.id as idempotency_key) h) as headers,
    d.created_at, d.before, d.after, d.changed_fields, d.attempt) x) j;
end $$;

-- Whether a text nests more than 500 levels (see json-limits.ts), without a parser that calls itself for each: PGlite does not
-- survive that. Strings are taken out, and then the innermost levels, one after the other.
create or replace function supasaasy.nests_deep(p_text text) returns boolean
language plpgsql immutable parallel safe set search_path = '' as $$
declare
  rest text := p_text;
begin
  if length(p_text) - length(replace(replace(p_text, '[', ''), '{', '')) <= 500 then
    return false;
  end if;
  rest := regexp_replace(rest, '"([^"\\]|\\.)*("|$)', '', 'g');
  rest := regexp_replace(rest, '[^][{}]', '', 'g');
  for level in 1 .. 500 loop
    rest := regexp_replace(rest, '[[{][]}]', '', 'g');
    exit when rest = '';
  end loop;
  return rest <> '';
end $$;

create or replace function supasaasy.json_or_text(p_text text) returns json
language plpgsql immutable parallel safe set search_path = '' as $$
begin
  if supasaasy.nests_deep(p_text) then
    return to_json(p_text);
  end if;
  return p_text::json;
exception when others then
  return to_json(p_text);
end $$;

drop function if exists supasaasy.render_messages(bigint[], integer[], boolean);
create function supasaasy.render_messages(p_seqs bigint[], p_attempts integer[], p_thin boolean, out rendered json, out entries bigint)
language plpgsql stable set search_path = '' set jit = off
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_bitmapscan = off as $$
#variable_conflict use_column
begin
  select coalesce(json_agg(json_build_object(
      'seq', m.seq, 'id', m.message_id, 'foreign_id', m.key, 'type', m.type,
      'app_key', i.app_key, 'collection_key', null, 'external_id', null, 'operation', null,
      'headers', m.headers || jsonb_build_object('topic', m.topic, 'idempotency_key', coalesce(m.headers ->> 'idempotency_key', m.message_id)),
      'created_at', to_char(m.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
      'before', null, 'after', case when p_thin then null when m.inbox_id is null then m.payload::json
        else supasaasy.json_or_text(i.body) end,
      'changed_fields', null, 'attempt', coalesce(p_attempts[s.n], 1)) order by s.n), '[]'), count(*) into rendered, entries
    from unnest(p_seqs) with ordinality s(seq, n)
    cross join lateral (select * from supasaasy.messages x where x.seq = s.seq limit 1) m
    left join lateral (select x.app_key, x.body from supasaasy.inbox x where x.id = m.inbox_id limit 1) i on true;
end $$;
