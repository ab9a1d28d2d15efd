-- What a certificate claims needs evidence. Here is how a list shows that it ended, what its pages show of its description,
-- and what a pass as a whole shows. A pass and an audit use the same functions.

-- Certificates of older releases name no evidence.
update supasaasy.certificates set holds = false,
  reason = 'it was made by a release that kept no evidence: a full sync or an audit makes a new one'
where evidence is null and holds;

-- The keys of an answer, for the message that says where a path leads to nothing: "data, pages (in pages: page, per_page)".
create or replace function supasaasy.keys_of(p_doc jsonb, p_text json, p_path text[]) returns text
language plpgsql immutable set search_path = '' as $$
declare
  here json := coalesce(p_text, p_doc::json);
  named text;
  step text;
  way text[] := '{}';
begin
  if json_typeof(here) <> 'object' then
    return format('the answer is %s', supasaasy.kind_of(json_typeof(here)));
  end if;
  select coalesce(string_agg(k, ', '), 'nothing') into named from (select k from json_object_keys(here) k limit 20) x;
  foreach step in array coalesce(p_path, '{}') loop
    here := here -> step;
    exit when here is null or json_typeof(here) <> 'object';
    way := way || step;
    named := named || format(' (in %s: %s)', array_to_string(way, '.'),
      (select coalesce(string_agg(k, ', '), 'nothing') from (select k from json_object_keys(here) k limit 20) x));
  end loop;
  return 'the answer has ' || named;
end $$;

create or replace function supasaasy.kind_of(p_type text) returns text
language sql immutable set search_path = ''
return case coalesce(p_type, '') when '' then 'nothing' when 'null' then 'null' when 'object' then 'an object' when 'array' then 'a list'
  when 'string' then 'a text' when 'number' then 'a number' else 'true or false' end;

-- The value at a path of an answer; null where there is nothing. A JSON null on the way is a JSON null: `{"next": null}` at next.cursor.
create or replace function supasaasy.value_at(p_doc jsonb, p_text json, p_path text[]) returns jsonb
language plpgsql immutable set search_path = '' as $$
declare
  found jsonb := case when p_doc is not null then p_doc #> p_path else (p_text #> p_path)::jsonb end;
begin
  if found is null and cardinality(p_path) > 1 then
    for n in 1 .. cardinality(p_path) - 1 loop
      found := case when p_doc is not null then p_doc #> p_path[1:n] else (case when json_typeof(p_text #> p_path[1:n]) = 'null' then 'null' end)::jsonb end;
      if found = 'null'::jsonb then
        return found;
      end if;
    end loop;
    return null;
  end if;
  return found;
end $$;

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

drop function if exists supasaasy.next_position(jsonb, text, text, boolean, integer, text);
-- The next position of a list after one of its pages, by the provider's way of paging, and how it is known to have ended.
-- Raises SY003 where paging cannot go on, SY006 where the description does not fit the answer.
--
-- p_list: next {style, path, more}, asked (records), sized (a list without pages is asked with a limit all the same), total (path), short
--   (pages may be short although the list goes on). p_first: the first page of the task. p_read: records of the task, this page
--   included. p_check: what this page is asked for: "after" (nothing may follow), "shorter" (a position must be shown), or null.
--   p_same: it has the records of the page before.
-- `check`: what the same list must be asked next, before its end is believed: of a first page that is exactly full.
create or replace function supasaasy.next_position(
  p_list jsonb, p_cursor text, p_doc jsonb, p_text json, p_count integer, p_last_id text, p_first boolean, p_read bigint, p_check text, p_same boolean,
  out next_cursor text, out ended_by text, out total bigint, out "check" text
) language plpgsql immutable set search_path = '' as $$
declare
  rule jsonb := p_list -> 'next';
  style text := rule ->> 'style';
  place text[] := supasaasy.path_of(rule -> 'path');
  flag_place text[] := supasaasy.path_of(rule -> 'more');
  asked integer := (p_list ->> 'asked')::integer;
  is_full boolean := coalesce(p_count >= asked, false);
  -- Without knowing what was asked for, no page is known to be short.
  is_short boolean := coalesce(p_count < asked, false) and not p_list ? 'short';
  found jsonb;
  flag jsonb;
  total_value jsonb;
  counted boolean;
  at_place text := array_to_string(place, '.');
  at_flag text := array_to_string(flag_place, '.');
  problem text;
