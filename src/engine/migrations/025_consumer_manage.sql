-- What the configuration declares. New consumers begin where `start` says ('start', 'now', or an instant); known ones
-- keep their place, whatever else changes. With p_all, the configuration's that it no longer has stop holding the feed back.
-- p_consumers: [{name, kind, topic, filter, parallel, max_attempts, ..., start}]; p_all: the list is complete.
create or replace function supasaasy.declare_consumers(p_consumers jsonb, p_all boolean default false) returns json
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  wanted jsonb;
  known boolean;
  made text[] := '{}';
  old supasaasy.consumers;
  position_lost text[] := '{}';
begin
  if p_all then
    update supasaasy.consumers set active = false where active and declared and not exists (
      select 1 from jsonb_array_elements(p_consumers) w where w ->> 'name' = name);
  end if;
  for wanted in select value from jsonb_array_elements(p_consumers) order by value ->> 'name' loop
    select * into old from supasaasy.consumers where name = wanted ->> 'name' for update;
    known := found;
    insert into supasaasy.consumers as c (name, kind, topic, filter, parallel, max_attempts, backoff_ms, backoff_max_ms, on_dead,
      consume_lag_ms, lag_alert_ms, lease_ms, thin, redrive_after_ms, declared)
    values (wanted ->> 'name', coalesce(wanted ->> 'kind', 'changes'), wanted ->> 'topic', coalesce(wanted -> 'filter', '{}'),
      coalesce((wanted ->> 'parallel')::int, 1), coalesce((wanted ->> 'max_attempts')::int, 10), coalesce((wanted ->> 'backoff_ms')::float8, 1000),
      coalesce((wanted ->> 'backoff_max_ms')::float8, 180000), coalesce(wanted ->> 'on_dead', 'skip'),
      coalesce((wanted ->> 'consume_lag_ms')::float8, 0),
      coalesce((wanted ->> 'lag_alert_ms')::float8, 1800000 + coalesce((wanted ->> 'consume_lag_ms')::float8, 0)),
      coalesce((wanted ->> 'lease_ms')::float8, 30000), coalesce((wanted ->> 'thin')::boolean, false),
      (wanted ->> 'redrive_after_ms')::float8, p_all)
    on conflict (name) do update set kind = excluded.kind, topic = excluded.topic, filter = excluded.filter, parallel = excluded.parallel,
      max_attempts = excluded.max_attempts, backoff_ms = excluded.backoff_ms, backoff_max_ms = excluded.backoff_max_ms,
      on_dead = excluded.on_dead, consume_lag_ms = excluded.consume_lag_ms, lag_alert_ms = excluded.lag_alert_ms,
      lease_ms = excluded.lease_ms, thin = excluded.thin,
      redrive_after_ms = excluded.redrive_after_ms, active = true, declared = c.declared or p_all;
    -- Another log has other numbers: the old place means nothing there.
    if not known or old.kind <> coalesce(wanted ->> 'kind', 'changes') or old.topic is distinct from wanted ->> 'topic' then
      perform supasaasy.place_consumer(wanted ->> 'name', coalesce(wanted ->> 'start', 'now'), true);
      made := made || (wanted ->> 'name');
    end if;
  end loop;
  return json_build_object('created', made);
end $$;

-- One lane with everything, at 'start', 'now' or an instant. What was out is out no longer.
create or replace function supasaasy.place_consumer(p_name text, p_to text, p_new boolean default false) returns json
language plpgsql set search_path = '' set jit = off as $$
#variable_conflict use_column
declare
  c supasaasy.consumers;
  snap pg_snapshot;
  instant timestamptz;
  trimmed timestamptz;
  first bigint;
  last bigint;
