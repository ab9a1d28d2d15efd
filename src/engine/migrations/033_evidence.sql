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

drop function if exists supasaasy.next_position(jsonb, text, text, boolean, integer, text);
drop function if exists supasaasy.next_position(jsonb, text, jsonb, json, integer, text, boolean, bigint, text, boolean);
-- The next position of a list after one of its pages, by the provider's way of paging, and how it is known to have ended.
-- Raises SY003 where paging cannot go on, SY006 where the description does not fit the answer.
--
-- p_list: next {style, path, more}, asked (records), sized (a list without pages is asked with a limit all the same), total (path), short
--   (pages may be short although the list goes on). p_first: the first page of the task. p_read: records of the task, this page
--   included. p_check: what this page is asked for: "after" (nothing may follow), "shorter" (a position must be shown), or null.
--   p_same: it has the records of the page before.
-- `check`: what the same list must be asked next, before its end is believed: of a first page that is exactly full.
-- `doubt`: a checking page contradicts the page before. The description is wrong, or the list has changed in between.
create or replace function supasaasy.next_position(
  p_list jsonb, p_cursor text, p_doc jsonb, p_text json, p_count integer, p_last_id text, p_first boolean, p_read bigint, p_check text, p_same boolean,
  out next_cursor text, out ended_by text, out total bigint, out "check" text, out doubt text
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
  contradicted boolean := false;
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
    contradicted := true;
  elsif p_check = 'shorter' and is_full and next_cursor is null then
    problem := format('neither a full page nor a shorter one of %s records shows a next position at %s', p_count, at_place);
    contradicted := true;
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
    problem := format('%s: %s. The path in the description is wrong, or it names another way of paging', problem,
      supasaasy.keys_of(p_doc, p_text, coalesce(place, flag_place)));
    if not contradicted then
      raise exception '%', problem using errcode = 'SY006';
    end if;
    next_cursor := null;
    doubt := problem;
    return;
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
  restarts integer := coalesce((p_task.input ->> 'restarts')::integer, 0);
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
    case when from_start and checking is null and restarts > 0 then p_count::bigint
      else p_task.records + case when repeated then 0 else p_count end end, checking, repeated);
  next_cursor := turned.next_cursor;
  if turned.doubt is not null then
    -- A record may have come or gone between the two answers: the list is read from its start again. A wrong description
    -- contradicts itself each time.
    if restarts >= 3 then
      raise exception '%', turned.doubt using errcode = 'SY006';
    end if;
    repeated := true;
    done := false;
    checking := null;
    input := input - 'mark' || jsonb_build_object('proof', proof, 'restarts', restarts + 1);
    return;
  end if;
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
