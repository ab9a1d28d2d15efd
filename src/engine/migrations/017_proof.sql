-- Proof that a mirror equals its source: certificates, what could not be stored, and one row of health per resource.

alter table supasaasy.sync_state add column if not exists deletions_paused_at timestamptz;
alter table supasaasy.sync_state add column if not exists deletions_paused_reason text;
-- What the sweep knew about the resource's list, for the certificate that follows.
alter table supasaasy.passes add column if not exists hides_archived boolean not null default false;
alter table supasaasy.passes add column if not exists children jsonb not null default '[]';
-- What it measured, where nothing was left to be done after it: {at, named, living, digest}.
alter table supasaasy.passes add column if not exists measured jsonb;

-- The last complete pass or audit of each resource: what it counted, what it found, what of that was mended.
create table if not exists supasaasy.certificates (
  app_key        text collate "C" not null,
  collection_key text collate "C" not null,
  resource       text not null,
  kind           text not null check (kind in ('pass', 'audit')),
  run_id         uuid not null,
  began_at       timestamptz not null,
  certified_at   timestamptz not null default clock_timestamp(),
  -- Objects that the source named; null for a nested resource, which is named by its parent.
  source_count   bigint,
  mirror_count   bigint not null,
  -- Sum of the living rows' payload hashes modulo 2^64, in hex: the same for the same rows in any order.
  digest         text not null,
  missing        bigint not null default 0,
  stale          bigint not null default 0,
  extra          bigint not null default 0,
  repaired       bigint not null default 0,
  quarantined    bigint not null default 0,
  -- Nothing that was found is left as it was.
  holds          boolean not null,
  primary key (app_key, collection_key)
);
-- Living rows that are in no list, and that the provider has shown by their ids.
alter table supasaasy.certificates add column if not exists hidden bigint not null default 0;
-- What it rests on (see 033_evidence.sql), how its lists ended ("flag, short page"), and why it does not hold.
alter table supasaasy.certificates add column if not exists evidence jsonb;
alter table supasaasy.certificates add column if not exists ended_by text;
alter table supasaasy.certificates add column if not exists reason text;
alter table supasaasy.certificates enable row level security;
do $$
declare
  name text;
begin
  foreach name in array array['certificates', 'passes', 'tasks', 'inbox', 'quarantine'] loop
    if not exists (select 1 from pg_policies where schemaname = 'supasaasy' and tablename = name and policyname = 'members_read') then
      execute format('create policy members_read on supasaasy.%I for select using (app_key = any ((select supasaasy.readable_app_keys())::text[]))', name);
    end if;
  end loop;
end $$;

create or replace function supasaasy.hex64(p_sum numeric) returns text
language sql immutable set search_path = '' as $$
  select lpad(to_hex((case when v >= 9223372036854775808 then v - 18446744073709551616 else v end)::bigint), 16, '0')
  from (select mod(mod(coalesce(p_sum, 0), 18446744073709551616) + 18446744073709551616, 18446744073709551616) as v) x;
$$;

-- Count and digest of the living rows of a collection that a pass or audit could have shown.
create or replace function supasaasy.measure_rows(p_app text, p_collection text, p_from timestamptz, p_hides_archived boolean, out living bigint, out digest text)
language sql stable set search_path = '' set jit = off as $$
  select count(*), supasaasy.hex64(sum(e.payload_hash)) from supasaasy.entities e
  where e.app_key = p_app and e.collection_key = p_collection and e.deleted_at is null
    and not (p_hides_archived and e.archived_at is not null) and (p_from is null or e.source_created_at >= p_from);
$$;