begin
  -- After the lock, so that nobody takes a page between.
  select * into c from supasaasy.consumers where name = p_name for update;
  select case c.kind when 'changes' then trimmed_until else messages_trimmed_until end into trimmed from supasaasy.feed_state;
  if p_to not in ('start', 'now') then
    begin
      instant := p_to::timestamptz;
    exception when others then
      raise exception '"%" is no place in the feed: say start, now, or an instant like 2026-01-31T12:00:00Z', p_to using errcode = '22023';
    end;
    if instant < trimmed then
      raise exception 'the feed begins at %: entries from % on are no longer there (say "start" for the oldest that is)', trimmed, instant using errcode = 'SY005';
    end if;
  end if;
  insert into supasaasy.consumer_health (consumer) values (p_name) on conflict (consumer) do update set failing_since = null, last_token = null;
  delete from supasaasy.consumer_lanes where consumer = p_name;
  delete from supasaasy.consumer_held where consumer = p_name;
  snap := pg_current_snapshot();
  if p_to = 'now' then
    insert into supasaasy.consumer_lanes (consumer, seen) values (p_name, snap);
  else
    execute format('select min(seq) filter (where at >= $1), max(seq) from %s f where $2 is null or topic = $2', supasaasy.feed_rows(c.kind))
      into first, last using coalesce(instant, '-infinity'), c.topic;
    if first is null then
      insert into supasaasy.consumer_lanes (consumer, seen) values (p_name, case when last is null then '1:1:' else snap end);
    else
      insert into supasaasy.consumer_lanes (consumer, seen, target, seq, last_seq) values (p_name, '1:1:', snap, first - 1, last);
    end if;
  end if;
  return json_build_object('name', p_name, 'to', p_to);
end $$;

-- Moves a consumer to 'start', 'now' or an instant. Nobody who holds changes of it can acknowledge them any more.
create or replace function supasaasy.consumer_seek(p_name text, p_to text) returns json
language plpgsql security definer set search_path = '' as $$
begin
  perform supasaasy.use_consumer(p_name, true);
  return supasaasy.place_consumer(p_name, p_to);
end $$;

-- A paused consumer keeps its place and counts its lag; what is out may still be acknowledged.
create or replace function supasaasy.pause_consumer(p_name text, p_reason text default null) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  perform supasaasy.use_consumer(p_name, true);
  update supasaasy.consumers set paused_at = coalesce(paused_at, clock_timestamp()), pause_reason = p_reason where name = p_name;
  return true;
end $$;

