-- How long, in seconds, the last page of a task was: how dense its range is just there.
alter table supasaasy.tasks add column if not exists page_span bigint;

drop type if exists supasaasy.split_candidate;
create type supasaasy.split_candidate as (
  id bigint, pages integer, range_from bigint, bottom bigint, span float8, pages_left float8, tail boolean, momentary boolean,
  read float8, wasted float8, expected float8, unknown bigint
);

-- Ranges of creation time that split while they are read: what is left is what splits, so that requests are wasted
-- only at the edges. Called by a worker that has nothing to claim; makes up to p_want new tasks and returns how many.
--
-- A list is read from the newest record down, so a running task has read [cursor_created, …] and has
-- [range_from, cursor_created] before it. Its lower bound is moved up and new tasks take what lies below; the owner
-- learns of it from the answer to its next page. A page that it had already asked for may show records below the new
-- bound: they are stored twice at worst, which changes nothing.
--
-- What is left is guessed from the last page: sparse and dense times alternate, and the average of a task knows of a
-- change too late. A cut lies where a page is expected to end. Still, nearly every range has a page at its end that is
-- not full: the number of ranges is what the waste is made of.
create or replace function supasaasy.split_tasks(p_filter jsonb, p_want integer, p_page_size integer default 100) returns integer
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  -- What a first page may expect below it, in multiples of itself: each empty guess costs one request.
  guesses constant integer[] := array[16, 64, 256];
  -- Who answers at once has shown a few pages before anybody looks.
  first_pages constant integer := 4;
  -- A piece shorter than this many pages is not worth the page at its end that is not full; the more a pass has wasted and
  -- will waste, the longer a piece must be. While little was read (`early`, pages), what is left is a guess, and pieces are
  -- long (`unsure`). (`npm run bench -- latency`, skewed data: cutting early and small used up the waste that long ranges
  -- need later, and took 9 to 12 s instead of 6 to 7.)
  short constant float8 := 1.5;
  long constant float8 := 3;
  very_long constant float8 := 8;
  unsure constant float8 := 12;
  early constant float8 := 60;
  -- What a range that is open wastes at its end, in pages: a little less than half of one, because a cut aims at the end
  -- of a page.
  edge constant float8 := 0.4;
  -- A cut lies so much of a page above where one is expected to end: a record too many costs a request, one too few costs nothing.
  margin constant float8 := 0.02;
  candidates supasaasy.split_candidate[];
  pieces integer[];
  wanted integer := p_want;
  best integer;
  best_size float8;
  size float8;
  c supasaasy.split_candidate;
  t supasaasy.tasks;
  bounds bigint[];
  guessing boolean;
  lowest bigint;
  ways integer;
  made integer := 0;
  i integer;
