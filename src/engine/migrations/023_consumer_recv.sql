-- The functions of the feed run as their owner, so `current_user` says nothing. Who called is the role that was set
-- (PostgREST sets one for each request), or else whoever logged in.
create or replace function supasaasy.calling_role() returns name
language sql stable set search_path = '' as $$
  select coalesce(nullif(current_setting('role', true), 'none'), session_user)::name;
$$;

-- The owner, the service role, and who inherits from them. Nobody else, whatever they are called.
create or replace function supasaasy.may_use_all() returns boolean
language sql stable set search_path = '' as $$
  select pg_has_role(supasaasy.calling_role(), (select nspowner from pg_catalog.pg_namespace where nspname = 'supasaasy'), 'USAGE')
    or coalesce(pg_has_role(supasaasy.calling_role(), to_regrole('service_role'), 'USAGE'), false);
$$;

-- A user's id is a setting that anybody may make. It is believed of a session that could be the service role as well,
-- which is what PostgREST's is.
create or replace function supasaasy.may_use(p_name text, p_seek boolean) returns boolean
language sql stable set search_path = '' as $$
  select supasaasy.may_use_all() or exists (
    select from supasaasy.consumer_grants g
    where g.consumer = p_name and (g.may_seek or not p_seek) and case
      when g.role_name is not null then pg_has_role(supasaasy.calling_role(), to_regrole(quote_ident(g.role_name)), 'USAGE')
      else g.user_id = supasaasy.current_user_id() and pg_has_role(session_user, to_regrole('service_role'), 'MEMBER') end);
$$;

create or replace function supasaasy.use_consumer(p_name text, p_seek boolean default false) returns supasaasy.consumers
language plpgsql stable set search_path = '' as $$
declare
  c supasaasy.consumers;
begin
  if not supasaasy.may_use(p_name, p_seek) then
    raise exception 'the role "%" may not use the consumer "%"', supasaasy.calling_role(), p_name using errcode = '42501',
      hint = 'an administrator adds a row to supasaasy.consumer_grants, for a user or a role';
  end if;
  select * into c from supasaasy.consumers where name = p_name;
  if not found then
    raise exception 'there is no consumer "%" (consumers: %)', p_name,
      coalesce((select string_agg(name, ', ' order by name) from supasaasy.consumers), 'none') using errcode = 'SY004';
  end if;
  return c;
end $$;

-- Decides what a reader gets next, up to p_limit changes, under a new token. Without changes, `token` is null.
drop function if exists supasaasy.consumer_take(text, integer, double precision);
create function supasaasy.consumer_take(p_name text, p_limit integer, p_lease_ms double precision,
  out kind text, out thin boolean, out token bigint, out lease_ms double precision, out seqs bigint[], out attempts integer[],
  out wait_ms double precision, out paused boolean, out busy boolean)
language plpgsql set search_path = '' set jit = off as $$
#variable_conflict use_column
declare
  c supasaasy.consumers;
  clock timestamptz;
  new_token bigint;
  until timestamptz;
  readers integer;
  share integer;
  room integer;
  budget integer := greatest(1, least(coalesce(p_limit, 100), 1000));
  lane supasaasy.consumer_lanes;
  held supasaasy.consumer_held;
  taken bigint[];
  snap pg_snapshot;
  page record;
  suspicious boolean := false;
  next_at timestamptz;
  ripe_at timestamptz;
  idle_lanes bigint[] := '{}';
  more boolean := false;