create or replace function supasaasy.resume_consumer(p_name text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  perform supasaasy.use_consumer(p_name, true);
  update supasaasy.consumers set paused_at = null, pause_reason = null where name = p_name;
  update supasaasy.consumer_health set failing_since = null where consumer = p_name;
  return found;
end $$;

create or replace function supasaasy.drop_consumer(p_name text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  perform supasaasy.use_consumer(p_name, true);
  delete from supasaasy.consumers where name = p_name;
  return found;
end $$;

-- What a lane has not taken yet, of the first p_scan entries that it must look at (null: of all). The filter is asked once for each
-- kind of entry, not for each entry: a million that nobody wants took six seconds.
create or replace function supasaasy.unread_of(p_consumer supasaasy.consumers, p_lane supasaasy.consumer_lanes, p_scan bigint default null,
  out entries bigint, out first_seq bigint, out oldest_at timestamptz, out scanned bigint)
language plpgsql stable set search_path = '' set jit = off set enable_seqscan = off as $$
begin
  execute format($q$
    with looked as (
      select f.seq, f.at, f.apps, f.collections, f.kind, f.type from (
        select * from %1$s a where xid >= pg_snapshot_xmax($1)
        union all
        select * from %1$s b where xid = any(array(select pg_snapshot_xip($1)))) f
      where not coalesce(pg_visible_in_snapshot(f.xid, $2) and f.seq <= $3, false)
        and ($4 = -1 or ($4 >> supasaasy.partition_of(f.entity)) & 1 = 1) and ($5 is null or f.topic = $5)
      limit $7
    ), kinds as (
      select count(*) as n, min(seq) as seq, min(at) as at, apps, collections, kind, type from looked group by apps, collections, kind, type
    )
    select coalesce(sum(n) filter (where wanted), 0), min(seq) filter (where wanted), min(at) filter (where wanted), coalesce(sum(n), 0)
    from (select k.*, $6 = '{}'::jsonb or supasaasy.feed_matches($6, k.apps, k.collections, k.kind, k.type) as wanted from kinds k) w $q$,
    supasaasy.feed_rows(p_consumer.kind))
    into entries, first_seq, oldest_at, scanned
    using p_lane.seen, p_lane.target, p_lane.seq, p_lane.partitions, p_consumer.topic, p_consumer.filter, p_scan;
end $$;

-- How far behind, in changes (counted up to p_cap; of a consumer with a filter, in ten times as many) and in seconds since
-- the oldest of them. Also while nobody reads.
create or replace function supasaasy.consumer_lag(p_name text, p_cap integer default 100000) returns json
language plpgsql security definer set search_path = '' set jit = off as $$
#variable_conflict use_column
declare
  c supasaasy.consumers;
  lane supasaasy.consumer_lanes;
  part record;
  room bigint;
  cut boolean := false;
  total bigint := 0;
  lane_oldest timestamptz;
  oldest timestamptz;
  waiting bigint[];
  flying bigint;
begin
  c := supasaasy.use_consumer(p_name);
  for lane in select * from supasaasy.consumer_lanes where consumer = p_name loop
    room := greatest(0, p_cap - total) * case when c.filter = '{}'::jsonb then 1 else 10 end;
    select u.* into part from supasaasy.unread_of(c, lane, room) u;
    total := total + part.entries;
    cut := cut or part.scanned >= room;
    oldest := least(oldest, part.oldest_at);
    waiting := waiting || lane.pending;
  end loop;
  waiting := waiting || array(select s from supasaasy.consumer_held h cross join lateral unnest(h.seqs) s where h.consumer = p_name and not h.blocked);
  total := total + cardinality(waiting);
  execute format('select min(at) from unnest($1) s cross join lateral (select at from %s f where f.seq = s limit 1) x', supasaasy.feed_rows(c.kind))
    into lane_oldest using waiting;
  oldest := least(oldest, lane_oldest);
  return json_build_object('changes', least(total, p_cap), 'more', cut or total >= p_cap,
    'seconds', coalesce(greatest(0, extract(epoch from clock_timestamp() - oldest)), 0)::float8,
    'late', coalesce(extract(epoch from clock_timestamp() - oldest) * 1000 > c.lag_alert_ms, false));
end $$;

-- Is there something for a consumer of the configuration to do now? Those that others read over HTTP or in SQL are not
-- asked about: no worker of ours would work for them.
create or replace function supasaasy.consumers_wait() returns boolean
language plpgsql stable set search_path = '' set jit = off set enable_seqscan = off set enable_bitmapscan = off as $$
#variable_conflict use_column
declare
  c supasaasy.consumers;
  lane supasaasy.consumer_lanes;
  clock timestamptz := clock_timestamp();
  news boolean;
begin
  for c in select * from supasaasy.consumers where declared and active and paused_at is null loop
    if exists (select 1 from supasaasy.consumer_held where consumer = c.name and not blocked and not_before <= clock
      and (token is null or lease_until <= clock)) then
      return true;
    end if;
    if c.redrive_after_ms is not null and exists (select 1 from supasaasy.dead_letters where consumer = c.name and state = 'dead'
      and created_at <= clock - make_interval(secs => c.redrive_after_ms / 1000)) then
      return true;
    end if;
    for lane in select * from supasaasy.consumer_lanes where consumer = c.name loop
      if cardinality(lane.pending) > 0 then
        continue when lane.token is not null and lane.lease_until > clock;
        return true;
      end if;
      execute format($q$ select $2 is not null or exists (select 1 from supasaasy.%1$I where xid >= pg_snapshot_xmax($1))
        or exists (select 1 from supasaasy.%1$I where xid = any(array(select pg_snapshot_xip($1)))) $q$, c.kind)
        into news using lane.seen, lane.target;
      if news then
        return true;
      end if;
    end loop;
  end loop;
  return false;
end $$;

-- Everything about one consumer (null: about each), for `consumers list|show`, metrics and alerts.
create or replace function supasaasy.consumer_status(p_name text default null) returns json
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
begin
  if p_name is not null then
    perform supasaasy.use_consumer(p_name);
  elsif not supasaasy.may_use_all() then
    raise exception 'the role "%" may not see all consumers: name one', supasaasy.calling_role() using errcode = '42501';
  end if;
  return (select coalesce(json_agg(json_build_object(
      'name', c.name, 'kind', c.kind, 'topic', c.topic, 'filter', c.filter, 'parallel', c.parallel, 'max_attempts', c.max_attempts,
      'on_dead', c.on_dead, 'consume_lag_ms', c.consume_lag_ms, 'lag_alert_ms', c.lag_alert_ms, 'active', c.active,
      'paused_at', c.paused_at, 'pause_reason', c.pause_reason, 'failing_since', (select failing_since from supasaasy.consumer_health h where h.consumer = c.name), 'lost', c.lost,
      'lag', supasaasy.consumer_lag(c.name),
      'in_flight', (select coalesce(sum(cardinality(flight)), 0) from supasaasy.consumer_lanes l where l.consumer = c.name)
        + (select coalesce(sum(cardinality(flight)), 0) from supasaasy.consumer_held h where h.consumer = c.name),
      'readers', (select count(distinct token) from supasaasy.consumer_lanes l where l.consumer = c.name and lease_until > clock_timestamp()),
      'held', (select count(*) from supasaasy.consumer_held h where h.consumer = c.name and not blocked),
      'blocked', (select count(*) from supasaasy.consumer_held h where h.consumer = c.name and blocked),
      'dead_letters', (select count(*) from supasaasy.dead_letters d where d.consumer = c.name and d.state = 'dead'),
      'stats', (select coalesce(json_agg(json_build_object('type', s.type, 'processed', s.processed, 'errors', s.errors, 'dead', s.dead,
        'seconds', s.seconds, 'buckets', s.buckets) order by s.type), '[]') from supasaasy.consumer_stats s where s.consumer = c.name)
    ) order by c.name), '[]')
    from supasaasy.consumers c where p_name is null or c.name = p_name);
end $$;

create or replace function supasaasy.list_dead_letters(p_name text, p_limit integer default 100, p_before bigint default null) returns json
language plpgsql security definer set search_path = '' as $$
begin
  perform supasaasy.use_consumer(p_name);
  return (select coalesce(json_agg(json_build_object('id', d.id, 'seq', d.seq, 'entity', d.entity, 'error', d.error, 'attempts', d.attempts,
      'created_at', d.created_at, 'change', d.change) order by d.id desc), '[]')
    from (select * from supasaasy.dead_letters where consumer = p_name and state = 'dead' and (p_before is null or id < p_before)
      order by id desc limit least(p_limit, 1000)) d);
end $$;

-- Once more, as if for the first time: the dead letters of p_ids, or of one entity, or all. Under `block` the entity
-- goes on where it stopped; under `skip` its later changes have passed meanwhile, and the redriven one comes after them.
create or replace function supasaasy.redrive_dead_letters(p_name text, p_ids bigint[] default null, p_entity text default null) returns integer
language plpgsql security definer set search_path = '' as $$
begin
  perform supasaasy.use_consumer(p_name, true);
  return supasaasy.redrive(p_name, p_ids, p_entity, null);
end $$;

-- p_until: only those that were given up by then.
create or replace function supasaasy.redrive(p_name text, p_ids bigint[], p_entity text, p_until timestamptz) returns integer
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  letter supasaasy.dead_letters;
  n integer := 0;
begin
  for letter in
    select * from supasaasy.dead_letters
    where consumer = p_name and state = 'dead' and (p_ids is null or id = any(p_ids)) and (p_entity is null or entity = p_entity)
      and (p_until is null or created_at <= p_until)
    order by seq for update
  loop
    insert into supasaasy.consumer_held as h (consumer, entity, seqs, not_before) values (p_name, letter.entity, array[letter.seq], clock_timestamp())
    on conflict (consumer, entity) do update set blocked = false,
      attempts = case when h.token is null then 0 else h.attempts end,
      not_before = case when h.token is null then clock_timestamp() else h.not_before end,
      -- What is out keeps its place at the head.
      seqs = case when letter.seq = any(h.seqs) then h.seqs
        else h.flight || array(select s from unnest(letter.seq || h.seqs[cardinality(h.flight) + 1:]) s order by s) end;
    update supasaasy.dead_letters set state = 'redriven', redriven_at = clock_timestamp() where id = letter.id;
    n := n + 1;
  end loop;
  return n;
end $$;

-- True the first time that a consumer says it of this key. In the transaction of what is done once.
create or replace function supasaasy.remember_once(p_consumer text, p_key text) returns boolean
language plpgsql set search_path = '' as $$
begin
  insert into supasaasy.consumer_receipts (consumer, key) values (p_consumer, p_key) on conflict do nothing;
  return found;
end $$;