drop function if exists supasaasy.measure_pass(supasaasy.passes);
drop function if exists supasaasy.measure_pass(supasaasy.passes, boolean, bigint);
-- Holds what a pass saw against the rows, in one reading of both: `named`, the distinct ids; `rowless`, named but not
-- stored; `living`, the rows that it could have shown, and `digest`, the sum of their hashes; `missing`, those of them that
-- it did not name and that nothing has touched since it began; `hidden`, those that it did not name and that are known to be
-- in no list; `doubtful`, the ids of rows that it did not name and that a
-- delivery has touched since it began, though what that told was older than the pass: nothing shows that they lived when
-- it began. Their deletion may lie before the watermark that the run leaves behind, where no incremental run looks.
create or replace function supasaasy.measure_pass(
  p_pass supasaasy.passes, p_hides_archived boolean, p_first_read bigint,
  out named bigint, out rowless bigint, out living bigint, out digest text, out missing bigint, out doubtful jsonb, out hidden bigint
) language plpgsql set search_path = '' set enable_nestloop = off set enable_mergejoin = off set jit = off set work_mem = '16MB' as $$
begin
  select count(s.id), count(*) filter (where s.id is not null and e.external_id is null),
    count(*) filter (where e.shown), supasaasy.hex64(sum(e.payload_hash) filter (where e.shown)),
    count(*) filter (where s.id is null and e.shown and e.observed_at < p_pass.started_at and u.external_id is null),
    jsonb_agg(e.external_id) filter (where s.id is null and e.in_window and e.observed_at >= p_pass.started_at and e.version_until < p_first_read),
    count(*) filter (where s.id is null and e.shown and u.external_id is not null)
  into named, rowless, living, digest, missing, doubtful, hidden
  from (select distinct unnest(p.ids) collate "C" as id from supasaasy.pass_pages p where p.pass_id = p_pass.id) s
  full join (
    select external_id, observed_at, version_until, payload_hash, in_window, in_window and not (p_hides_archived and archived_at is not null) as shown
    from (
      select x.*, x.deleted_at is null and (p_pass.window_from is null or x.source_created_at >= p_pass.window_from) as in_window
      from supasaasy.entities x where x.app_key = p_pass.app_key and x.collection_key = p_pass.collection_key
    ) x
  ) e on e.external_id = s.id
  left join supasaasy.unlisted u on u.app_key = p_pass.app_key and u.collection_key = p_pass.collection_key and u.external_id = e.external_id;
end $$;

-- Called by advance_run, in its transaction, when a run ends: a certificate for every pass that was swept, and one that does
-- not hold for every pass whose answers contradict the description or the mirror. A pass that was only interrupted leaves the
-- certificate of the one before.
create or replace function supasaasy.certify_passes(p_run uuid) returns void
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  pass supasaasy.passes;
  checked jsonb;
  evidence jsonb;
  children jsonb;
  rows record;
  tally record;
  child jsonb;
  waiting bigint;
  child_waiting bigint;
  failed text;
  problem text;
