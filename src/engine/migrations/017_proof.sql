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