begin
  perform supasaasy.use_consumer(p_name);
  seqs := '{}';
  attempts := '{}';
  if supasaasy.feed_is_from_elsewhere() then
    perform supasaasy.restamp_feed();
  end if;
  -- One reader at a time decides who gets what; acknowledging does not wait for this.
  select * into c from supasaasy.consumers where name = p_name for no key update;
  clock := clock_timestamp();
  kind := c.kind;
  thin := c.thin;
  if c.paused_at is not null then
    paused := true;
    return;
  end if;
  select count(distinct t) into readers from (
    select token as t from supasaasy.consumer_lanes where consumer = p_name and lease_until > clock
    union all select token from supasaasy.consumer_held where consumer = p_name and lease_until > clock) x;
  if readers >= c.parallel then
    busy := true;
    return;
  end if;
  lease_ms := coalesce(p_lease_ms, c.lease_ms);
  until := clock + make_interval(secs => lease_ms / 1000);
  share := (64 + c.parallel - 1) / c.parallel;
  room := share;
  new_token := nextval('supasaasy.lease_tokens');

  -- 1. What was out and never answered comes first. After two silent ends in a row, one change alone, so that the one
  -- that kills its readers is found, and given up like any other after max_attempts.
  for lane in
    select * from supasaasy.consumer_lanes
    where consumer = p_name and cardinality(pending) > 0 and (token is null or lease_until <= clock)
    -- One that is being answered right now is none of these.
    order by (crashes + (token is not null)::int >= 3), id for update skip locked
  loop
    -- An answer may have come while we waited for the row.
    continue when cardinality(lane.pending) = 0 or (lane.token is not null and lane.lease_until > clock);
    lane.crashes := lane.crashes + (lane.token is not null)::int;
    exit when suspicious or budget <= 0 or room <= 0 or (lane.crashes >= 3 and cardinality(seqs) > 0);
    if lane.crashes >= c.max_attempts then
      perform supasaasy.bury_change(c, lane.pending[1], lane.crashes, 'it was handed out ' || lane.crashes || ' times and nobody answered');
      lane.pending := lane.pending[2:];
      lane.crashes := 0;
      update supasaasy.consumer_lanes set pending = lane.pending, flight = '{}', token = null, lease_until = null, crashes = 0 where id = lane.id;
      continue when cardinality(lane.pending) = 0;
    end if;
    taken := case when lane.crashes >= 3 then lane.pending[1:1] else lane.pending[1:budget] end;
    suspicious := lane.crashes >= 3;
    update supasaasy.consumer_lanes set token = new_token, lease_until = until, crashes = lane.crashes, flight = taken where id = lane.id;
    seqs := seqs || taken;
    attempts := attempts || array_fill(lane.crashes + 1, array[cardinality(taken)]);
    budget := budget - cardinality(taken);
    room := room - bit_count(lane.partitions::bit(64))::integer;
  end loop;

  -- 2. Entities that failed and whose time has come, dead letters among them where that is wished for.
  if c.redrive_after_ms is not null then
    perform supasaasy.redrive(p_name, null, null, clock - make_interval(secs => c.redrive_after_ms / 1000));
    -- They are due from now on.
    clock := clock_timestamp();
  end if;
  if not suspicious and budget > 0 then
    for held in
      select * from supasaasy.consumer_held
      where consumer = p_name and not blocked and not_before <= clock and (token is null or lease_until <= clock)
      order by not_before limit budget for update skip locked
    loop
      exit when budget <= 0;
      if held.token is not null then
        held.attempts := held.attempts + 1;
        if held.attempts >= c.max_attempts then
          perform supasaasy.give_up(c, held, 'it was handed out ' || held.attempts || ' times and nobody answered');
          continue;
        end if;
      end if;
      taken := held.seqs[1:budget];
      update supasaasy.consumer_held set token = new_token, lease_until = until, flight = taken, attempts = held.attempts
      where consumer = p_name and entity = held.entity;
      seqs := seqs || taken;
      attempts := attempts || (held.attempts + 1) || array_fill(1, array[cardinality(taken) - 1]);
      budget := budget - cardinality(taken);
    end loop;
  end if;

  -- 3. New ones, from the lane that is furthest behind.
  if not suspicious and budget > 0 and room > 0 then
    perform supasaasy.join_lanes(p_name);
    snap := pg_current_snapshot();
    for lane in
      select * from supasaasy.consumer_lanes where consumer = p_name and token is null and cardinality(pending) = 0
      order by pg_snapshot_xmax(seen), target is null, seq
    loop
      exit when budget <= 0 or room <= 0;
      select * into page from supasaasy.take_page(c, lane, snap, clock, until, new_token, budget, room);
      if page.idle then
        idle_lanes := idle_lanes || lane.id;
      end if;
      seqs := seqs || page.seqs;
      attempts := attempts || array_fill(1, array[cardinality(page.seqs)]);
      budget := budget - cardinality(page.seqs);
      room := room - page.partitions;
      ripe_at := least(ripe_at, page.ripe_at);
      more := more or page.more;
    end loop;
    -- Lanes that wait for news at different places stand at the same place.
    if cardinality(idle_lanes) > 1 then
      update supasaasy.consumer_lanes set seen = snap where id = any(idle_lanes);
    end if;
  end if;

  if cardinality(seqs) = 0 then
    select min(case when token is not null then greatest(not_before, lease_until) else not_before end) into next_at
    from supasaasy.consumer_held where consumer = p_name and not blocked;
    select least(next_at, min(lease_until)) into next_at from supasaasy.consumer_lanes where consumer = p_name and token is not null;
    next_at := least(next_at, ripe_at);
    if c.redrive_after_ms is not null then
      select least(next_at, min(created_at) + make_interval(secs => c.redrive_after_ms / 1000)) into next_at
      from supasaasy.dead_letters where consumer = p_name and state = 'dead';
    end if;
    -- Without the case, "nothing is due" would read as "at once": greatest() passes over nulls.
    -- Unwanted entries only so far, and others behind them: at once.
    wait_ms := case when more then 0 when next_at is not null then greatest(0, ceil(extract(epoch from next_at - clock_timestamp()) * 1000)) end;
    return;
  end if;
  token := new_token;
  wait_ms := 0;
