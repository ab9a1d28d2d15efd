-- Audits: the source is read once more, page by page, and compared; nothing of the mirror is written unless the audit
-- repairs. What differs is only suspected until the object itself was asked for, because its event may be on its way.

do $$ begin
  alter table supasaasy.runs drop constraint if exists runs_mode_check;
  alter table supasaasy.runs add constraint runs_mode_check check (mode in ('full', 'incremental', 'audit'));
  alter table supasaasy.tasks drop constraint if exists tasks_kind_check;
  alter table supasaasy.tasks add constraint tasks_kind_check
    check (kind in ('list', 'changes', 'events', 'fanout', 'retrieve', 'children', 'sweep', 'audit', 'extras', 'confirm'));
end $$;

create table if not exists supasaasy.audit_findings (
  run_id         uuid not null references supasaasy.runs on delete cascade,
  app_key        text collate "C" not null,
  resource       text not null,
  collection_key text collate "C" not null,
  external_id    text collate "C" not null,
  -- The object whose answer settles it: itself, or the parent that it is nested in. Null: nobody can be asked.
  asked_id       text collate "C",
  kind           text not null check (kind in ('missing', 'stale', 'extra')),
  state          text not null default 'suspected' check (state in ('suspected', 'confirmed', 'cleared', 'repaired')),
  reason         text,
  found_at       timestamptz not null default clock_timestamp(),
  primary key (run_id, collection_key, external_id)
);
create index if not exists audit_findings_asked on supasaasy.audit_findings (run_id, asked_id) where state = 'suspected';
alter table supasaasy.audit_findings enable row level security;
do $$ begin
  if not exists (select 1 from pg_policies where schemaname = 'supasaasy' and tablename = 'audit_findings' and policyname = 'members_read') then
    create policy members_read on supasaasy.audit_findings for select using (app_key = any ((select supasaasy.readable_app_keys())::text[]));
  end if;
end $$;

-- Which of these states the mirror does not hold as they are. Every look at `entities` is by key, as in decide_states.
drop function if exists supasaasy.compare_states(text, text, supasaasy.entity_state[], boolean);
create or replace function supasaasy.compare_states(p_app text, p_collection text, p_states supasaasy.entity_state[], p_partial boolean, p_volatile text[])
returns table (external_id text, kind text)
language sql stable set search_path = '' set jit = off set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  select x.external_id, x.kind from (
    select n.external_id,
      case when n.deleted then case when e.external_id is not null and e.deleted_at is null then 'extra' end
           when e.external_id is null or e.deleted_at is not null then 'missing'
           when p_partial then case when e.version < n.version then 'stale' end
           when not supasaasy.same_payload(e.raw_payload, n.payload, cardinality(p_volatile) > 0, p_volatile)
             or (n.parent_id is not null and e.parent_id is distinct from n.parent_id) then 'stale' end as kind
    from unnest(p_states) n
    left join lateral (
      select * from supasaasy.entities y
      where y.collection_key = p_collection and y.external_id = n.external_id and y.app_key = p_app limit 1
    ) e on true
  ) x where x.kind is not null;
$$;

-- The same for whole records with their nested lists; `asked` is the record's own id.
create or replace function supasaasy.compare_records(p_app text, p_spec jsonb, p_records jsonb)
returns table (resource text, collection_key text, external_id text, kind text, asked text)
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  id_path text[] := supasaasy.path_of(p_spec -> 'id');
  child jsonb;
  parent record;
  states supasaasy.entity_state[];
  partial boolean := coalesce((p_spec ->> 'partial')::boolean, false);