begin
  if p_list ? 'total' then
    total_value := supasaasy.value_at(p_doc, p_text, supasaasy.path_of(p_list -> 'total'));
    if jsonb_typeof(total_value) = 'number' then
      total := total_value::numeric::bigint;
    end if;
  end if;
  counted := coalesce(total = p_read, false);
  if place is not null then
    found := supasaasy.value_at(p_doc, p_text, place);
    if style <> 'page' then
      next_cursor := case jsonb_typeof(found) when 'string' then nullif(found #>> '{}', '') when 'number' then found #>> '{}' end;
      if jsonb_typeof(found) in ('object', 'array') or found = 'true'::jsonb then
        problem := format('at %s lies %s, where the next position should be', at_place, supasaasy.kind_of(jsonb_typeof(found)));
      end if;
    elsif found is not null and found not in ('null'::jsonb, 'false'::jsonb, '""'::jsonb) and p_count > 0 then
      next_cursor := (coalesce(p_cursor::bigint, 1) + 1)::text;
    end if;
  end if;
  if flag_place is not null then
    flag := supasaasy.value_at(p_doc, p_text, flag_place);
    flag := case flag #>> '{}' when 'true' then 'true'::jsonb when 'false' then 'false'::jsonb end;
    if flag is null and p_count > 0 then
      problem := format('at %s lies neither true nor false, where the answer should say whether there is more', at_flag);
    end if;
  end if;

  if p_check = 'after' and p_same and problem is null and flag is distinct from 'true'::jsonb then
    -- The list takes no notice of the cursor: nothing was left out.
    next_cursor := null;
    ended_by := 'flag';
  elsif p_check = 'after' and p_count > 0 then
    problem := format('the page before said at %s that the list ends, and %s records follow it', coalesce(at_flag, at_place), p_count);
  elsif p_check = 'shorter' and is_full and next_cursor is null then
    problem := format('neither a full page nor a shorter one of %s records shows a next position at %s', p_count, at_place);
  elsif problem is null and p_check = 'after' then
    next_cursor := null;
    ended_by := 'empty page';
  elsif problem is null and p_check = 'shorter' then
    ended_by := case when is_full then 'no further position' else 'short page' end;
    next_cursor := null;
  elsif problem is null and style = 'none' then
    if not counted then
      -- A list that takes a limit and fills it exactly was cut there, for all that is known.
      problem := case when p_list ? 'sized' and p_count = asked then format('the list is described as one answer without pages, and it has exactly the %s records that were asked for', p_count)
        when p_doc is not null and supasaasy.sign_of_more(p_doc) is not null
          then format('the list is described as one answer without pages, and %s says that there is more', supasaasy.sign_of_more(p_doc)) end;
    end if;
    ended_by := 'one answer';
  elsif problem is null and style = 'last_id' then
    if flag = 'true'::jsonb then
      if p_count = 0 then
        raise exception 'the provider says that there is more, behind an empty page' using errcode = 'SY003';
      elsif p_last_id is null then
        raise exception 'the last record of the page has no id to go on from' using errcode = 'SY003';
      end if;
      next_cursor := p_last_id;
    elsif p_count = 0 then
      ended_by := 'empty page';
    elsif p_first and is_full and not counted and p_last_id is not null then
      -- The flag was never true: the page after the last record shows what its false is worth.
      next_cursor := p_last_id;
      "check" := 'after';
    else
      ended_by := 'flag';
    end if;
  elsif problem is null and style = 'scroll' then
    if p_count = 0 then
      next_cursor := null;
      ended_by := 'empty page';
    elsif next_cursor is null then
      problem := format('a page with %s records has no next position at %s, and a scroll ends with an empty page', p_count, at_place);
    end if;
  elsif problem is null and flag = 'true'::jsonb then
    if next_cursor is null then
      problem := format('the answer says at %s that there is more, and has no next position at %s', at_flag, at_place);
    end if;
  elsif problem is null and flag = 'false'::jsonb then
    -- The last page may show a cursor all the same.
    if p_first and is_full and not counted and next_cursor is not null then
      "check" := 'after';
    else
      next_cursor := null;
      ended_by := 'flag';
    end if;
  elsif problem is null and next_cursor is null then
    if p_count = 0 then
      ended_by := 'empty page';
    elsif counted then
      ended_by := 'count';
    elsif found is not null and p_first and is_full and asked > 1 then
      -- The place is there and was never seen with a position: a shorter page must show one.
      "check" := 'shorter';
    elsif found is not null or not p_first then
      ended_by := 'no further position';
    elsif is_short then
      ended_by := 'short page';
    elsif asked is not null then
      problem := format('a %s of %s records has no next position at %s', case when is_full then 'full page' else 'page' end, p_count, at_place);
    end if;
  end if;
  if problem is not null then
    raise exception '%: %. The path in the description is wrong, or it names another way of paging', problem,
      supasaasy.keys_of(p_doc, p_text, coalesce(place, flag_place)) using errcode = 'SY006';
  end if;
  if next_cursor is not null and next_cursor = p_cursor and style <> 'scroll' then
    raise exception 'the cursor "%" repeats: the list would never end', next_cursor using errcode = 'SY003';
  end if;
end $$;

-- The end of a page of a task: where the list goes on, and what its page shows, in the task's `input`: `mark` (see below), `check`,
-- and `proof` {ended, totals, uncounted, short, unseen, shared}. `repeated`: its records were on the page before.
create or replace function supasaasy.turn_page(
  p_task supasaasy.tasks, p_page jsonb, p_doc jsonb, p_text json, p_records jsonb, p_count integer, p_distinct integer,
  p_first_id text, p_last_id text, p_last_created bigint,
  out next_cursor text, out done boolean, out checking text, out repeated boolean, out input jsonb
) language plpgsql set search_path = '' as $$
#variable_conflict use_variable
declare
  spec jsonb := p_page -> 'spec';
  rule jsonb := p_page -> 'next';
  from_start boolean := p_task.cursor is null;
  proof jsonb := case when from_start and not p_task.input ? 'check' then (p_task.input -> 'proof') - array['totals', 'uncounted'] else p_task.input -> 'proof' end;
  turned record;
  mark jsonb;
  here text;
  -- Records without an id cannot be told apart.
  shown jsonb := case when p_first_id is not null and p_last_id is not null then jsonb_build_array(p_first_id, p_last_id, p_count) end;
begin
  -- A page that is asked for once more adds nothing.
  repeated := p_task.input ? 'check' and (p_task.input ->> 'check' = 'shorter' or coalesce(shown = p_task.input #> '{mark,page}', false));
  if not spec ? 'records' and rule ->> 'style' <> 'none' and p_task.kind <> 'retrieve' then
    raise exception 'the description of % has no path of records: a list with pages needs one', spec ->> 'resource' using errcode = 'SY006';
  end if;
  checking := p_task.input ->> 'check';
  input := p_task.input - array['check'];
  proof := supasaasy.judge_page(coalesce(proof, '{}'), spec, p_records, p_count, p_distinct, p_doc, from_start);
  if coalesce((p_page ->> 'stop')::boolean, false) then
    begin
      turned := supasaasy.next_position(p_page, p_task.cursor, p_doc, p_text, p_count, p_last_id, false, p_task.records + p_count, null, false);
      next_cursor := turned.next_cursor;
    exception when sqlstate 'SY006' or sqlstate 'SY003' then
      next_cursor := p_last_id;
    end;
    done := true;
    input := input || jsonb_build_object('proof', proof);
    return;
  end if;
  turned := supasaasy.next_position(p_page, p_task.cursor, p_doc, p_text, p_count, p_last_id, from_start,
    p_task.records + case when repeated then 0 else p_count end, checking, repeated);
  next_cursor := turned.next_cursor;
  if p_page ? 'total' then
    proof := proof || case when turned.total is null then '{"uncounted": true}'::jsonb
      else jsonb_build_object('totals', jsonb_build_array(coalesce(proof #> '{totals,0}', to_jsonb(turned.total)), turned.total)) end;
  end if;
  if turned."check" is null and next_cursor is not null and checking is null and rule ->> 'style' <> 'scroll' and not p_page ? 'short'
    and p_count < (p_page ->> 'asked')::int then
    proof := proof || jsonb_build_object('short', jsonb_build_array(p_count, p_page -> 'asked'));
  end if;
  -- Without a path to page on, a range ends where its bound is.
  if p_task.range_from is not null and p_last_created is not null and p_last_created < p_task.range_from then
    done := true;
    proof := proof || '{"ended": "range"}';
  elsif turned."check" is not null then
    done := false;
    input := input || jsonb_build_object('check', turned."check");
  else
    done := next_cursor is null;
    if done and turned.ended_by is not null then
      proof := proof || jsonb_build_object('ended', turned.ended_by);
    end if;
  end if;
  if not done and turned."check" is distinct from 'shorter' then
    -- A provider that leads us in a circle: each position is compared with one that we were at before, and that one
    -- is moved up after 1, 2, 4, 8 … pages (Brent), so a circle of any length is found within three rounds. Cursors may
    -- be new each time while the page is the same: so its records are a part of the position.
    -- Who began again at the start (a scroll, a lost cursor) may well come to where it was.
    mark := case when not coalesce((p_page ->> 'from_start')::boolean, false) then input -> 'mark' end;
    mark := coalesce(mark, '{"step": 0, "until": 1}');
    here := case when rule ->> 'style' in ('scroll', 'page') then p_last_id else next_cursor end;
    if here = mark ->> 'at' or (p_count > 1 and shown = mark -> 'page') then
      raise exception 'the provider leads in a circle: "%" has been the position before', here using errcode = 'SY003';
    end if;
    mark := case when (mark ->> 'step')::int + 1 = (mark ->> 'until')::int
      then jsonb_build_object('at', here, 'page', shown, 'step', 0, 'until', 2 * (mark ->> 'until')::int)
      else mark || jsonb_build_object('step', (mark ->> 'step')::int + 1) end;
    input := input || jsonb_build_object('mark', mark);
  end if;
  input := input || jsonb_build_object('proof', proof);
  checking := input ->> 'check';
end $$;

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
