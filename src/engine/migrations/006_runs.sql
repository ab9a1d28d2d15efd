-- Living rows of the pass's window that the pass did not name, that nothing else has touched since it began, and that are
-- not known to be in no list. One
-- hash join in bounded memory, whatever the statistics say about a table that was empty a minute ago.
create or replace function supasaasy.find_missing(p_pass supasaasy.passes, p_hides_archived boolean) returns bigint
language plpgsql set search_path = '' set enable_nestloop = off set enable_mergejoin = off set jit = off set work_mem = '16MB' as $$
declare
  found_count bigint;
begin
  insert into supasaasy.pass_missing (pass_id, external_id)
  select p_pass.id, e.external_id
  from supasaasy.entities e
  left join (select unnest(p.ids) as id from supasaasy.pass_pages p where p.pass_id = p_pass.id) seen on seen.id = e.external_id
  left join supasaasy.unlisted u on u.app_key = e.app_key and u.collection_key = e.collection_key and u.external_id = e.external_id
  where e.app_key = p_pass.app_key and e.collection_key = p_pass.collection_key and e.deleted_at is null and seen.id is null and u.external_id is null
    and e.observed_at < p_pass.started_at and not (p_hides_archived and e.archived_at is not null)
    and (p_pass.window_from is null or e.source_created_at >= p_pass.window_from)
  on conflict do nothing;
  get diagnostics found_count = row_count;
  return found_count;
end $$;

-- Why a pass proves nothing: what in its answers contradicts the description.
alter table supasaasy.passes add column if not exists problem text;
-- Since when no pass has named any of the rows that were known before: it names other objects, or by another id.
alter table supasaasy.sync_state add column if not exists unrecognised_from timestamptz;

-- Whether a pass names at least one row that was known when it began.
create or replace function supasaasy.recognises(p_pass supasaasy.passes) returns boolean
language plpgsql stable set search_path = '' set enable_nestloop = off set enable_mergejoin = off set jit = off as $$
begin
  return exists (
    select 1 from (select unnest(p.ids) collate "C" as id from supasaasy.pass_pages p where p.pass_id = p_pass.id) s
    join supasaasy.entities e on e.app_key = p_pass.app_key and e.collection_key = p_pass.collection_key and e.external_id = s.id
    where e.created_at < supasaasy.known_until(p_pass) and e.deleted_at is null);
end $$;

create or replace function supasaasy.mark_unrecognised(p_pass supasaasy.passes) returns void
language sql set search_path = '' as $$
  insert into supasaasy.sync_state as s (app_key, collection_key, unrecognised_from) values (p_pass.app_key, p_pass.collection_key, p_pass.started_at)
  on conflict (app_key, collection_key) do update set unrecognised_from = least(s.unrecognised_from, excluded.unrecognised_from);
$$;

-- Rows that were created before this moment were known when a pass began; those that came with passes which recognised none are not.
create or replace function supasaasy.known_until(p_pass supasaasy.passes) returns timestamptz
language plpgsql stable set search_path = '' as $$
begin
  return least(p_pass.started_at, (select s.unrecognised_from from supasaasy.sync_state s
    where s.app_key = p_pass.app_key and s.collection_key = p_pass.collection_key));
end $$;

drop function if exists supasaasy.find_doubtful(supasaasy.passes, bigint);
drop function if exists supasaasy.compare_pass(supasaasy.passes, boolean, bigint);

