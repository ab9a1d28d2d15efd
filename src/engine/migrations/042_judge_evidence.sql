-- The flag of a nested list, where none is described: a has_more beside the list that is true says that it was cut.
create or replace function supasaasy.flag_beside(p_parent jsonb, p_path text[]) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return case when cardinality(p_path) > 1 and p_parent #> (p_path[1:cardinality(p_path) - 1] || 'has_more'::text) = 'true'::jsonb then 'true'::jsonb else 'false'::jsonb end;
end $$;

-- What contradicts a list that is described as one answer without pages: the name of a sign that there is more.
create or replace function supasaasy.sign_of_more(p_doc jsonb) returns text
language sql immutable set search_path = '' as $$
  select x.name from (
    select key as name, key, value from jsonb_each(case when jsonb_typeof(p_doc) = 'object' then p_doc else '{}' end)
    union all
    select o.key || '.' || i.key, i.key, i.value from jsonb_each(case when jsonb_typeof(p_doc) = 'object' then p_doc else '{}' end) o
    cross join lateral jsonb_each(case when jsonb_typeof(o.value) = 'object' then o.value else '{}' end) i
  ) x
  where (x.key ~* '^(has_?more|more|has_?next(_?page)?|is_?truncated|truncated)$' and x.value = 'true'::jsonb)
    or (x.key ~* '^(next|next_?(page|cursor|token|page_?token|url|uri|link))$' and x.value not in ('null'::jsonb, '""'::jsonb, 'false'::jsonb, '{}'::jsonb, '[]'::jsonb))
  order by 1 limit 1;
$$;

-- What a page shows of the description: fields that it names and that no record had so far (`unseen`), records that share an
-- id (`shared`). An empty first page beside another list is no empty list. p_records: null where the page is read record by record.
create or replace function supasaasy.judge_page(
  p_proof jsonb, p_spec jsonb, p_records jsonb, p_count integer, p_distinct integer, p_doc jsonb, p_from_start boolean
) returns jsonb
language plpgsql immutable set search_path = '' as $$
declare
  id_path text[] := supasaasy.path_of(p_spec -> 'id');
  unseen jsonb := coalesce(p_proof -> 'unseen', p_spec -> 'expects', '[]');
  ids bigint;
  objects bigint;
  other text;
