-- Ranges of creation time that split while they are read: what is left is what splits, so that requests are wasted
-- only at the edges. Called by a worker that has nothing to claim; makes up to p_want new tasks and returns how many.
--
-- A list is read from the newest record down, so a running task has read [cursor_created, …] and has
-- [range_from, cursor_created] before it. Its lower bound is moved up and new tasks take what lies below; the owner
-- learns of it from the answer to its next page. A page that it had already asked for may show records below the new
-- bound: they are stored twice at worst, which changes nothing.
create or replace function supasaasy.split_tasks(p_filter jsonb, p_want integer, p_page_size integer default 100) returns integer
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  -- A piece shorter than this many pages is not worth the half-empty page at its end.
  shortest constant integer := 3;
  -- What a first page may expect below it, in multiples of itself: each empty guess costs one request.
  guesses constant integer[] := array[4, 16, 64, 256];
  candidate record;
  t supasaasy.tasks;
  bounds bigint[];
  lowest bigint;
  ways integer;
  made integer := 0;
  i integer;
begin
  for candidate in
    with running as (
      select t.id, t.pages, t.range_from, t.cursor_created, t.first_created, t.records,
        greatest(t.first_created - t.cursor_created, 1) as span,
        coalesce(t.range_from, t.cursor_created - greatest(
          max(t.first_created) over (partition by t.pass_id, t.input ->> 'variant') - t.cursor_created,
          4 * greatest(t.first_created - t.cursor_created, 1))) as bottom
      from supasaasy.tasks t
      where t.state = 'running' and t.kind = 'list' and (t.input ->> 'ranged')::boolean and t.pages > 0
        and t.first_created is not null and t.cursor is not null
        and (not p_filter ? 'run_id' or t.run_id = (p_filter ->> 'run_id')::uuid)
        and (not p_filter ? 'apps' or p_filter -> 'apps' ? t.app_key)
    ), judged as (
      select *, (cursor_created - bottom) * records::float8 / span / p_page_size as pages_left from running
    )
    select *, sum(pages_left) over () as all_left from judged
    where pages_left >= 2 * shortest or (range_from is null and pages = 1 and span > 1)
    order by pages_left desc
    limit p_want
  loop
    exit when made >= p_want;
    select * into t from supasaasy.tasks where id = candidate.id for update;
    continue when t.state <> 'running' or t.cursor is null or t.cursor_created is null or t.range_from is distinct from candidate.range_from;
    bounds := '{}';
    if t.range_from is null and t.pages = 1 then
      -- Nothing is known but the density of one page.
      for i in 1 .. least(cardinality(guesses), p_want - made) loop
        bounds := bounds || (t.cursor_created - candidate.span * guesses[i]);
      end loop;
    else
      ways := least(p_want - made, greatest(1, round(p_want * candidate.pages_left / candidate.all_left)::integer),
        floor(candidate.pages_left / shortest)::integer - 1);
      continue when ways < 1;
      lowest := least(candidate.bottom, t.cursor_created);
      -- An open range keeps one piece more, below what it expects.
      for i in 1 .. ways loop
        bounds := bounds || (t.cursor_created - ((t.cursor_created - lowest) * i::float8 / (ways + (t.range_from is not null)::int))::bigint);
      end loop;
    end if;
    -- Falling, apart, and inside what is left.
    select coalesce(array_agg(distinct b order by b desc), '{}') into bounds from unnest(bounds) b
    where b < t.cursor_created and b > coalesce(t.range_from, 0);
    continue when cardinality(bounds) = 0;
    for i in 1 .. cardinality(bounds) loop
      insert into supasaasy.tasks (run_id, pass_id, app_key, resource, collection_key, kind, input, range_from, range_to, priority)
      values (t.run_id, t.pass_id, t.app_key, t.resource, t.collection_key, t.kind, t.input - array['children', 'mark', 'lost'],
        case when i < cardinality(bounds) then bounds[i + 1] else t.range_from end, bounds[i], t.priority);
      made := made + 1;
    end loop;
    update supasaasy.tasks set range_from = bounds[1] where id = t.id;
  end loop;
  return made;
end $$;
