-- After every statement that wrote changes or messages: wakes whoever listens, and notices a restored database.

-- A dump that was restored into a younger cluster brings transaction ids that this cluster has not reached yet: the
-- feed's order by transactions would hide new changes behind old ones. Positions are translated into plain numbers
-- (what was not acknowledged stays so), and every entry gets an id that lies before all others.
create or replace function supasaasy.restamp_feed() returns boolean
language plpgsql security definer set search_path = '' set jit = off as $$
declare
  clock_xid xid8;
  own_xid xid8 := pg_current_xact_id_if_assigned();
  lane record;
  source text;
  top bigint;
  last bigint;
  unread bigint[];
begin
  -- Writers wait here before they commit, so that nothing new is mistaken for something old.
  perform pg_advisory_xact_lock(hashtextextended('supasaasy:restamp', 0));
  if not supasaasy.feed_is_from_elsewhere() then
    return false;
  end if;
  for lane in
    select l.*, c.kind, c.topic, c.filter from supasaasy.consumer_lanes l join supasaasy.consumers c on c.name = l.consumer
    order by l.id for update of l
  loop
    source := supasaasy.feed_rows(lane.kind);
    -- Own rows are new: they are neither read nor unread, they come later.
    execute format($q$
      with x as (
        select f.seq, not (pg_visible_in_snapshot(f.xid, $1) or coalesce(pg_visible_in_snapshot(f.xid, $2) and f.seq <= $3, false)) as unread,
          supasaasy.partition_of(f.entity) as p, f.apps, f.collections, f.kind, f.topic, f.type from %s f
        where f.xid is distinct from $4 and ($6 is null or f.topic = $6)
      ), mine as (select * from x where ($5 >> p) & 1 = 1)
      select coalesce(max(seq) filter (where not unread), 0), coalesce(max(seq), 0) from mine $q$, source)
      into top, last using lane.seen, lane.target, lane.seq, own_xid, lane.partitions, lane.topic;
    execute format($q$
      select coalesce(array_agg(f.seq order by f.seq), '{}') from %s f
      where f.xid is distinct from $4 and ($6 is null or f.topic = $6) and f.seq <= $7
        and ($5 >> supasaasy.partition_of(f.entity)) & 1 = 1
        and not (pg_visible_in_snapshot(f.xid, $1) or coalesce(pg_visible_in_snapshot(f.xid, $2) and f.seq <= $3, false))
        and supasaasy.feed_matches($8, f.apps, f.collections, f.kind, f.type) $q$, source)
      into unread using lane.seen, lane.target, lane.seq, own_xid, lane.partitions, lane.topic, top, lane.filter;
    update supasaasy.consumer_lanes set seen = '1:1:', target = '4:4:', seq = top, last_seq = last, sparse = false,
      pending = array(select p from unnest(lane.pending || unread) p order by p), flight = '{}', token = null, lease_until = null
    where id = lane.id;
  end loop;
  update supasaasy.consumer_held set token = null, flight = '{}', lease_until = null;
  update supasaasy.changes set xid = '3' where xid is distinct from own_xid;
  update supasaasy.messages set xid = '3' where xid is distinct from own_xid;
  update supasaasy.feed_state set restored_at = clock_timestamp();
  return true;
end $$;

-- An entry or a position from a transaction that this cluster has not begun. A cluster that is ahead of the dump
-- needs no translation: there, everything that was restored counts as finished.
-- One statement, so that its rows and the cluster's clock are of one moment: between two, others begin, commit and would
-- look as if they came from elsewhere; a translation beside them loses what commits meanwhile. (One run of the proofs lost 45
-- changes, most likely so; none since.)
create or replace function supasaasy.feed_is_from_elsewhere() returns boolean
language plpgsql set search_path = '' set jit = off set enable_seqscan = off set enable_bitmapscan = off as $$
begin
  return (
    select exists (select 1 from supasaasy.changes where xid >= now.ahead and xid is distinct from pg_current_xact_id_if_assigned())
      or exists (select 1 from supasaasy.messages where xid >= now.ahead and xid is distinct from pg_current_xact_id_if_assigned())
      or exists (select 1 from supasaasy.consumer_lanes where pg_snapshot_xmax(seen) > now.ahead or pg_snapshot_xmax(target) > now.ahead)
    from (select pg_snapshot_xmax(pg_current_snapshot()) as ahead offset 0) now);
end $$;

-- One signal at a time is enough: a writer that finds another one signalling stays silent (a listener looks again
-- shortly after each signal). Without a listener nothing is signalled, because NOTIFY makes commits wait in a line.
create or replace function supasaasy.signal_feed() returns trigger
language plpgsql security definer set search_path = '' set jit = off as $$
begin
  if supasaasy.feed_is_from_elsewhere() then
    perform supasaasy.restamp_feed();
  end if;
  if (select listen_until > clock_timestamp() from supasaasy.feed_state) and pg_try_advisory_xact_lock(hashtextextended('supasaasy:signal', 0)) then
    perform pg_notify('supasaasy_feed', tg_table_name);
  end if;
  return null;
end $$;

create or replace trigger signal_feed after insert on supasaasy.changes for each statement execute function supasaasy.signal_feed();
create or replace trigger signal_feed after insert on supasaasy.messages for each statement execute function supasaasy.signal_feed();

-- Somebody listens for the next p_ms milliseconds.
create or replace function supasaasy.feed_listen(p_ms double precision) returns void
language sql security definer set search_path = '' as $$
  update supasaasy.feed_state set listen_until = greatest(listen_until, clock_timestamp() + make_interval(secs => p_ms / 1000));
$$;
