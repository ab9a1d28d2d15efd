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