-- Whether so many deletions by absence look like a wrong key, a lost permission or an empty answer. What cannot be asked
-- for by id has no second witness: an empty list deletes none of it.
create or replace function supasaasy.looks_wrong(p_count numeric, p_named bigint, p_living bigint, p_page jsonb, p_paused boolean) returns boolean
language plpgsql immutable set search_path = '' as $$
begin
  if coalesce((p_page ->> 'allow')::boolean, false) or p_count = 0 then
    return false;
  end if;
  return (p_count >= (p_page ->> 'floor')::bigint and p_count > p_living * (p_page ->> 'share')::float8)
    or (p_named = 0 and p_count >= case when coalesce((p_page #>> '{spec,retrievable}')::boolean, false) then 10 else 1 end)
    or p_paused;
end $$;

-- What a complete pass did not see is gone, unless the pass itself is suspicious. First call: finds what is missing
-- and judges. Each call settles up to p_page.batch of them; `done` says that none is left, or that the task waits.
--
-- What can be asked for by id is asked for, in waves that double: a first one of p_page.confirm objects, then, where one
-- of them is shown or the list is known to leave objects out (p_page.ask_all), all others. Nothing is deleted before all
-- answers are there: the breaker counts the objects that the provider denies, never those that a list only hides. A list
-- of which a whole first wave is denied is taken at its word about the rest.
--
-- p_page: spec, share (0…1), floor (rows), allow (mass deletion was allowed by a person), confirm, ask_all, batch, purge,
-- hides_archived, lease_seconds, remember_ms and remember_logged_ms (how long an object counts as unlisted without being
-- asked for again; the latter where this run reads the log of its changes)
create or replace function supasaasy.sweep(p_task bigint, p_token bigint, p_page jsonb) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  t supasaasy.tasks;
  pass supasaasy.passes;
  spec jsonb := p_page -> 'spec';
  can_ask boolean := coalesce((p_page #>> '{spec,retrievable}')::boolean, false);
  wave bigint := (p_page ->> 'confirm')::bigint;
  ask_all boolean := coalesce((p_page ->> 'ask_all')::boolean, false);
  -- The list leaves out archived objects: that it does not show them says nothing.
  hides_archived boolean := coalesce((p_page ->> 'hides_archived')::boolean, false);
  measured record;
  asked record;
  missing bigint;
  final jsonb;
  batch record;
  taken bigint := 0;
  context jsonb;
  deleted_now bigint := 0;
  reason text;
  first_read bigint;
  last_read bigint;
  paused boolean;
begin
  select * into t from supasaasy.tasks where id = p_task and lease_token = p_token and state = 'running' for update;
  if not found then
    raise exception 'task % is no longer ours: another worker has taken it over', p_task using errcode = 'SY001';
  end if;
  select * into pass from supasaasy.passes where id = t.pass_id for update;
  select min(x.read_from), max(x.read_until) into first_read, last_read from supasaasy.tasks x where x.pass_id = t.pass_id and x.kind in ('list', 'fanout');
  perform supasaasy.lock_collections(t.app_key, supasaasy.collections_of(spec), false);
  paused := supasaasy.deletions_paused(t.app_key, t.collection_key) is not null;

  if not t.input ? 'measured' then
    perform supasaasy.forget_unlisted(pass, case when exists (
        select 1 from supasaasy.tasks x where x.run_id = t.run_id and x.kind = 'changes' and x.state <> 'failed' and x.input -> 'collections' ? t.collection_key)
      then (p_page ->> 'remember_logged_ms')::float8 else (p_page ->> 'remember_ms')::float8 end);
    select * into measured from supasaasy.measure_pass(pass, hides_archived, first_read);
    if can_ask then
      perform supasaasy.ask_again(t.app_key, spec, measured.doubtful, jsonb_build_object('run_id', t.run_id, 'priority', t.priority));
    end if;
    missing := case when measured.missing = 0 then 0 else supasaasy.find_missing(pass, hides_archived) end;
    -- Nothing of it will change any more, but by news: the certificate need not read it all again.
    if missing = 0 and measured.doubtful is null and measured.rowless = 0 and not exists (
      select 1 from supasaasy.tasks x where x.run_id = t.run_id and x.collection_key = t.collection_key and x.id <> t.id and x.state in ('ready', 'running')
    ) then
      final := jsonb_build_object('at', clock_timestamp(), 'named', measured.named, 'living', measured.living, 'digest', measured.digest, 'hidden', measured.hidden);
    end if;
    update supasaasy.passes set hides_archived = coalesce((p_page ->> 'hides_archived')::boolean, false), children = coalesce(spec -> 'children', '[]') where id = t.pass_id;
    t.input := t.input || jsonb_build_object('missing', missing, 'measured', jsonb_build_object('named', measured.named, 'living', measured.living));
  end if;
  missing := (t.input ->> 'missing')::bigint;

  if not t.input ? 'judged' then
    select count(*) filter (where m.asked) as n, count(*) filter (where m.answer = 'gone') as gone, count(*) filter (where m.answer = 'shown') as shown,
      count(*) filter (where not m.asked) as remaining
    into asked from supasaasy.pass_missing m where m.pass_id = t.pass_id;
    -- No witness: nothing can be asked for by id, or the list shows nothing at all and is not known to leave objects out.
    if ((not can_ask or (t.input #> '{measured,named}' = '0'::jsonb and not ask_all)) and supasaasy.looks_wrong(missing, (t.input #>> '{measured,named}')::bigint, (t.input #>> '{measured,living}')::bigint, p_page, paused))
      or supasaasy.looks_wrong(asked.gone, (t.input #>> '{measured,named}')::bigint, (t.input #>> '{measured,living}')::bigint, p_page, paused)
      -- None of the rows that were known: that is another list, or another path of the id.
      or (asked.n = 0 and t.input #> '{measured,named}' <> '0'::jsonb and not coalesce((p_page ->> 'allow')::boolean, false)
        and missing >= case when can_ask then 10 else 1 end and not supasaasy.recognises(pass))
      -- No witness that the list hides objects, or so few that the rest would be as wrong twice over.
      or (asked.n > 0 and asked.remaining > 0 and (asked.gone = asked.n or asked.n >= 4 * wave)
        and supasaasy.looks_wrong(trunc(asked.gone::numeric / asked.n * missing / case when asked.gone = asked.n then 1 else 2 end),
          (t.input #>> '{measured,named}')::bigint, (t.input #>> '{measured,living}')::bigint, p_page, paused))
    then
      reason := format('the pass over %s no longer shows %s of %s rows%s; nothing was deleted, because that looks like a wrong key, a lost permission or an empty answer. If the provider really lost them, run: supasaasy sync %s --mode full --resource %s --allow-mass-delete',
        t.collection_key, missing, t.input #>> '{measured,living}',
        case when asked.n > 0 then format(', and %s of %s that were asked for by id do not exist', asked.gone, asked.n) else '' end, t.app_key, t.resource);
      update supasaasy.passes set state = 'refused', note = reason, finished_at = clock_timestamp() where id = t.pass_id;
      perform supasaasy.pause_deletions(t.app_key, t.collection_key, reason);
      if t.input #> '{measured,named}' <> '0'::jsonb and not supasaasy.recognises(pass) then
        perform supasaasy.mark_unrecognised(pass);
      end if;
      delete from supasaasy.pass_missing where pass_id = t.pass_id;
      update supasaasy.tasks set state = 'failed', error = reason, errors = errors + 1, finished_at = clock_timestamp(), lease_token = null, lease_until = null where id = p_task;
      return jsonb_build_object('done', true, 'refused', true, 'reason', reason, 'deleted', 0, 'missing', missing);
    end if;
    if can_ask and asked.remaining > 0 and (asked.n = 0 or asked.shown > 0 or ask_all) then
      perform supasaasy.ask_absent(t, greatest(wave, asked.n));
      update supasaasy.tasks set state = 'ready', lease_token = null, lease_until = null, attempts = 0, input = t.input || '{"asked": true}' where id = p_task;
      return jsonb_build_object('done', true, 'deleted', 0, 'missing', missing);
    end if;
    -- Shown by its id: it lives. Asked for without an answer (the question failed, and so does the run): nothing is known.
    delete from supasaasy.pass_missing where pass_id = t.pass_id and asked and answer is distinct from 'gone';
    perform supasaasy.pause_deletions(t.app_key, t.collection_key, null);
    t.input := t.input || jsonb_build_object('judged', true);
  end if;

  context := jsonb_build_object('source', 'read', 'origin', 'sweep', 'origin_id', t.run_id::text,
    'authoritative', true, 'run_id', t.run_id, 'priority', t.priority, 'purge', p_page -> 'purge');
  for batch in
    with taken as (
      delete from supasaasy.pass_missing where ctid in (
        select ctid from supasaasy.pass_missing where pass_id = t.pass_id order by external_id limit (p_page ->> 'batch')::int)
      returning external_id, version, version_until, asked_at
    ) select array_agg(external_id) as ids, version, version_until, min(asked_at) as asked_at from taken group by version, version_until
  loop
    taken := taken + cardinality(batch.ids);
    -- Not asked for, it died at some moment of the pass: a change within that time may be older than its death.
    deleted_now := deleted_now + (supasaasy.apply_gone(t.app_key, spec, batch.ids, context || jsonb_build_object('started_at', coalesce(batch.asked_at, pass.started_at)),
      coalesce(batch.version, first_read, 0), coalesce(batch.version_until, last_read, first_read, 0)) ->> 'deleted')::bigint;
  end loop;
  if taken < (p_page ->> 'batch')::int then
    update supasaasy.passes set state = 'swept', finished_at = clock_timestamp(), measured = final where id = t.pass_id;
    update supasaasy.tasks set state = 'done', finished_at = clock_timestamp(), lease_token = null, lease_until = null,
      input = t.input, deleted = deleted + deleted_now where id = p_task;
    return jsonb_build_object('done', true, 'deleted', deleted_now, 'missing', missing);
  end if;
  update supasaasy.tasks set input = t.input, deleted = deleted + deleted_now,
    lease_until = clock_timestamp() + make_interval(secs => coalesce((p_page ->> 'lease_seconds')::float8, 60)) where id = p_task;
  return jsonb_build_object('done', false, 'deleted', deleted_now, 'missing', missing);
end $$;

-- Moves a run on after a task has ended: passes whose reads are complete are swept; when nothing is open the run
-- ends. Watermarks move here and nowhere else, and only for collections of which nothing failed.
create or replace function supasaasy.advance_run(p_run uuid) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  run supasaasy.runs;
  pass supasaasy.passes;
  failed bigint;
  open_tasks bigint;
  trouble text;
  left_out text;
begin
  select * into run from supasaasy.runs where id = p_run for update;
  if not found or run.state <> 'running' then
    return jsonb_build_object('state', run.state);
  end if;
  if run.mode = 'audit' then
    return supasaasy.advance_audit(run);
  end if;
  for pass in
    select p.* from supasaasy.passes p
    where p.run_id = p_run and p.state = 'reading'
      and not exists (select 1 from supasaasy.tasks t where t.pass_id = p.id and t.kind in ('list', 'fanout') and t.state in ('ready', 'running'))
  loop
    trouble := case when pass.sweepable then supasaasy.evidence_of(pass, supasaasy.children_of(pass)) ->> 'unlisted' end;
    if exists (select 1 from supasaasy.tasks t where t.pass_id = pass.id and t.state = 'failed') then
      update supasaasy.passes set state = 'incomplete', note = 'a part of it could not be read', finished_at = clock_timestamp(),
        problem = (select t.error from supasaasy.tasks t where t.pass_id = pass.id and t.state = 'failed' and t.input ? 'unproven' order by t.id limit 1)
      where id = pass.id;
    elsif not pass.sweepable then
      update supasaasy.passes set state = 'incomplete', finished_at = clock_timestamp() where id = pass.id;
    -- That an object is absent proves nothing here, and so deletes nothing.
    elsif trouble is not null then
      update supasaasy.passes p set state = 'incomplete', note = trouble, problem = trouble, finished_at = clock_timestamp() where p.id = pass.id;
    else
      update supasaasy.passes set state = 'sweeping' where id = pass.id;
      insert into supasaasy.tasks (run_id, pass_id, app_key, resource, collection_key, kind, priority)
      select p_run, pass.id, pass.app_key, pass.resource, pass.collection_key, 'sweep',
        coalesce((select min(priority) from supasaasy.tasks t where t.pass_id = pass.id), 2);
    end if;
  end loop;
  select count(*) filter (where state in ('ready', 'running')), count(*) filter (where state = 'failed')
  into open_tasks, failed from supasaasy.tasks where run_id = p_run;
  if open_tasks > 0 then
    return jsonb_build_object('state', 'running', 'open', open_tasks);
  end if;

  -- The watermark is the provider's time of the first answer, but never after the run began on our own clock: answers
  -- that are dated too late (a wrong clock, something in between) would hide every change until that time has come.
  insert into supasaasy.sync_state as s (app_key, collection_key, watermark, read_until, last_full_at, last_incremental_at, run_id)
  select run.app_key, c.collection, least(min(t.read_from), (extract(epoch from run.created_at) * 1000)::bigint), max(t.read_until) filter (where t.kind in ('list', 'fanout')),
    case when run.mode = 'full' then run.created_at end, case when run.mode = 'incremental' then run.created_at end, p_run
  from supasaasy.tasks t
  cross join lateral (
    select t.collection_key as collection where t.kind in ('list', 'fanout')
    union all select jsonb_array_elements_text(t.input -> 'collections') where t.kind = 'changes'
  ) c
  where t.run_id = p_run and not coalesce((run.options ->> 'limit') is not null, false)
    and t.read_from is not null
    and not exists (select 1 from supasaasy.tasks f where f.run_id = p_run and f.state = 'failed'
      and f.kind <> 'sweep' and (f.collection_key = c.collection or f.input -> 'collections' ? c.collection or f.input ->> 'of' = c.collection))
  group by c.collection
  on conflict (app_key, collection_key) do update set
    watermark = greatest(s.watermark, excluded.watermark), read_until = greatest(s.read_until, excluded.read_until),
    last_full_at = coalesce(excluded.last_full_at, s.last_full_at),
    last_incremental_at = coalesce(excluded.last_incremental_at, s.last_incremental_at), run_id = excluded.run_id;
  -- How far lists were read counts for events even when the run failed.
  insert into supasaasy.sync_state as s (app_key, collection_key, read_until)
  select run.app_key, t.collection_key, max(t.read_until) from supasaasy.tasks t
  where t.run_id = p_run and t.read_until is not null group by t.collection_key
  on conflict (app_key, collection_key) do update set read_until = greatest(s.read_until, excluded.read_until);

  left_out := supasaasy.quarantined_by(run);
  update supasaasy.runs set state = case when failed > 0 or left_out is not null then 'failed' else 'completed' end,
    -- Resources that failed for the same reason are named together.
    error = nullif(concat_ws('; ', (select string_agg(format('%s: %s', same.resources, same.error), '; ' order by same.resources) from (
      select string_agg(x.resource, ', ' order by x.resource) as resources, x.error from (
        select distinct on (resource) resource, error from supasaasy.tasks where run_id = p_run and state = 'failed' order by resource, id) x
      group by x.error) same), left_out), ''),
    resources = supasaasy.run_counts(p_run), finished_at = clock_timestamp()
  where id = p_run;
  perform supasaasy.certify_passes(p_run);
  delete from supasaasy.pass_pages pp using supasaasy.passes p where p.run_id = p_run and pp.pass_id = p.id;
  delete from supasaasy.tasks where run_id = p_run and kind in ('retrieve', 'children') and state = 'done';
  return jsonb_build_object('state', case when failed > 0 or left_out is not null then 'failed' else 'completed' end, 'open', 0);
end $$;

-- The nested lists that the description of a pass's resource has, as its tasks saw them.
create or replace function supasaasy.children_of(p_pass supasaasy.passes) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce((select t.input -> 'nested' from supasaasy.tasks t
    where t.pass_id = p_pass.id and t.kind in ('list', 'audit') and t.input ? 'nested' order by t.id limit 1), '[]');
$$;

-- What a run read and could not store: the records that it left in quarantine, by resource. A run that leaves records out
-- has failed, by their name.
create or replace function supasaasy.quarantined_by(p_run supasaasy.runs) returns text
language sql stable set search_path = '' as $$
  select string_agg(format('%s: %s in quarantine (%s); see them with: supasaasy quarantine list', x.resource,
    case x.n when 1 then 'a record is' else x.n || ' records are' end, x.reason), '; ' order by x.resource)
  from (
    select coalesce((select t.resource from supasaasy.tasks t where t.run_id = p_run.id and t.collection_key = q.collection_key limit 1), q.collection_key) as resource,
      count(*) as n, min(q.reason) as reason
    from supasaasy.quarantine q where q.app_key = p_run.app_key and q.origin_id = p_run.id::text and q.resolved_at is null
    group by q.collection_key
  ) x;
$$;

-- {customer: {created, updated, unchanged, archived, deleted, errors, pages, requests}}
create or replace function supasaasy.run_counts(p_run uuid) returns jsonb
language sql stable set search_path = '' as $$
  with own as (
    select resource, jsonb_build_object('created', created, 'updated', updated, 'unchanged', unchanged, 'archived', archived,
      'deleted', deleted, 'stale', stale, 'errors', errors, 'pages', pages, 'requests', requests) as counts
    from supasaasy.tasks where run_id = p_run
    union all
    select c.key, c.value from supasaasy.tasks t, jsonb_each(t.input -> 'children') c where t.run_id = p_run and t.input ? 'children'
  ), named as (
    select resource, k, sum(coalesce((counts ->> k)::bigint, 0)) as n
    from own, unnest(array['created', 'updated', 'unchanged', 'archived', 'deleted', 'stale', 'errors', 'pages', 'requests']) k
    group by resource, k
  )
  select coalesce(jsonb_object_agg(resource, counts), '{}') from (
    select resource, jsonb_object_agg(k, n) as counts from named group by resource) x;
$$;

create or replace function supasaasy.get_run(p_run uuid) returns jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(r) || jsonb_build_object('resources', coalesce(r.resources, supasaasy.run_counts(r.id)),
    'open_tasks', (select count(*) from supasaasy.tasks t where t.run_id = r.id and t.state in ('ready', 'running')),
    'duration_ms', round(extract(epoch from coalesce(r.finished_at, clock_timestamp()) - r.created_at) * 1000)::bigint,
    'passes', (select coalesce(jsonb_agg(jsonb_build_object('resource', p.resource, 'state', p.state, 'note', p.note, 'problem', p.problem) order by p.id), '[]')
      from supasaasy.passes p where p.run_id = r.id))
  from supasaasy.runs r where r.id = p_run;
$$;

-- When the next task of a filter can be claimed, in milliseconds from now; null when there is none.
create or replace function supasaasy.next_task_in(p_filter jsonb default '{}') returns double precision
language plpgsql stable set search_path = '' as $$
#variable_conflict use_column
begin
  return (
  select extract(epoch from min(case t.state when 'ready' then t.not_before else t.lease_until end) - clock_timestamp()) * 1000
  from supasaasy.tasks t
  where t.state in ('ready', 'running')
    and (not p_filter ? 'run_id' or t.run_id = (p_filter ->> 'run_id')::uuid)
    and (not p_filter ? 'urgent' or t.run_id is null)
    and (not p_filter ? 'app_key' or t.app_key = p_filter ->> 'app_key')
    and (not p_filter ? 'apps' or p_filter -> 'apps' ? t.app_key)
    and not exists (select 1 from supasaasy.apps a where a.app_key = t.app_key and a.paused_at is not null)
    -- As in claim_tasks: one that waits for others' lists can not be claimed, so nobody need look again at once.
    and (not t.input ? 'after' or not exists (
      select 1 from supasaasy.tasks b where b.run_id = t.run_id and b.resource = t.input ->> 'after'
        and b.kind = 'list' and b.state in ('ready', 'running')))
    and (not t.input ? 'asked' or not exists (
      select 1 from supasaasy.tasks b where b.pass_id = t.pass_id and b.kind = 'retrieve' and b.state in ('ready', 'running'))));
end $$;

create or replace function supasaasy.cancel_run(p_run uuid, p_reason text) returns boolean
language plpgsql set search_path = '' as $$
begin
  update supasaasy.runs set state = 'cancelled', error = p_reason, finished_at = clock_timestamp(), resources = supasaasy.run_counts(p_run)
  where id = p_run and state = 'running';
  if not found then
    return false;
  end if;
  update supasaasy.tasks set state = 'failed', error = p_reason, finished_at = clock_timestamp(), lease_token = null, lease_until = null
  where run_id = p_run and state in ('ready', 'running');
  update supasaasy.passes set state = 'incomplete', note = p_reason, finished_at = clock_timestamp() where run_id = p_run and state in ('reading', 'sweeping');
  return true;
end $$;

-- `unlisted`: the mirror holds objects of the collection that are in no list.
create or replace function supasaasy.get_sync_state(p_app text) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (
    select coalesce(jsonb_object_agg(s.collection_key, to_jsonb(s) || jsonb_build_object('unlisted', exists (
      select 1 from supasaasy.unlisted u where u.app_key = s.app_key and u.collection_key = s.collection_key))), '{}')
    from supasaasy.sync_state s where s.app_key = p_app);
end $$;

create or replace function supasaasy.pause_app(p_app text, p_reason text) returns void
language sql set search_path = '' as $$
  insert into supasaasy.apps (app_key, name, connector, paused_at, pause_reason) values (p_app, p_app, '', clock_timestamp(), p_reason)
  on conflict (app_key) do update set paused_at = clock_timestamp(), pause_reason = excluded.pause_reason;
$$;

create or replace function supasaasy.resume_app(p_app text) returns boolean
language sql set search_path = '' as $$
  with resumed as (
    update supasaasy.apps set paused_at = null, pause_reason = null where app_key = p_app and paused_at is not null returning 1
  ) select exists (select 1 from resumed);
$$;

-- The database's clock, for workers that measure "when did this request begin" against it.
create or replace function supasaasy.clock() returns timestamptz
language sql volatile set search_path = '' as $$ select clock_timestamp() $$;