begin
  for pass in select * from supasaasy.passes p where p.run_id = p_run and (p.state in ('swept', 'refused') or p.problem is not null) loop
    children := case when pass.state = 'swept' then pass.children else supasaasy.children_of(pass) end;
    evidence := supasaasy.evidence_of(pass, children);
    -- A complete pass has read every record again: what it did not put back into quarantine is readable by now.
    update supasaasy.quarantine q set resolved_at = clock_timestamp()
    where q.app_key = pass.app_key and q.collection_key = pass.collection_key and q.resolved_at is null
      and q.updated_at < pass.started_at and pass.window_from is null and pass.state = 'swept';
    select count(*) into waiting from supasaasy.quarantine q
    where q.app_key = pass.app_key and q.collection_key = pass.collection_key and q.resolved_at is null;
    checked := coalesce(pass.measured, to_jsonb(supasaasy.measure_pass(pass, pass.hides_archived, null)));
    select coalesce(sum(t.created), 0)::bigint as missing, coalesce(sum(t.updated + t.archived), 0)::bigint as stale,
      coalesce(sum(t.deleted), 0)::bigint as extra into tally
    from supasaasy.tasks t where t.run_id = p_run and t.collection_key = pass.collection_key and t.state = 'done';
    failed := (select t.error from supasaasy.tasks t where t.run_id = p_run and t.collection_key = pass.collection_key and t.state = 'failed' order by t.id limit 1);
    problem := coalesce(pass.problem, case when pass.state = 'refused' then pass.note end, evidence ->> 'problem',
      supasaasy.judge_unnamed(pass, (checked ->> 'named')::bigint, (checked ->> 'living')::bigint),
      case when waiting > 0 then format('%s records are in quarantine', waiting)
        when failed is not null then format('a part of it failed: %s', failed)
        when coalesce((checked ->> 'rowless')::bigint, 0) > 0 then format('%s objects that the list named have no row', checked ->> 'rowless')
        when coalesce((checked ->> 'missing')::bigint, 0) > 0 then format('%s rows are on no page of the list', checked ->> 'missing') end);
    update supasaasy.passes p set problem = evidence ->> 'problem' where p.id = pass.id and p.problem is null and evidence ? 'problem';
    perform supasaasy.certify(pass, 'pass', pass.resource, pass.collection_key, (checked ->> 'named')::bigint, (checked ->> 'living')::bigint, checked ->> 'digest',
      tally.missing, tally.stale, tally.extra, tally.missing + tally.stale + tally.extra, waiting, evidence, problem);
    update supasaasy.certificates set hidden = coalesce((checked ->> 'hidden')::bigint, 0) where app_key = pass.app_key and collection_key = pass.collection_key;
    for child in select value from jsonb_array_elements(children) loop
      select * into rows from supasaasy.measure_rows(pass.app_key, child ->> 'collection', null, false);
      select coalesce(sum(n.created), 0)::bigint as missing, coalesce(sum(n.updated + n.archived), 0)::bigint as stale,
        coalesce(sum(n.deleted), 0)::bigint as extra into tally
      from (
        select t.created, t.updated, t.archived, t.deleted from supasaasy.tasks t where t.run_id = p_run and t.collection_key = child ->> 'collection'
        union all
        select (c ->> 'created')::bigint, (c ->> 'updated')::bigint, (c ->> 'archived')::bigint, (c ->> 'deleted')::bigint
        from supasaasy.tasks t, lateral (select t.input #> array['children', child ->> 'resource'] as c) x where t.run_id = p_run and c is not null
      ) n;
      select count(*) into child_waiting from supasaasy.quarantine q
      where q.app_key = pass.app_key and q.collection_key = child ->> 'collection' and q.resolved_at is null;
      failed := (select t.error from supasaasy.tasks t where t.run_id = p_run and t.state = 'failed'
        and t.collection_key in (pass.collection_key, child ->> 'collection') order by t.id limit 1);
      perform supasaasy.certify(pass, 'pass', child ->> 'resource', child ->> 'collection', null, rows.living, rows.digest,
        tally.missing, tally.stale, tally.extra, tally.missing + tally.stale + tally.extra, child_waiting,
        jsonb_build_object('with', pass.resource, 'ended', evidence -> 'ended', 'nested', evidence #> array['children', child ->> 'resource']),
        case when problem is not null then format('%s, which it comes with, proves nothing: %s', pass.resource, problem)
          when child_waiting > 0 then format('%s records are in quarantine', child_waiting)
          when failed is not null then format('a part of it failed: %s', failed) end);
    end loop;
  end loop;
end $$;

drop function if exists supasaasy.certify(supasaasy.passes, text, text, text, bigint, bigint, text, bigint, bigint, bigint, bigint, bigint, boolean);
-- Writes a certificate. p_reason: why it does not hold; null where there is evidence for all that it claims.
create or replace function supasaasy.certify(
  p_pass supasaasy.passes, p_kind text, p_resource text, p_collection text, p_source bigint, p_mirror bigint, p_digest text,
  p_missing bigint, p_stale bigint, p_extra bigint, p_repaired bigint, p_quarantined bigint, p_evidence jsonb, p_reason text
) returns void
language sql set search_path = '' as $$
  insert into supasaasy.certificates (app_key, collection_key, resource, kind, run_id, began_at, certified_at, source_count, mirror_count, digest,
    missing, stale, extra, repaired, quarantined, holds, evidence, ended_by, reason)
  values (p_pass.app_key, p_collection, p_resource, p_kind, p_pass.run_id, p_pass.started_at,
    coalesce(case when p_collection = p_pass.collection_key then (p_pass.measured ->> 'at')::timestamptz end, clock_timestamp()), p_source, p_mirror, p_digest,
    p_missing, p_stale, p_extra, p_repaired, p_quarantined, p_reason is null and p_evidence is not null, p_evidence,
    (select string_agg(how, ', ' order by how) from jsonb_object_keys(p_evidence -> 'ended') how), p_reason)
  on conflict (app_key, collection_key) do update set resource = excluded.resource, kind = excluded.kind, run_id = excluded.run_id,
    began_at = excluded.began_at, certified_at = excluded.certified_at, source_count = excluded.source_count,
    mirror_count = excluded.mirror_count, digest = excluded.digest, missing = excluded.missing, stale = excluded.stale,
    extra = excluded.extra, repaired = excluded.repaired, quarantined = excluded.quarantined, holds = excluded.holds,
    evidence = excluded.evidence, ended_by = excluded.ended_by, reason = excluded.reason;
  -- What comes nested in it is no better than its list.
  update supasaasy.certificates c set holds = false, reason = format('%s, which it comes with, proves nothing: %s', p_resource, p_reason)
  where p_reason is not null and p_collection = p_pass.collection_key and c.app_key = p_pass.app_key and c.evidence ->> 'with' = p_resource and c.holds;
$$;

-- After a refused sweep nothing of the resource is deleted by absence until a person allows it, or a later pass
-- misses nothing and so shows that the suspicious one was wrong. Null reason: goes on.
create or replace function supasaasy.pause_deletions(p_app text, p_collection text, p_reason text) returns void
language sql set search_path = '' as $$
  insert into supasaasy.sync_state as s (app_key, collection_key, deletions_paused_at, deletions_paused_reason)
  select p_app, p_collection, clock_timestamp(), p_reason where p_reason is not null
  on conflict (app_key, collection_key) do update set
    deletions_paused_at = coalesce(s.deletions_paused_at, excluded.deletions_paused_at), deletions_paused_reason = excluded.deletions_paused_reason;
  update supasaasy.sync_state set deletions_paused_at = null, deletions_paused_reason = null
  where p_reason is null and app_key = p_app and collection_key = p_collection and deletions_paused_at is not null;
$$;

create or replace function supasaasy.deletions_paused(p_app text, p_collection text) returns text
language sql stable set search_path = '' as $$
  select s.deletions_paused_reason from supasaasy.sync_state s
  where s.app_key = p_app and s.collection_key = p_collection and s.deletions_paused_at is not null;
$$;

-- What could not be stored, newest first. p_filter: app_key, collection, ids, resolved (default false), limit, raw.
create or replace function supasaasy.list_quarantine(p_filter jsonb) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(to_jsonb(q) - 'raw' || case when (p_filter ->> 'raw')::boolean then jsonb_build_object('raw', q.raw) else '{}' end order by q.id desc), '[]')
  from (
    select * from supasaasy.quarantine x
    where (not p_filter ? 'app_key' or x.app_key = p_filter ->> 'app_key')
      and (not p_filter ? 'collection' or x.collection_key = p_filter ->> 'collection')
      and (not p_filter ? 'ids' or p_filter -> 'ids' @> to_jsonb(x.id))
      and (coalesce((p_filter ->> 'resolved')::boolean, false) or x.resolved_at is null)
    order by x.id desc limit coalesce((p_filter ->> 'limit')::integer, 1000)
  ) q;
$$;

-- Tries to store one record again from its text, without asking the provider. Its own time of observation is lost, so
-- it never counts as read after what is stored: it wins only by its version.
create or replace function supasaasy.retry_quarantine(p_id bigint, p_spec jsonb, p_purge boolean default false) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  q supasaasy.quarantine;
  result jsonb;
begin
  select * into q from supasaasy.quarantine where id = p_id and resolved_at is null for update;
  if not found then
    return jsonb_build_object('state', 'gone');
  end if;
  perform supasaasy.lock_collections(q.app_key, supasaasy.collections_of(p_spec), false);
  begin
    result := supasaasy.apply_records(q.app_key, p_spec, jsonb_build_array(q.raw::jsonb),
      jsonb_build_object('source', 'read', 'origin', 'quarantine', 'origin_id', q.id::text, 'started_at', '-infinity', 'purge', p_purge),
      coalesce(q.version, 0), coalesce(q.version, 0) + 999);
  exception when data_exception or program_limit_exceeded or integrity_constraint_violation or raise_exception then
    update supasaasy.quarantine set reason = sqlerrm, code = sqlstate, attempts = attempts + 1, updated_at = clock_timestamp() where id = p_id;
    return jsonb_build_object('state', 'refused', 'reason', sqlerrm);
  end;
  update supasaasy.quarantine set resolved_at = clock_timestamp() where id = p_id;
  return (result - array['ids', 'children']) || jsonb_build_object('state', 'stored');
end $$;

create or replace function supasaasy.drop_quarantine(p_ids bigint[]) returns bigint
language sql set search_path = '' as $$
  with dropped as (
    update supasaasy.quarantine set resolved_at = clock_timestamp() where id = any(p_ids) and resolved_at is null returning 1
  ) select count(*) from dropped;
$$;

-- One row per app and resource. A view of what the tables say now; members see their own apps.
-- A view that exists takes new columns at its end only.
create or replace view supasaasy.sync_health with (security_invoker = true) as
with resources as (
  select distinct on (app_key, collection_key) app_key, collection_key, resource
  from (
    select app_key, collection_key, resource, 1 as rank from supasaasy.certificates
    union all select app_key, collection_key, resource, 2 from supasaasy.passes
    union all select app_key, collection_key, collection_key, 3 from supasaasy.sync_state
  ) x order by app_key, collection_key, rank
),
-- How long after a change at the source its row was written: what webhooks brought lately, and what an incremental run found
-- that had changed since the run before it (an hour for the clocks). Not what was read because a whole list was (it says when
-- it was read), what is older (it was missed, or is new to us), what a person had replayed, and what an audit put right.
followed as (
  select r.id, r.id::text as name, r.app_key, extract(epoch from before.began) * 1000 - 3600000 as since
  from supasaasy.runs r
  cross join lateral (
    select max(p.created_at) as began from supasaasy.runs p
    where p.app_key = r.app_key and p.state = 'completed' and p.mode in ('full', 'incremental') and p.created_at < r.created_at
  ) before
  where r.mode = 'incremental' and r.created_at > now() - interval '2 days'
),
-- A clock of the provider that is ahead of ours shows in changes that are written before they happen: the app's most
-- extreme one tells by how much.
recent as (
  select app_key, collection_key, ms - least(min(ms) over (partition by app_key), 0) as ms
  from (
    select c.app_key, c.collection_key, extract(epoch from c.changed_at) * 1000 - c.version as ms
    from (select * from supasaasy.changes order by seq desc limit 10000) c
    left join followed f on c.origin = 'sync' and f.name = c.origin_id
    where c.changed_at > now() - interval '1 day'
      and (c.origin = 'webhook' or c.version >= f.since and not exists (
        select 1 from supasaasy.passes p where p.run_id = f.id and p.collection_key = c.collection_key))
  ) x
),
fresh as (
  select app_key, collection_key, count(*) as measured,
    percentile_disc(array[0.5, 0.95, 0.99]) within group (order by ms) as p
  from recent group by app_key, collection_key
),
failures as (
  select x.app_key, x.collection_key, count(*) as n, max(x.error) as error
  from (
    select t.app_key, c.name as collection_key, t.error, t.created_at
    from supasaasy.tasks t
    cross join lateral (
      select t.collection_key as name where t.collection_key <> '*'
      union all select jsonb_array_elements_text(t.input -> 'collections') where t.collection_key = '*'
    ) c
    where t.state = 'failed'
  ) x
  left join supasaasy.sync_state s on s.app_key = x.app_key and s.collection_key = x.collection_key
  where x.created_at >= coalesce(greatest(s.last_full_at, s.last_incremental_at), '-infinity')
  group by x.app_key, x.collection_key
),
quarantined as (
  select app_key, collection_key, count(*) as n from supasaasy.quarantine where resolved_at is null group by app_key, collection_key
),
inboxes as (
  select app_key, count(*) filter (where state in ('ready', 'running')) as waiting, count(*) filter (where state = 'dead') as dead,
    min(received_at) filter (where state in ('ready', 'running')) as oldest
  from supasaasy.inbox where state in ('ready', 'running', 'dead') group by app_key
)
select r.app_key, r.resource, r.collection_key,
  case when a.paused_at is not null then 'paused'
       when s.deletions_paused_at is not null then 'deletions paused'
       when f.n > 0 then 'failing'
       when s.last_full_at is null and s.last_incremental_at is null and c.certified_at is null then 'never synced'
       when q.n > 0 or c.missing + c.stale + c.extra > c.repaired then 'differs'
       when c.holds is false then 'unproven'
       else 'ok' end as state,
  greatest(s.last_full_at, s.last_incremental_at) as last_success_at, s.last_full_at, s.last_incremental_at,
  to_timestamp(s.watermark / 1000.0) as watermark,
  now() - to_timestamp(s.watermark / 1000.0) as lag,
  fr.measured as freshness_measured,
  make_interval(secs => (fr.p[1] / 1000)::float8) as freshness_p50,
  make_interval(secs => (fr.p[2] / 1000)::float8) as freshness_p95,
  make_interval(secs => (fr.p[3] / 1000)::float8) as freshness_p99,
  coalesce(f.n, 0) as open_failures, f.error as last_error,
  coalesce(q.n, 0) as quarantined,
  coalesce(i.dead, 0) as dead_letters, coalesce(i.waiting, 0) as inbox_waiting, now() - i.oldest as inbox_oldest,
  s.deletions_paused_at, s.deletions_paused_reason, a.paused_at, a.pause_reason,
  c.kind as certified_by, c.certified_at, c.holds as certificate_holds, c.source_count, c.mirror_count, c.digest,
  c.ended_by as certificate_ended_by, c.reason as certificate_reason, c.evidence as certificate_evidence,
  coalesce(c.hidden, 0) as hidden
from resources r
left join supasaasy.apps a on a.app_key = r.app_key
left join supasaasy.sync_state s on s.app_key = r.app_key and s.collection_key = r.collection_key
left join supasaasy.certificates c on c.app_key = r.app_key and c.collection_key = r.collection_key
left join fresh fr on fr.app_key = r.app_key and fr.collection_key = r.collection_key
left join failures f on f.app_key = r.app_key and f.collection_key = r.collection_key
left join quarantined q on q.app_key = r.app_key and q.collection_key = r.collection_key
left join inboxes i on i.app_key = r.app_key
order by r.app_key, r.collection_key;

create or replace function supasaasy.get_health(p_app text default null) returns jsonb
language sql stable set search_path = '' set intervalstyle = 'postgres' as $$
  select coalesce(jsonb_agg(to_jsonb(h)), '[]') from supasaasy.sync_health h where p_app is null or h.app_key = p_app;
$$;