end $$;

-- Takes up to p_limit changes under a new token. They come again unless consumer_ack is called with that token
-- before the lease ends; consumer_extend makes the lease longer, consumer_nack gives one back.
--
-- Returns {token, lease_ms, changes: [...], wait_ms}; without changes `token` is null and `wait_ms` tells when to look
-- again at the latest (null: whenever you like).
create or replace function supasaasy.consumer_recv(p_name text, p_limit integer default 100, p_lease_ms double precision default null) returns json
language plpgsql security definer set search_path = '' set jit = off as $$
declare
  b record;
begin
  select * into b from supasaasy.consumer_take(p_name, p_limit, p_lease_ms);
  if b.token is null then
    return supasaasy.empty_batch(b.wait_ms, b.paused, b.busy);
  end if;
  return json_build_object('token', b.token, 'lease_ms', b.lease_ms, 'changes', supasaasy.render_taken(p_name, b.kind, b.thin, b.token, b.seqs, b.attempts),
    'wait_ms', b.wait_ms);
end $$;

-- The same for those who can read rows: a change a row, and `batch` in the last one. What is not all in the feed or not
-- of the mirror (messages, copies of dead letters) has no rows: there `batch` is all that consumer_recv answers. In rows,
-- a thousand changes of 1 KB cost PostgreSQL 12 ms, as one JSON 28, and the client parses less.
drop function if exists supasaasy.consumer_recv_rows(text, integer, double precision);
create function supasaasy.consumer_recv_rows(p_name text, p_limit integer default 100, p_lease_ms double precision default null)
returns table (seq bigint, id text, foreign_id text, type text, app_key text, collection_key text, external_id text, operation text,
  origin text, origin_id text, version text, created_at text, before jsonb, after jsonb, changed_fields text[], attempt integer, batch json)
language plpgsql security definer set search_path = '' set jit = off as $$
#variable_conflict use_column
declare
  b record;
  delivered bigint := 0;