begin
  return query select p_spec ->> 'resource', p_spec ->> 'collection', c.external_id, c.kind, c.external_id
    from supasaasy.compare_states(p_app, p_spec ->> 'collection', supasaasy.extract_states(p_records, p_spec, 0, 0), partial,
      supasaasy.path_of(p_spec -> 'volatile')) c;
  if partial then
    return;
  end if;
  for child in select value from jsonb_array_elements(coalesce(p_spec -> 'children', '[]')) loop
    for parent in
      select value #>> id_path as id, value #> supasaasy.path_of(child -> 'path') as list,
        -- Without its flag, a list may be cut.
        case when child ? 'more' then value #> supasaasy.path_of(child -> 'more') is distinct from 'false'::jsonb
          else supasaasy.flag_beside(value, supasaasy.path_of(child -> 'path')) = 'true'::jsonb end as more
      from jsonb_array_elements(p_records)
      where jsonb_typeof(value #> supasaasy.path_of(child -> 'path')) = 'array'
    loop
      states := supasaasy.extract_states(parent.list, child, 0, 0, parent.id);
      return query select child ->> 'resource', child ->> 'collection', c.external_id, c.kind, parent.id
        from supasaasy.compare_states(p_app, child ->> 'collection', states, false, supasaasy.path_of(child -> 'volatile')) c;
      if coalesce((child ->> 'replace')::boolean, true) and not parent.more then
        return query select child ->> 'resource', child ->> 'collection', e.external_id, 'extra', parent.id
          from supasaasy.entities e
          where e.parent_id = parent.id and e.app_key = p_app and e.collection_key = child ->> 'collection' and e.deleted_at is null
            and not exists (select 1 from unnest(states) s where s.external_id = e.external_id);
      end if;
    end loop;
  end loop;
end $$;

-- Notes suspicions and plans the questions that settle them, at most p_page.confirm of a resource.
create or replace function supasaasy.suspect(p_task supasaasy.tasks, p_page jsonb, p_found jsonb) returns void
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  can_ask boolean := coalesce((p_page #>> '{spec,retrievable}')::boolean, false);
begin
  insert into supasaasy.audit_findings (run_id, app_key, resource, collection_key, external_id, asked_id, kind, state, reason)
  select p_task.run_id, p_task.app_key, f.resource, f.collection_key, f.external_id, case when can_ask then f.asked end, f.kind,
    case when f.reason is null then 'suspected' else 'confirmed' end, f.reason
  from jsonb_to_recordset(p_found) as f(resource text, collection_key text, external_id text, kind text, asked text, reason text)
  on conflict do nothing;
  if can_ask then
    insert into supasaasy.tasks (run_id, pass_id, app_key, resource, collection_key, kind, external_id, priority, input, not_before)
    select p_task.run_id, p_task.pass_id, p_task.app_key, p_task.resource, p_task.collection_key, 'confirm', asked, p_task.priority,
      jsonb_build_object('repair', coalesce(p_page -> 'repair', 'false')),
      clock_timestamp() + make_interval(secs => coalesce((p_page ->> 'grace_ms')::float8, 0) / 1000)
    from (
      select distinct f.asked from jsonb_to_recordset(p_found) as f(asked text, reason text) where f.reason is null order by 1
    ) x
    limit greatest(0, (p_page ->> 'confirm')::bigint - (
      select count(*) from supasaasy.tasks t where t.run_id = p_task.run_id and t.kind = 'confirm' and t.collection_key = p_task.collection_key))
    on conflict do nothing;
  end if;
end $$;

-- One page of an audit. Same p_page as ingest_page, and: repair, confirm (questions at most), grace_ms.
create or replace function supasaasy.audit_page(p_task bigint, p_token bigint, p_body text, p_page jsonb) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  t supasaasy.tasks;
  spec jsonb := p_page -> 'spec';
  doc json;
  records json;
  record_text text;
  ids text[] := '{}';
  differing jsonb := '[]';
  last_record json;
  record_count integer;
  last_created bigint;
  turned record;
  read_count integer;
  careful boolean := coalesce((p_page ->> 'careful')::boolean, false);
  plain jsonb;
  readable jsonb := '[]';
  id_path text[] := supasaasy.path_of(spec -> 'id');
  created_from bigint := (spec ->> 'created_from')::bigint * 1000;
  applied jsonb;
begin
  select * into t from supasaasy.tasks where id = p_task and lease_token = p_token and state = 'running' for update;
  if not found then
    raise exception 'task % is no longer ours: another worker has taken it over', p_task using errcode = 'SY001';
  end if;
  doc := p_body::json;
  records := case when spec -> 'records' is null or spec -> 'records' = 'null'::jsonb then json_build_array(doc) else doc #> supasaasy.path_of(spec -> 'records') end;
  if records is null or json_typeof(records) <> 'array' then
    perform supasaasy.refuse_answer(spec, null, doc, json_typeof(records));
  end if;
  record_count := json_array_length(records);
  last_record := records -> (record_count - 1);

  if not careful then
    plain := records::jsonb;
    select coalesce(jsonb_agg(to_jsonb(c)), '[]') into differing from supasaasy.compare_records(t.app_key, spec, plain) c;
    select coalesce(array_agg(s.external_id), '{}') into ids from unnest(supasaasy.extract_states(plain, spec, 0, 0)) s;
    last_created := supasaasy.instant_second(last_record::jsonb #> supasaasy.path_of(spec #> '{created,path}'), spec -> 'created');
  else
    -- Something on the page cannot be stored: each record alone; what cannot be read is missing, and the reason is known. What
    -- no operator of `json` takes is marked (unstorable.ts).
    for record_text in select value::text from json_array_elements(records) loop
      begin
        perform supasaasy.refuse_excess(record_text);
        differing := differing || coalesce((select jsonb_agg(to_jsonb(c)) from supasaasy.compare_records(t.app_key, spec, jsonb_build_array(supasaasy.unmark(record_text)::jsonb)) c), '[]');
        readable := readable || jsonb_build_array(supasaasy.unmark(record_text)::jsonb);
      exception when data_exception or program_limit_exceeded or raise_exception then
        differing := differing || jsonb_build_array(jsonb_build_object('resource', t.resource, 'collection_key', t.collection_key,
          'external_id', coalesce(record_text::json #>> id_path, md5(record_text)), 'kind', 'missing', 'reason', sqlerrm));
      end;
      ids := ids || (record_text::json #>> id_path);
    end loop;
  end if;
  perform supasaasy.suspect(t, p_page, differing);
  if jsonb_array_length(differing) > 0 and not coalesce((spec ->> 'retrievable')::boolean, false) then
    perform supasaasy.settle_by_page(t, p_page, coalesce(plain, readable), differing);
  end if;
  if t.pass_id is not null and cardinality(ids) > 0 then
    insert into supasaasy.pass_pages (pass_id, ids) values (t.pass_id, ids);
  end if;

  turned := supasaasy.turn_page(t, p_page, case when record_count = 0 or (not careful and p_page #>> '{next,style}' = 'none') then doc::jsonb end, doc, plain, record_count,
    case when not careful and created_from is null then cardinality(ids) end, records -> 0 #>> id_path, last_record #>> id_path, last_created);
  read_count := case when turned.repeated then 0 else record_count end;
  t.input := turned.input || jsonb_build_object('nested', coalesce(spec -> 'children', '[]'));
  if plain is not null and not turned.repeated and not coalesce((spec ->> 'partial')::boolean, false) then
    t.input := supasaasy.add_children(t.input, supasaasy.nested_of(spec, plain));
  end if;
  update supasaasy.tasks set
    cursor = case when turned.done then cursor else turned.next_cursor end, cursor_created = coalesce(last_created, cursor_created),
    pages = pages + 1, requests = requests + 1, records = records + read_count, input = t.input,
    state = case when turned.done then 'done' else state end, finished_at = case when turned.done then clock_timestamp() end,
    lease_until = case when turned.done then null else clock_timestamp() + make_interval(secs => coalesce((p_page ->> 'lease_seconds')::float8, 60)) end,
    attempts = 0, error = null
  where id = p_task;
  return jsonb_build_object('records', read_count, 'differing', jsonb_array_length(differing), 'cursor', turned.next_cursor, 'done', turned.done,
    'cursor_created', coalesce(last_created, t.cursor_created)) || case when turned.checking is null then '{}' else jsonb_build_object('check', turned.checking) end;
end $$;

-- What the nested lists of some records show of their description, as apply_children counts it: {part: {lists, cut, absent, flagless, shared}}
create or replace function supasaasy.nested_of(p_spec jsonb, p_records jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
#variable_conflict use_column
begin
  return (select coalesce(jsonb_object_agg(c ->> 'resource', (
    select jsonb_build_object('lists', count(*) filter (where there), 'absent', count(*) filter (where not there and not c ? 'asked'),
      'cut', count(*) filter (where there and more is distinct from 'false'::jsonb),
      'flagless', count(*) filter (where there and coalesce(jsonb_typeof(more), '') <> 'boolean'),
      'shared', coalesce(sum(jsonb_array_length(list)) filter (where there), 0)
        - (select count(distinct one #>> supasaasy.path_of(c -> 'id')) from jsonb_array_elements(p_records) r
           cross join lateral jsonb_array_elements(case when jsonb_typeof(r #> supasaasy.path_of(c -> 'path')) = 'array' then r #> supasaasy.path_of(c -> 'path') else '[]' end) one))
    from (
      select r #> supasaasy.path_of(c -> 'path') as list, coalesce(jsonb_typeof(r #> supasaasy.path_of(c -> 'path')) = 'array', false) as there,
        case when c ? 'more' then r #> supasaasy.path_of(c -> 'more') when coalesce((c ->> 'replace')::boolean, true) then supasaasy.flag_beside(r, supasaasy.path_of(c -> 'path'))
          else 'false'::jsonb end as more
      from jsonb_array_elements(p_records) r
    ) n
  )), '{}') from jsonb_array_elements(coalesce(p_spec -> 'children', '[]')) c);
end $$;

-- Nobody can be asked for one of these: the page is the answer, unless the row has moved since the page was read.
create or replace function supasaasy.settle_by_page(p_task supasaasy.tasks, p_page jsonb, p_records jsonb, p_found jsonb) returns void
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  spec jsonb := p_page -> 'spec';
  repair boolean := coalesce((p_page ->> 'repair')::boolean, false) and not coalesce((spec ->> 'partial')::boolean, false);
begin
  if repair then
    perform supasaasy.lock_collections(p_task.app_key, supasaasy.collections_of(spec), false);
    perform supasaasy.apply_records(p_task.app_key, spec, p_records, jsonb_build_object('source', 'read', 'origin', 'audit',
      'origin_id', p_task.run_id::text, 'started_at', p_page -> 'started_at', 'run_id', p_task.run_id, 'priority', p_task.priority, 'purge', p_page -> 'purge'),
      (p_page ->> 'version')::bigint, (p_page ->> 'version_until')::bigint);
  end if;
  update supasaasy.audit_findings a set state = case when repair then 'repaired' when e.observed_at >= (p_page ->> 'started_at')::timestamptz then 'cleared' else 'confirmed' end
  from jsonb_to_recordset(p_found) as f(collection_key text, external_id text)
  left join supasaasy.entities e on e.collection_key = f.collection_key and e.external_id = f.external_id and e.app_key = p_task.app_key
  where a.run_id = p_task.run_id and a.state = 'suspected' and a.collection_key = f.collection_key and a.external_id = f.external_id;
end $$;

-- A list that the provider refuses as a whole cannot be audited page by page; it is said so.
create or replace function supasaasy.skip_audit(p_task bigint, p_token bigint, p_note text) returns void
language sql set search_path = '' as $$
  with ended as (
    update supasaasy.tasks set state = 'done', finished_at = clock_timestamp(), requests = requests + 1, lease_token = null, lease_until = null
    where id = p_task and lease_token = p_token and state = 'running' returning pass_id
  )
  update supasaasy.passes set sweepable = false, note = p_note where id = (select pass_id from ended);
$$;

-- After all pages: rows that no page named are suspected of being too many. p_page as in sweep, and confirm, grace_ms, repair.
create or replace function supasaasy.audit_extras(p_task bigint, p_token bigint, p_page jsonb) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  t supasaasy.tasks;
  pass supasaasy.passes;
  spec jsonb := p_page -> 'spec';
  rows record;
  missing bigint;
  seen_any boolean;
  differing jsonb;
  why text;
  can_ask boolean := coalesce((spec ->> 'retrievable')::boolean, false);
  suspicious boolean;
begin
  select * into t from supasaasy.tasks where id = p_task and lease_token = p_token and state = 'running' for update;
  if not found then
    raise exception 'task % is no longer ours: another worker has taken it over', p_task using errcode = 'SY001';
  end if;
  update supasaasy.passes set hides_archived = coalesce((p_page ->> 'hides_archived')::boolean, false) where id = t.pass_id returning * into pass;
  select * into rows from supasaasy.measure_rows(t.app_key, t.collection_key, pass.window_from, pass.hides_archived);
  seen_any := exists (select 1 from supasaasy.pass_pages p where p.pass_id = t.pass_id);
  missing := supasaasy.find_missing(pass, pass.hides_archived);
  suspicious := (missing >= (p_page ->> 'floor')::bigint and missing > rows.living * (p_page ->> 'share')::float8) or (not seen_any and missing >= case when can_ask then 10 else 1 end)
    or (missing >= case when can_ask then 10 else 1 end and not supasaasy.recognises(pass));
  if suspicious and can_ask and seen_any and coalesce((p_page ->> 'ask_all')::boolean, false) and supasaasy.recognises(pass) then
    -- A list that leaves objects out: each is asked for by its id, and whatever the answers are, nothing is deleted.
    p_page := p_page || '{"repair": false}';
  elsif suspicious then
    why := format('the list of %s no longer shows %s of %s rows: that looks like a wrong key, a lost permission or an empty answer; nothing was asked or changed',
      t.collection_key, missing, rows.living);
    delete from supasaasy.pass_missing where pass_id = t.pass_id;
    if seen_any and not supasaasy.recognises(pass) then
      perform supasaasy.mark_unrecognised(pass);
    end if;
    update supasaasy.passes set state = 'refused', note = why, finished_at = clock_timestamp() where id = t.pass_id;
    update supasaasy.tasks set state = 'failed', error = why, errors = errors + 1, finished_at = clock_timestamp(), lease_token = null, lease_until = null where id = p_task;
    return jsonb_build_object('refused', true, 'reason', why);
  end if;
  with moved as (delete from supasaasy.pass_missing where pass_id = t.pass_id returning external_id)
  select coalesce(jsonb_agg(jsonb_build_object('resource', t.resource, 'collection_key', t.collection_key, 'external_id', external_id,
    'kind', 'extra', 'asked', external_id)), '[]') into differing from moved;
  if can_ask then
    -- What is known to be in no list may be gone by now: as many as questions are left, those that were asked for longest ago.
    select differing || coalesce(jsonb_agg(jsonb_build_object('resource', t.resource, 'collection_key', t.collection_key, 'external_id', x.external_id,
      'kind', 'extra', 'asked', x.external_id)), '[]') into differing
    from (
      select u.external_id from supasaasy.unlisted u
      cross join lateral (
        select 1 from supasaasy.entities e where e.collection_key = u.collection_key and e.external_id = u.external_id and e.app_key = u.app_key
          and e.deleted_at is null and (pass.window_from is null or e.source_created_at >= pass.window_from) limit 1
      ) living
      where u.app_key = t.app_key and u.collection_key = t.collection_key
        and not exists (select 1 from supasaasy.pass_pages p where p.pass_id = t.pass_id and u.external_id = any(p.ids))
      order by u.confirmed_at, u.external_id limit greatest(0, (p_page ->> 'confirm')::bigint - missing - (
        select count(*) from supasaasy.tasks k where k.run_id = t.run_id and k.kind = 'confirm' and k.collection_key = t.collection_key))
    ) x;
  end if;
  perform supasaasy.suspect(t, p_page, differing);
  if missing > 0 and not coalesce((spec ->> 'retrievable')::boolean, false) then
    if coalesce((p_page ->> 'repair')::boolean, false) then
      perform supasaasy.lock_collections(t.app_key, supasaasy.collections_of(spec), false);
      perform supasaasy.apply_gone(t.app_key, spec, array(select f ->> 'external_id' from jsonb_array_elements(differing) f),
        jsonb_build_object('source', 'read', 'origin', 'audit', 'origin_id', t.run_id::text, 'started_at', pass.started_at, 'authoritative', true,
          'run_id', t.run_id, 'priority', t.priority, 'purge', p_page -> 'purge'),
        (extract(epoch from pass.started_at) * 1000)::bigint, (extract(epoch from pass.started_at) * 1000)::bigint);
    end if;
    update supasaasy.audit_findings a set state = case when (p_page ->> 'repair')::boolean then 'repaired' else 'confirmed' end
    where a.run_id = t.run_id and a.collection_key = t.collection_key and a.kind = 'extra' and a.state = 'suspected';
  end if;
  update supasaasy.tasks set state = 'done', finished_at = clock_timestamp(), lease_token = null, lease_until = null where id = p_task;
  return jsonb_build_object('refused', false, 'extra', missing);
end $$;

-- The answer to a question about a suspicion. p_body null: the provider no longer has the object. Says what is wrong
-- now, and with p_page.repair brings the answer through the write path.
create or replace function supasaasy.audit_confirm(p_task bigint, p_token bigint, p_body text, p_page jsonb) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  t supasaasy.tasks;
  spec jsonb := p_page -> 'spec';
  repair boolean := coalesce((p_page ->> 'repair')::boolean, false);
  context jsonb;
  differing jsonb := '[]';
  from_ms bigint := (p_page ->> 'version')::bigint;
  until_ms bigint := (p_page ->> 'version_until')::bigint;
  why text;
begin
  select * into t from supasaasy.tasks where id = p_task and lease_token = p_token and state = 'running' for update;
  if not found then
    raise exception 'task % is no longer ours: another worker has taken it over', p_task using errcode = 'SY001';
  end if;
  perform supasaasy.lock_collections(t.app_key, supasaasy.collections_of(spec), false);
  context := jsonb_build_object('source', 'read', 'origin', 'audit', 'origin_id', t.run_id::text, 'started_at', p_page -> 'started_at',
    'authoritative', true, 'run_id', t.run_id, 'priority', t.priority, 'purge', p_page -> 'purge');
  if p_body is null then
    select coalesce(jsonb_agg(jsonb_build_object('resource', t.resource, 'collection_key', t.collection_key, 'external_id', e.external_id, 'kind', 'extra')), '[]')
    into differing from supasaasy.entities e
    where e.app_key = t.app_key and e.collection_key = t.collection_key and e.external_id = t.external_id and e.deleted_at is null;
    if repair then
      perform supasaasy.apply_gone(t.app_key, spec, array[t.external_id], context, from_ms, until_ms);
    end if;
  else
    begin
      perform supasaasy.refuse_excess(p_body);
      select coalesce(jsonb_agg(to_jsonb(c)), '[]') into differing from supasaasy.compare_records(t.app_key, spec, jsonb_build_array(p_body::jsonb)) c;
      if repair and jsonb_array_length(differing) > 0 then
        perform supasaasy.apply_records(t.app_key, spec, jsonb_build_array(p_body::jsonb), context, from_ms, until_ms);
      end if;
    exception when data_exception or program_limit_exceeded or raise_exception then
      why := sqlerrm;
      repair := false;
      differing := jsonb_build_array(jsonb_build_object('resource', t.resource, 'collection_key', t.collection_key, 'external_id', t.external_id, 'kind', 'missing'));
    end;
  end if;
  insert into supasaasy.audit_findings as a (run_id, app_key, resource, collection_key, external_id, asked_id, kind, state, reason)
  select t.run_id, t.app_key, f.resource, f.collection_key, f.external_id, t.external_id, f.kind, case when repair then 'repaired' else 'confirmed' end, why
  from jsonb_to_recordset(differing) as f(resource text, collection_key text, external_id text, kind text)
  on conflict (run_id, collection_key, external_id) do update set kind = excluded.kind, state = excluded.state, reason = excluded.reason;
  with cleared as (
    update supasaasy.audit_findings a set state = 'cleared'
    where a.run_id = t.run_id and a.asked_id = t.external_id and a.state = 'suspected'
      and (a.collection_key = t.collection_key or a.collection_key in (select c ->> 'collection' from jsonb_array_elements(coalesce(spec -> 'children', '[]')) c))
    returning a.collection_key, a.external_id, a.kind
  )
  -- Shown by its id, and not named by any page.
  insert into supasaasy.unlisted (app_key, collection_key, external_id)
  select t.app_key, c.collection_key, c.external_id from cleared c
  where p_body is not null and c.kind = 'extra' and c.collection_key = t.collection_key and c.external_id = t.external_id
  on conflict (app_key, collection_key, external_id) do update set confirmed_at = excluded.confirmed_at;
  update supasaasy.tasks set state = 'done', finished_at = clock_timestamp(), requests = requests + 1, lease_token = null, lease_until = null,
    attempts = 0, error = null where id = p_task;
  return jsonb_build_object('differing', jsonb_array_length(differing), 'repaired', repair and jsonb_array_length(differing) > 0);
end $$;

-- Moves an audit on after a task has ended; called by advance_run in its transaction.
create or replace function supasaasy.advance_audit(p_run supasaasy.runs) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  pass supasaasy.passes;
  open_tasks bigint;
  failed bigint;
  trouble text;
  unproven text;
begin
  for pass in
    select p.* from supasaasy.passes p where p.run_id = p_run.id and p.state = 'reading'
      and not exists (select 1 from supasaasy.tasks t where t.pass_id = p.id and t.kind = 'audit' and t.state in ('ready', 'running'))
  loop
    trouble := case when pass.sweepable then supasaasy.evidence_of(pass, supasaasy.children_of(pass)) ->> 'unlisted' end;
    if exists (select 1 from supasaasy.tasks t where t.pass_id = pass.id and t.kind = 'audit' and t.state = 'failed') then
      update supasaasy.passes set state = 'incomplete', note = 'a part of it could not be read', finished_at = clock_timestamp(),
        problem = (select t.error from supasaasy.tasks t where t.pass_id = pass.id and t.state = 'failed' and t.input ? 'unproven' order by t.id limit 1)
      where id = pass.id;
    elsif not pass.sweepable then
      update supasaasy.passes set state = 'incomplete', finished_at = clock_timestamp() where id = pass.id;
    elsif trouble is not null then
      update supasaasy.passes p set state = 'incomplete', note = trouble, problem = trouble, finished_at = clock_timestamp() where p.id = pass.id;
    else
      update supasaasy.passes set state = 'sweeping' where id = pass.id;
      insert into supasaasy.tasks (run_id, pass_id, app_key, resource, collection_key, kind, priority, input)
      select p_run.id, pass.id, pass.app_key, pass.resource, pass.collection_key, 'extras', 3,
        jsonb_build_object('repair', coalesce(p_run.options -> 'repair', 'false'));
    end if;
  end loop;
  select count(*) filter (where state in ('ready', 'running')), count(*) filter (where state = 'failed')
  into open_tasks, failed from supasaasy.tasks where run_id = p_run.id;
  if open_tasks > 0 then
    return jsonb_build_object('state', 'running', 'open', open_tasks);
  end if;
  for pass in select p.* from supasaasy.passes p where p.run_id = p_run.id and (p.state in ('sweeping', 'refused') or p.problem is not null) loop
    trouble := supasaasy.certify_audit(pass);
    update supasaasy.passes set problem = trouble, state = case state when 'sweeping' then 'swept' else state end, finished_at = clock_timestamp() where id = pass.id;
  end loop;
  -- An audit answers one question: without evidence it has no answer.
  unproven := (select string_agg(format('%s: %s', p.resource, p.problem), '; ' order by p.id) from supasaasy.passes p
    where p.run_id = p_run.id and p.problem is not null
      and not exists (select 1 from supasaasy.tasks t where t.pass_id = p.id and t.state = 'failed'));
  update supasaasy.runs set state = case when failed > 0 or unproven is not null then 'failed' else 'completed' end,
    error = nullif(concat_ws('; ', (select string_agg(format('%s: %s', x.resource, x.error), '; ') from (
      select distinct on (resource) resource, error from supasaasy.tasks where run_id = p_run.id and state = 'failed' order by resource, id) x), unproven), ''),
    resources = supasaasy.audit_counts(p_run.id), finished_at = clock_timestamp()
  where id = p_run.id;
  delete from supasaasy.pass_pages pp using supasaasy.passes p where p.run_id = p_run.id and pp.pass_id = p.id;
  delete from supasaasy.tasks where run_id = p_run.id and kind = 'confirm' and state = 'done';
  return jsonb_build_object('state', case when failed > 0 or unproven is not null then 'failed' else 'completed' end, 'open', 0);
end $$;

drop function if exists supasaasy.certify_audit(supasaasy.passes);
-- The certificate of an audited list. Returns why its answers prove nothing; null where they do.
create or replace function supasaasy.certify_audit(p_pass supasaasy.passes) returns text
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  rows record;
  named bigint;
  f record;
  waiting bigint;
  failed text;
  unnamed text;
  evidence jsonb := supasaasy.evidence_of(p_pass, supasaasy.children_of(p_pass));
begin
  select * into rows from supasaasy.measure_rows(p_pass.app_key, p_pass.collection_key, p_pass.window_from, p_pass.hides_archived);
  select count(distinct id) into named from supasaasy.pass_pages p, unnest(p.ids) id where p.pass_id = p_pass.id;
  select count(*) filter (where kind = 'missing') as missing, count(*) filter (where kind = 'stale') as stale,
    count(*) filter (where kind = 'extra') as extra, count(*) filter (where state = 'repaired') as repaired into f
  from supasaasy.audit_findings where run_id = p_pass.run_id and collection_key = p_pass.collection_key and state <> 'cleared';
  select count(*) into waiting from supasaasy.quarantine q
  where q.app_key = p_pass.app_key and q.collection_key = p_pass.collection_key and q.resolved_at is null;
  unnamed := case when p_pass.state <> 'refused' then supasaasy.judge_unnamed(p_pass, named, rows.living) end;
  failed := (select t.error from supasaasy.tasks t where t.run_id = p_pass.run_id and t.collection_key = p_pass.collection_key and t.state = 'failed' order by t.id limit 1);
  perform supasaasy.certify(p_pass, 'audit', p_pass.resource, p_pass.collection_key, named, rows.living, rows.digest,
    f.missing, f.stale, f.extra, f.repaired, waiting, evidence,
    coalesce(p_pass.problem, case when p_pass.state = 'refused' then p_pass.note end, evidence ->> 'problem', unnamed, case
      when waiting > 0 then format('%s records are in quarantine', waiting)
      when failed is not null then format('a part of it failed: %s', failed)
      when f.repaired < f.missing + f.stale + f.extra then format('%s objects differ', f.missing + f.stale + f.extra - f.repaired) end));
  update supasaasy.certificates set hidden = (select hidden from supasaasy.measure_pass(p_pass, p_pass.hides_archived, null))
  where app_key = p_pass.app_key and collection_key = p_pass.collection_key
    and exists (select 1 from supasaasy.unlisted u where u.app_key = p_pass.app_key and u.collection_key = p_pass.collection_key);
  update supasaasy.certificates set hidden = 0
  where app_key = p_pass.app_key and collection_key = p_pass.collection_key
    and not exists (select 1 from supasaasy.unlisted u where u.app_key = p_pass.app_key and u.collection_key = p_pass.collection_key);
  return coalesce(p_pass.problem, evidence ->> 'problem', unnamed);
end $$;

-- {customer: {equal, missing, stale, extra, repaired, unconfirmed, ids: {missing: [...], …}, pages, requests, errors}}
create or replace function supasaasy.audit_counts(p_run uuid) returns jsonb
language sql stable set search_path = '' as $$
  with read as (
    select resource, sum(records) filter (where kind = 'audit') as records, sum(pages) as pages, sum(requests) as requests, sum(errors) as errors
    from supasaasy.tasks where run_id = p_run group by resource
  ), differing as (
    select resource, kind, state, external_id, row_number() over (partition by resource, kind order by state = 'suspected', external_id) as n
    from supasaasy.audit_findings where run_id = p_run and state <> 'cleared'
  ), counted as (
    select resource,
      count(*) filter (where kind = 'missing') as missing, count(*) filter (where kind = 'stale') as stale, count(*) filter (where kind = 'extra') as extra,
      count(*) filter (where state = 'repaired') as repaired, count(*) filter (where state = 'suspected') as unconfirmed,
      count(*) filter (where kind = 'missing' and state = 'repaired') as created, count(*) filter (where kind = 'stale' and state = 'repaired') as updated,
      count(*) filter (where kind = 'extra' and state = 'repaired') as deleted,
      jsonb_build_object('missing', coalesce(jsonb_agg(external_id order by n) filter (where kind = 'missing' and n <= 20), '[]'),
        'stale', coalesce(jsonb_agg(external_id order by n) filter (where kind = 'stale' and n <= 20), '[]'),
        'extra', coalesce(jsonb_agg(external_id order by n) filter (where kind = 'extra' and n <= 20), '[]')) as ids
    from differing group by resource
  )
  select coalesce(jsonb_object_agg(resource, jsonb_build_object(
    'equal', greatest(0, coalesce(r.records, 0) - coalesce(c.missing, 0) - coalesce(c.stale, 0)),
    'missing', coalesce(c.missing, 0), 'stale', coalesce(c.stale, 0), 'extra', coalesce(c.extra, 0),
    'repaired', coalesce(c.repaired, 0), 'unconfirmed', coalesce(c.unconfirmed, 0),
    'ids', coalesce(c.ids, '{"missing":[],"stale":[],"extra":[]}'),
    'created', coalesce(c.created, 0), 'updated', coalesce(c.updated, 0), 'deleted', coalesce(c.deleted, 0), 'archived', 0,
    'unchanged', greatest(0, coalesce(r.records, 0) - coalesce(c.missing, 0) - coalesce(c.stale, 0)),
    'errors', coalesce(r.errors, 0), 'pages', coalesce(r.pages, 0), 'requests', coalesce(r.requests, 0))), '{}')
  from read r full join counted c using (resource);
$$;

-- When each resource was last seen whole, for a continuous audit: [{resource, collection, records, at}]
create or replace function supasaasy.audit_ages(p_app text) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object('collection', c.collection_key, 'rows', c.mirror_count, 'at', c.certified_at)), '[]')
  from supasaasy.certificates c where c.app_key = p_app;
$$;

create or replace function supasaasy.pause_reason_of(p_app text) returns text
language sql stable set search_path = '' as $$
  select coalesce(pause_reason, 'no reason was given') from supasaasy.apps where app_key = p_app and paused_at is not null;
$$;