begin
  if p_records is null then
    return p_proof;
  end if;
  if p_count = 0 and p_from_start and jsonb_typeof(p_doc) = 'object' then
    select format('%s holds %s records', x.name, jsonb_array_length(x.value)) into other from (
      select key as name, value from jsonb_each(p_doc)
      union all select o.key || '.' || i.key, i.value from jsonb_each(p_doc) o
        cross join lateral jsonb_each(case when jsonb_typeof(o.value) = 'object' then o.value else '{}' end) i
    ) x where jsonb_typeof(x.value) = 'array' and jsonb_typeof(x.value -> 0) = 'object' and x.value -> 0 #>> id_path is not null limit 1;
    if other is not null then
      raise exception 'the list at % is empty, and % that have an id: the path of the records is wrong',
        array_to_string(supasaasy.path_of(p_spec -> 'records'), '.'), other using errcode = 'SY006';
    end if;
  end if;
  if p_count > 0 and jsonb_array_length(unseen) > 0 then
    unseen := (select coalesce(jsonb_agg(e), '[]') from jsonb_array_elements(unseen) e
      where not supasaasy.shows(p_records -> 0, e) and not exists (select 1 from jsonb_array_elements(p_records) r where supasaasy.shows(r, e)));
    p_proof := p_proof || jsonb_build_object('unseen', unseen);
  end if;
  if p_distinct < p_count then
    select count(distinct value #>> id_path), count(distinct value) into ids, objects from jsonb_array_elements(p_records);
    if ids < objects and ids * 2 <= objects then
      raise exception '% different records of one page share % at %: that is not the path of their id', objects,
        case ids when 1 then 'one value' else ids || ' values' end, array_to_string(id_path, '.') using errcode = 'SY006';
    elsif ids < objects then
      p_proof := p_proof || jsonb_build_object('shared', coalesce((p_proof ->> 'shared')::bigint, 0) + objects - ids);
    end if;
  end if;
  return p_proof;
end $$;

-- Whether a record has what a description expects: {what, path, unit} an instant, {what, path, type} a value of that type.
create or replace function supasaasy.shows(p_record jsonb, p_expected jsonb) returns boolean
language plpgsql immutable set search_path = '' as $$
declare
  found jsonb := p_record #> supasaasy.path_of(p_expected -> 'path');
begin
  return case when p_expected ? 'unit' then supasaasy.instant_ms(found, p_expected ->> 'unit') is not null
    else coalesce(jsonb_typeof(found) = p_expected ->> 'type', false) end;
end $$;

-- What rows that a pass does not name, and that live all the same, say against its description; null where they say nothing.
-- (That some objects are in no list is usual: they are still answered by their ids.)
create or replace function supasaasy.judge_unnamed(p_pass supasaasy.passes, p_named bigint, p_living bigint) returns text
language plpgsql set search_path = '' set enable_nestloop = off set enable_mergejoin = off set jit = off as $$
#variable_conflict use_variable
declare
  cutoff timestamptz := supasaasy.known_until(p_pass);
  seen record;
  parts boolean;
begin
  if p_named = 0 or p_living <= 0 then
    return null;
  end if;
  if p_living > p_named or cutoff < p_pass.started_at then
    select count(*) filter (where e.created_at < cutoff) as known, count(*) filter (where e.created_at < cutoff and s.id is not null) as recognised,
      count(*) filter (where s.id is null and e.archived_at is not null) as archived, count(*) filter (where s.id is not null and e.archived_at is not null) as listed
    into seen
    from supasaasy.entities e
    left join (select distinct unnest(p.ids) collate "C" as id from supasaasy.pass_pages p where p.pass_id = p_pass.id) s on s.id = e.external_id
    where e.app_key = p_pass.app_key and e.collection_key = p_pass.collection_key and e.deleted_at is null
      and (p_pass.window_from is null or e.source_created_at >= p_pass.window_from);
    if seen.known > 0 and seen.recognised = 0 then
      perform supasaasy.mark_unrecognised(p_pass);
      return format('none of the %s rows that were known before is on the list, and they are still there: the list names other objects, or by another id', seen.known);
    end if;
    parts := exists (select 1 from supasaasy.tasks t where t.pass_id = p_pass.id and t.input ? 'variant');
    if seen.archived > 0 and seen.listed = 0 and not parts and not p_pass.hides_archived then
      return format('%s archived rows are on no page, though they are still answered by their ids: the list leaves archived objects out, and its description does not say so', seen.archived);
    end if;
  end if;
  update supasaasy.sync_state set unrecognised_from = null
  where app_key = p_pass.app_key and collection_key = p_pass.collection_key and unrecognised_from is not null;
  return null;
end $$;

-- What the answers of a pass (or of an audit) show together. `problem`: why it proves nothing, absent where it does; `unlisted`:
-- the part of it that says that an object which the pass does not name may exist all the same, so that nothing is deleted.
create or replace function supasaasy.evidence_of(p_pass supasaasy.passes, p_spec_children jsonb) returns jsonb
language plpgsql set search_path = '' set jit = off as $$
#variable_conflict use_variable
declare
  list record;
  child record;
  ended jsonb;
  named bigint;
  low bigint;
  high bigint;
  slack bigint := 0;
  counting jsonb := '"the provider does not say how many there are"';
  children jsonb := '{}';
  part record;
  problems text[] := '{}';
  unlisted text[] := '{}';
begin
  select count(*) as lists, count(*) filter (where not t.input -> 'proof' ? 'ended') as open_lists,
    coalesce(sum(t.pages), 0) as pages, coalesce(sum(t.records), 0) as records,
    (array_agg(t.input #> '{proof,short}') filter (where t.input -> 'proof' ? 'short'))[1] as short,
    coalesce(sum((t.input #>> '{proof,shared}')::bigint), 0) as shared,
    count(*) filter (where t.input -> 'proof' ? 'uncounted' or t.input ? 'lost') as uncounted,
    bool_or(t.input -> 'proof' ? 'uncounted' and not t.input -> 'proof' ? 'totals') as without_total,
    bool_or(t.input ? 'created_from') as windowed,
    coalesce(sum((t.input #>> '{proof,totals,1}')::bigint), 0) as total_last,
    coalesce(sum((t.input #>> '{proof,totals,0}')::bigint) filter (where t.range_to is null), 0) as total_first,
    count(*) filter (where t.input -> 'proof' ? 'totals') as counted
  into list
  from supasaasy.tasks t where t.pass_id = p_pass.id and t.kind in ('list', 'audit') and t.state = 'done';
  select coalesce(jsonb_object_agg(how, n), '{}') into ended from (
    select t.input #>> '{proof,ended}' as how, count(*) as n from supasaasy.tasks t
    where t.pass_id = p_pass.id and t.kind in ('list', 'audit') and t.input -> 'proof' ? 'ended' group by 1) x;
  select count(distinct id) into named from supasaasy.pass_pages p, unnest(p.ids) id where p.pass_id = p_pass.id;
  if list.lists = 0 or list.open_lists > 0 then
    unlisted := unlisted || format('nothing shows that %s of %s lists ended', greatest(list.open_lists, 1), greatest(list.lists, 1));
  end if;
  if list.shared > 0 then
    unlisted := unlisted || format('%s records share the id of another one on their page', list.shared);
  end if;
  if list.short is not null then
    problems := problems || format('a page has %s records where %s were asked for, and the list goes on: the page size of the description is wrong',
      list.short ->> 0, list.short ->> 1);
  end if;
  select problems || coalesce(array_agg(format('no record has %s at %s, where the description says that its %s lies',
      case when e ? 'unit' then 'a time' else supasaasy.kind_of(e ->> 'type') end, array_to_string(supasaasy.path_of(e -> 'path'), '.'), e ->> 'what') order by e ->> 'what'), '{}')
  into problems
  from (
    select e, count(*) as n from supasaasy.tasks t cross join lateral jsonb_array_elements(t.input #> '{proof,unseen}') e
    where t.pass_id = p_pass.id and t.kind in ('list', 'audit') and t.records > 0 group by e
  ) x
  where n = (select count(*) from supasaasy.tasks t where t.pass_id = p_pass.id and t.kind in ('list', 'audit') and t.records > 0);

  select count(*) as parts, min(n) as least_of, max(n) as most into part from (
    select sum(t.records) as n from supasaasy.tasks t
    where t.pass_id = p_pass.id and t.kind in ('list', 'audit') and t.input ? 'variant' group by t.input -> 'variant') x;
  if part.parts > 1 and part.most > 0 and part.least_of = part.most and named = part.most then
    unlisted := unlisted || format('the %s parts of the list show the same %s objects: what tells them apart has no effect', part.parts, named);
  end if;
  if list.without_total and list.counted = 0 and list.records > 0 then
    problems := problems || 'no answer has a number where the description says that the total lies'::text;
  elsif list.counted = list.lists and list.uncounted = 0 and list.lists > 0 then
    low := least(list.total_first, list.total_last);
    high := greatest(list.total_first, list.total_last);
    if list.windowed then
      named := list.records;
    end if;
    if named not between low and high then
      -- What we know to have come and gone while the pass was read.
      select count(*) into slack from supasaasy.entities e
      where e.app_key = p_pass.app_key and e.collection_key = p_pass.collection_key and e.observed_at >= p_pass.started_at
        and (e.deleted_at is not null or e.source_created_at >= p_pass.started_at - interval '1 minute');
    end if;
    counting := jsonb_build_object('source', jsonb_build_array(low, high), 'named', named);
    if named not between low - slack and high + slack then
      unlisted := unlisted || format('the provider counts %s, and the list names %s', case when low = high then low::text else low || ' to ' || high end, named);
    end if;
  elsif list.counted > 0 then
    counting := '"not compared: the list was begun again"';
  end if;

  for child in
    select c ->> 'resource' as name, c, coalesce(sum((k ->> 'lists')::bigint), 0) as lists, coalesce(sum((k ->> 'cut')::bigint), 0) as cut,
      coalesce(sum((k ->> 'absent')::bigint), 0) as absent, coalesce(sum((k ->> 'flagless')::bigint), 0) as flagless, coalesce(sum((k ->> 'shared')::bigint), 0) as shared
    from jsonb_array_elements(p_spec_children) c
    left join lateral (
      select t.input #> array['children', c ->> 'resource'] as k from supasaasy.tasks t
      where t.run_id = p_pass.run_id and t.collection_key = p_pass.collection_key and t.input ? 'children'
    ) x on true
    group by c, c ->> 'resource'
  loop
    children := children || jsonb_build_object(child.name, jsonb_build_object('lists', child.lists, 'cut', child.cut) || case
      when not coalesce((child.c ->> 'replace')::boolean, true) then '{"complete": "not claimed: a nested list of this kind may leave older ones out"}'::jsonb
      when child.cut > 0 and child.c ? 'completable' then '{"complete": "cut lists were read per parent"}'
      else '{}' end);
    if child.lists = 0 and child.absent > 0 then
      problems := problems || format('no record has a list at %s, where the description says that its %s list lies',
        array_to_string(supasaasy.path_of(child.c -> 'path'), '.'), child.name);
    end if;
    if child.flagless > 0 then
      problems := problems || format('%s nested lists of %s have neither true nor false at %s', child.flagless, child.name, array_to_string(supasaasy.path_of(child.c -> 'more'), '.'));
    elsif child.cut > 0 and not child.c ? 'more' and not child.c ? 'asked' then
      problems := problems || format('%s nested lists of %s are cut: %s.has_more says that there is more, and the description does not name it', child.cut, child.name,
        array_to_string((supasaasy.path_of(child.c -> 'path'))[1:jsonb_array_length(child.c -> 'path') - 1], '.'));
    elsif child.cut > 0 and not child.c ? 'completable' and coalesce((child.c ->> 'replace')::boolean, true) then
      problems := problems || format('%s nested lists of %s are cut, and nothing completes them', child.cut, child.name);
    end if;
    if child.shared > 0 then
      problems := problems || format('%s records of %s share the id of another one', child.shared, child.name);
    end if;
  end loop;
  return jsonb_build_object('lists', list.lists, 'ended', ended, 'pages', list.pages, 'records', list.records, 'named', named,
      'window_from', p_pass.window_from, 'count', counting, 'children', children)
    || case when cardinality(unlisted || problems) > 0 then jsonb_build_object('problem', array_to_string(unlisted || problems, '; ')) else '{}' end
    || case when cardinality(unlisted) > 0 then jsonb_build_object('unlisted', array_to_string(unlisted, '; ')) else '{}' end;
end $$;

-- Finds a record without an id that is in quarantine already.
create index if not exists quarantine_nameless on supasaasy.quarantine (app_key, collection_key, md5(raw))
  where resolved_at is null and coalesce(external_id, '') = '';