begin
  select * into b from supasaasy.consumer_take(p_name, p_limit, p_lease_ms);
  if b.token is null then
    batch := supasaasy.empty_batch(b.wait_ms, b.paused, b.busy);
    return next;
    return;
  end if;
  if b.kind = 'changes' then
    return query select d.*, null::json from supasaasy.delivered_changes(b.seqs, b.attempts, b.thin) d;
    get diagnostics delivered = row_count;
  end if;
  batch := case when delivered = cardinality(b.seqs) then json_build_object('token', b.token, 'lease_ms', b.lease_ms, 'wait_ms', b.wait_ms)
    else json_build_object('token', b.token, 'lease_ms', b.lease_ms, 'changes', supasaasy.render_taken(p_name, b.kind, b.thin, b.token, b.seqs, b.attempts),
      'wait_ms', b.wait_ms) end;
  return next;
end $$;

create or replace function supasaasy.empty_batch(p_wait_ms double precision, p_paused boolean, p_busy boolean) returns json
language sql immutable set search_path = '' as $$
  select (jsonb_build_object('token', null, 'changes', '[]'::jsonb, 'wait_ms', p_wait_ms)
    || jsonb_strip_nulls(jsonb_build_object('paused', p_paused, 'busy', p_busy)))::json;
$$;

create or replace function supasaasy.render_taken(p_name text, p_kind text, p_thin boolean, p_token bigint, p_seqs bigint[], p_attempts integer[]) returns json
language plpgsql set search_path = '' as $$
declare
  r record;
begin
  if p_kind = 'changes' then
    r := supasaasy.render_changes(p_seqs, p_attempts, p_thin);
  else
    r := supasaasy.render_messages(p_seqs, p_attempts, p_thin);
  end if;
  if r.entries < cardinality(p_seqs) then
    return supasaasy.render_rest(p_name, p_token, p_seqs, r.rendered, p_attempts);
  end if;
  return r.rendered;
end $$;

-- Free lanes at one place are one lane.
create or replace function supasaasy.join_lanes(p_name text) returns void
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  same record;
begin
  if (select count(*) from supasaasy.consumer_lanes where consumer = p_name and token is null and cardinality(pending) = 0) < 2 then
    return;
  end if;
  for same in
    select array_agg(id order by id) as ids, bit_or(partitions) as partitions
    from supasaasy.consumer_lanes where consumer = p_name and token is null and cardinality(pending) = 0
    group by seen::text, coalesce(target::text, ''), seq, last_seq having count(*) > 1
  loop
    delete from supasaasy.consumer_lanes where id = any(same.ids[2:]);
    update supasaasy.consumer_lanes set partitions = same.partitions where id = same.ids[1];
  end loop;
end $$;

-- The next changes of one free lane: at most p_budget, of at most p_room partitions. Splits the lane when others could
-- take the rest. `idle`: there was nothing new at all; `more`: it stopped before the end of what there is.
drop function if exists supasaasy.take_page(supasaasy.consumers, supasaasy.consumer_lanes, pg_snapshot, timestamptz, timestamptz, bigint, integer, integer);
create function supasaasy.take_page(
  p_consumer supasaasy.consumers, p_lane supasaasy.consumer_lanes, p_now pg_snapshot, p_clock timestamptz, p_until timestamptz,
  p_token bigint, p_budget integer, p_room integer,
  out seqs bigint[], out partitions integer, out idle boolean, out more boolean, out ripe_at timestamptz
) language plpgsql set search_path = '' set jit = off
-- Along the numbers, stopping as soon as there is enough: any other order would read and sort the whole window a page.
set enable_seqscan = off set enable_bitmapscan = off as $$
#variable_conflict use_variable
declare
  scan_limit constant integer := 5000;
  lane supasaasy.consumer_lanes := p_lane;
  window_sql text;
  -- Of a sparse window: the numbers that are looked at now, and the last of them when there are others behind.
  chunk bigint[];
  bound bigint;
  plain boolean;
  entry record;
  entries bigint;
  first bigint;
  last bigint;
  scanned integer := 0;
  reached bigint;
  stopped boolean := false;
  chosen bigint := 0;
  left_out boolean := false;
  bit bigint;
  has_held boolean;
  share integer;
  aside boolean;
  ripe timestamptz := p_clock - make_interval(secs => p_consumer.consume_lag_ms / 1000);