begin
  with passes as (
    -- Requests beyond full pages; a running range will waste a part of one more.
    select pass_id, coalesce(sum(requests - records::float8 / p_page_size) filter (where state = 'done'), 0) as lost,
      edge * count(*) filter (where state in ('ready', 'running')) as open,
      sum(records)::float8 / p_page_size as read,
      count(*) filter (where state in ('ready', 'running') and pages = 0 and input ?| array['guess', 'tail']) as unknown
    from supasaasy.tasks
    where pass_id in (select pass_id from supasaasy.tasks where state = 'running' and kind = 'list' and pages > 0) and kind = 'list'
    group by pass_id
  ), running as (
    select t.id, t.pass_id, t.pages, t.range_from, t.cursor_created, t.range_from is null and t.input ? 'tail' as tail,
      -- All that was read is of one second or two: that says nothing about the time before.
      t.first_created - t.cursor_created <= 1 as momentary,
      -- Seconds a page, not denser than eight times the average: many objects of one second are an exception.
      greatest(coalesce(t.page_span, 0), (t.first_created - t.cursor_created) / (8.0 * t.pages), 1)::float8 as span,
      coalesce(t.range_from, t.cursor_created - greatest(
        max(t.first_created) over (partition by t.pass_id, t.input ->> 'variant') - t.cursor_created,
        4 * greatest(t.first_created - t.cursor_created, 1))) as bottom
    from supasaasy.tasks t
    where t.state = 'running' and t.kind = 'list' and (t.input ->> 'ranged')::boolean and t.pages > 0
      and t.first_created is not null and t.cursor is not null
      and (not p_filter ? 'run_id' or t.run_id = (p_filter ->> 'run_id')::uuid)
      and (not p_filter ? 'apps' or p_filter -> 'apps' ? t.app_key)
  ), judged as (
    select r.*, case when r.momentary then least(4 * r.pages, (r.cursor_created - r.bottom) / 2)
      else greatest(r.cursor_created - r.bottom, 0) / r.span end as pages_left
    from running r
  ), summed as (
    select *, sum(pages_left) over (partition by pass_id) as pass_left from judged
  )
  select array_agg(row(s.id, s.pages, s.range_from, s.bottom, s.span, s.pages_left,
      s.tail, s.momentary, p.read, p.lost + p.open, p.read + least(s.pass_left, 4 * p.read), p.unknown)::supasaasy.split_candidate
    order by s.pages_left desc)
  into candidates from summed s join passes p on p.pass_id is not distinct from s.pass_id;
  if candidates is null then
    return 0;
  end if;

  -- The next piece to whoever has the longest: all end at about the same time.
  pieces := array_fill(1, array[cardinality(candidates)]);
  while wanted > 0 loop
    best := null;
    best_size := 0;
    for i in 1 .. cardinality(candidates) loop
      size := candidates[i].pages_left / pieces[i];
      if size > best_size and (candidates[i].pages_left / (pieces[i] + 1) >= case
          when candidates[i].read < early then unsure
          when candidates[i].wasted + edge * (p_want - wanted) < 2 + 0.03 * candidates[i].expected then short
          when candidates[i].wasted + edge * (p_want - wanted) < 3 + 0.035 * candidates[i].expected then long
          else very_long end)
        -- Below the oldest that anybody expected: one look, not many.
        and not (candidates[i].tail and pieces[i] = 2)
        -- While a guess has not shown its first page, nobody takes its share: the longest may be among them.
        and not (candidates[i].read < early and candidates[i].unknown > 0
          and pieces[i] > p_want::float8 / (cardinality(candidates) + candidates[i].unknown)) then
        best := i;
        best_size := size;
      end if;
    end loop;
    exit when best is null;
    pieces[best] := pieces[best] + 1;
    wanted := wanted - 1;
  end loop;

  for i in 1 .. cardinality(candidates) loop
    c := candidates[i];
    continue when pieces[i] = 1 and not (c.range_from is null and c.pages <= first_pages and made < p_want);
    select * into t from supasaasy.tasks where id = c.id for update;
    continue when t.state <> 'running' or t.cursor is null or t.cursor_created is null or t.range_from is distinct from c.range_from;
    bounds := '{}';
    guessing := t.range_from is null and t.pages <= first_pages and t.range_to is null;
    if guessing then
      -- Nothing is known but the density of a page or two.
      for ways in 1 .. least(cardinality(guesses), p_want - made) loop
        bounds := bounds || (t.cursor_created - (c.span * guesses[ways])::bigint);
      end loop;
    else
      ways := least(pieces[i] - 1, p_want - made);
      lowest := least(c.bottom, t.cursor_created);
      -- An open range keeps one piece more, below what it expects.
      size := c.pages_left / greatest(ways + (t.range_from is not null)::int, 1);
      for way in 1 .. ways loop
        bounds := bounds || (t.cursor_created - case
          when c.momentary then (t.cursor_created - lowest) * way::float8 / (ways + (t.range_from is not null)::int)
          else c.span * (greatest(round(way * size), 1) - margin * way) end::bigint);
      end loop;
    end if;
    -- Falling, apart, and inside what is left.
    select coalesce(array_agg(distinct b order by b desc), '{}') into bounds from unnest(bounds) b
    where b < t.cursor_created and b > coalesce(t.range_from, 0);
    continue when cardinality(bounds) = 0;
    for way in 1 .. cardinality(bounds) loop
      insert into supasaasy.tasks (run_id, pass_id, app_key, resource, collection_key, kind, input, range_from, range_to, priority)
      values (t.run_id, t.pass_id, t.app_key, t.resource, t.collection_key, t.kind,
        t.input - array['children', 'mark', 'lost', 'tail', 'guess', 'proof', 'check', 'unproven']
          || case when guessing then '{"guess": true}' when way = cardinality(bounds) and t.range_from is null then '{"tail": true}' else '{}' end::jsonb,
        case when way < cardinality(bounds) then bounds[way + 1] else t.range_from end, bounds[way], t.priority);
      made := made + 1;
    end loop;
    update supasaasy.tasks set range_from = bounds[1] where id = t.id;
  end loop;
  return made;
end $$;