begin
  seqs := '{}'; partitions := 0; idle := false; more := false;
  if lane.target is null then
    -- A new window: what is visible now and was not then. That is exactly what has an id from then's end on, or was
    -- under way then, so that a transaction that stays open for hours makes nobody read the hours again.
    execute format($q$
      select count(*), min(seq), max(seq) from (
        select seq from supasaasy.%1$I where xid >= pg_snapshot_xmax($1) and xid < pg_snapshot_xmax($2) and pg_visible_in_snapshot(xid, $2)
        union all
        select seq from supasaasy.%1$I where xid = any(array(select pg_snapshot_xip($1))) and pg_visible_in_snapshot(xid, $2)) w $q$, p_consumer.kind)
      into entries, first, last using lane.seen, p_now;
    if entries = 0 then
      idle := true;
      return;
    end if;
    lane.target := p_now; lane.seq := first - 1; lane.last_seq := last;
    lane.sparse := last - first + 1 > 4 * entries + 1000;
  end if;

  has_held := exists (select 1 from supasaasy.consumer_held h where h.consumer = p_consumer.name);
  -- Nothing to decide about each entry: everything is wanted, at any age, from any partition, and none waits for another.
  plain := not has_held and p_room >= 64 and p_consumer.consume_lag_ms = 0 and p_consumer.filter = '{}'::jsonb;
  reached := lane.seq;
  if lane.sparse then
    execute format($q$ select array(select w.seq from (
        select seq from supasaasy.%1$I where xid >= pg_snapshot_xmax($1) and xid < pg_snapshot_xmax($2) and pg_visible_in_snapshot(xid, $2)
        union all
        select seq from supasaasy.%1$I where xid = any(array(select pg_snapshot_xip($1))) and pg_visible_in_snapshot(xid, $2)) w
        where w.seq > $3 order by w.seq limit %2$s) $q$, p_consumer.kind, scan_limit)
      into chunk using lane.seen, lane.target, lane.seq;
    -- Few of these may be of the consumer's topic or the lane's partitions; that is not the end of the window.
    bound := chunk[scan_limit];
  end if;
  window_sql := format($q$
      select f.seq, f.entity, f.at, 1::bigint << supasaasy.partition_of(f.entity) as bit,
        $7 = '{}'::jsonb or supasaasy.feed_matches($7, f.apps, f.collections, f.kind, f.type) as wanted
      from %s f where %s and f.seq > $3 and f.seq <= $4 and ($8 is null or f.topic = $8)
        and ($5 = -1 or ($5 >> supasaasy.partition_of(f.entity)) & 1 = 1)
      order by f.seq limit %s $q$, supasaasy.feed_rows(p_consumer.kind),
      case when lane.sparse then 'f.seq = any($6)' else 'not pg_visible_in_snapshot(f.xid, $1) and pg_visible_in_snapshot(f.xid, $2)' end,
      case when plain then p_budget else scan_limit end);
  if plain then
    -- In one statement: entry by entry took a tenth of a reader's time.
    execute format('select coalesce(array_agg(seq), ''{}''), coalesce(bit_or(bit), 0), coalesce(max(seq), $3) from (%s) w', window_sql)
      into seqs, chosen, reached
      using lane.seen, lane.target, lane.seq, lane.last_seq, lane.partitions, chunk, p_consumer.filter, p_consumer.topic;
    partitions := bit_count(chosen::bit(64))::integer;
    scanned := cardinality(seqs);
    stopped := scanned >= p_budget;
  else
    for entry in execute window_sql
      using lane.seen, lane.target, lane.seq, lane.last_seq, lane.partitions, chunk, p_consumer.filter, p_consumer.topic
    loop
      if entry.at > ripe then
        stopped := true;
        ripe_at := entry.at + make_interval(secs => p_consumer.consume_lag_ms / 1000);
        exit;
      end if;
      scanned := scanned + 1;
      if entry.wanted then
        if chosen & entry.bit = 0 then
          if partitions >= p_room then
            left_out := true;
            continue;
          end if;
          chosen := chosen | entry.bit;
          partitions := partitions + 1;
        end if;
        aside := false;
        if has_held then
          -- Behind its own failure, and nobody else's. Asked by the update itself: whoever looked first would lose the
          -- change when the last one that was held is acknowledged in between.
          update supasaasy.consumer_held h set seqs = h.seqs || entry.seq where h.consumer = p_consumer.name and h.entity = entry.entity;
          aside := found;
        end if;
        if not aside then
          seqs := seqs || entry.seq;
        end if;
      end if;
      reached := entry.seq;
      if cardinality(seqs) >= p_budget then
        stopped := true;
        exit;
      end if;
    end loop;
  end if;
  if scanned >= scan_limit then
    stopped := true;
  end if;
  if bound is not null and not stopped then
    stopped := true;
    reached := bound;
  end if;
  more := stopped and ripe_at is null;
  if ripe_at is not null and scanned = 0 then
    -- Too young: the window stays as it is, at no cost.
    return;
  end if;

  -- What is not ours to take now stays free for others: partitions with changes of their own where they are, and
  -- without (there is more in the lane than one reader's share) where we are.
  share := (64 + p_consumer.parallel - 1) / p_consumer.parallel;
  for p in 0 .. 63 loop
    exit when left_out or cardinality(seqs) = 0 or partitions >= least(p_room, share);
    bit := 1::bigint << p;
    if lane.partitions & bit <> 0 and chosen & bit = 0 then
      chosen := chosen | bit;
      partitions := partitions + 1;
    end if;
  end loop;
  if left_out or (cardinality(seqs) > 0 and lane.partitions <> chosen) then
    insert into supasaasy.consumer_lanes (consumer, partitions, seen, target, seq, last_seq, sparse)
    values (lane.consumer, lane.partitions & ~chosen, case when stopped or left_out then lane.seen else lane.target end,
      case when stopped or left_out then lane.target end, case when left_out then lane.seq when stopped then reached else 0 end,
      case when stopped or left_out then lane.last_seq else 0 end, (stopped or left_out) and lane.sparse);
    lane.partitions := chosen;
  end if;
  update supasaasy.consumer_lanes l set
    partitions = lane.partitions, seen = case when stopped then lane.seen else lane.target end, target = case when stopped then lane.target end,
    seq = case when stopped then reached else 0 end, last_seq = case when stopped then lane.last_seq else 0 end, sparse = stopped and lane.sparse,
    pending = seqs, flight = seqs, token = case when cardinality(seqs) > 0 then p_token end,
    lease_until = case when cardinality(seqs) > 0 then p_until end, crashes = 0
  where l.id = lane.id;
  if cardinality(seqs) = 0 then
    partitions := 0;
  end if;
end $$;

-- Some of what was taken is no longer in the feed: a dead letter has its own copy; anything else counts as lost.
create or replace function supasaasy.render_rest(
  p_name text, p_token bigint, p_seqs bigint[], p_rendered json, p_attempts integer[]
) returns json
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  missing bigint[] := array(select s from unnest(p_seqs) s except select (r ->> 'seq')::bigint from json_array_elements(p_rendered) r);
  gone bigint[];
  result json;
begin
  select array(select s from unnest(missing) s except select seq from supasaasy.dead_letters where consumer = p_name) into gone;
  select coalesce(json_agg(r order by array_position(p_seqs, (r ->> 'seq')::bigint)), '[]') into result from (
    select r from json_array_elements(p_rendered) r
    union all
    -- The copy says how often it had been tried. As json: jsonb would refuse a body with U+0000.
    select (select json_object_agg(k.key, case k.key when 'attempt' then to_json(p_attempts[array_position(p_seqs, d.seq)]) else k.value end)
      from json_each(d.change) k)
    from supasaasy.dead_letters d where d.consumer = p_name and d.seq = any(missing)
  ) x(r);
  if cardinality(gone) > 0 then
    update supasaasy.consumers set lost = lost + cardinality(gone) where name = p_name;
    perform supasaasy.settle(p_name, p_token, gone);
  end if;
  return result;
end $$;
