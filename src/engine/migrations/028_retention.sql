-- Removes what is older than p_keep from both logs, up to p_limit entries of each. Never what an active consumer has
-- not settled: the answer says who holds the feed back, and from when on. p_force removes it all the same, and each
-- consumer that loses something counts it (`lost`) and says so in its status.
create or replace function supasaasy.trim_feed(p_keep interval, p_force boolean default false, p_limit integer default 50000) returns json
language plpgsql security definer set search_path = '' set jit = off as $$
#variable_conflict use_column
declare
  cutoff timestamptz := clock_timestamp() - p_keep;
  log text;
  removed bigint;
  result jsonb := '{}';
  holders jsonb := '[]';
  behind jsonb := '{}';
  c supasaasy.consumers;
  lane supasaasy.consumer_lanes;
  oldest_seq bigint;
  oldest_at timestamptz;
  floor_seq bigint;
  top_seq bigint;
  lost_now bigint;
begin
  foreach log in array array['changes', 'messages'] loop
    -- Everything below this number is old. Numbers and times do not run exactly alike, so the youngest decide.
    execute format('select min(seq) from %s f where at >= $1', supasaasy.feed_rows(log)) into top_seq using cutoff;
    if top_seq is null then
      execute format('select max(seq) + 1 from supasaasy.%I', log) into top_seq;
    end if;
    floor_seq := top_seq;
    for c in select * from supasaasy.consumers where kind = log and active order by name for update loop
      oldest_seq := null;
      for lane in select * from supasaasy.consumer_lanes where consumer = c.name loop
        select least(oldest_seq, u.first_seq) into oldest_seq from supasaasy.unread_of(c, lane) u;
        oldest_seq := least(oldest_seq, (select min(p) from unnest(lane.pending) p));
      end loop;
      oldest_seq := least(oldest_seq, (select min(s) from supasaasy.consumer_held h cross join lateral unnest(h.seqs) s
        where h.consumer = c.name and not exists (select 1 from supasaasy.dead_letters d where d.consumer = c.name and d.seq = s)));
      continue when oldest_seq is null or oldest_seq >= top_seq;
      execute format('select at from %s f where seq = $1', supasaasy.feed_rows(log)) into oldest_at using oldest_seq;
      holders := holders || jsonb_build_object('consumer', c.name, 'since', oldest_at);
      if p_force then
        lost_now := (supasaasy.consumer_lag(c.name, 2147483647) ->> 'changes')::bigint;
        behind := behind || jsonb_build_object(c.name, lost_now);
      else
        floor_seq := least(floor_seq, oldest_seq);
      end if;
    end loop;
    if log = 'changes' then
      with gone as (
        delete from supasaasy.changes x where x.seq in (
          select seq from supasaasy.changes y where y.seq < floor_seq
            and not exists (select 1 from supasaasy.feed_history h where h.app_key = y.app_key and h.collection_key = y.collection_key)
          order by seq limit p_limit)
        returning seq)
      select count(*) into removed from gone;
      if removed > 0 then
        update supasaasy.feed_state set trimmed_until = greatest(trimmed_until, least(cutoff, (
          select min(changed_at) from supasaasy.changes y where y.seq >= floor_seq)));
      end if;
    else
      with gone as (
        delete from supasaasy.messages x where x.seq in (select seq from supasaasy.messages y where y.seq < floor_seq order by seq limit p_limit)
        returning seq)
      select count(*) into removed from gone;
      if removed > 0 then
        update supasaasy.feed_state set messages_trimmed_until = greatest(messages_trimmed_until, least(cutoff, (
          select min(created_at) from supasaasy.messages y where y.seq >= floor_seq)));
      end if;
    end if;
    result := result || jsonb_build_object(log, removed);
  end loop;
  if behind <> '{}'::jsonb then
    -- What they have lost is what they no longer find.
    update supasaasy.consumers k set lost = k.lost + greatest(0, (behind ->> k.name)::bigint - (supasaasy.consumer_lag(k.name, 2147483647) ->> 'changes')::bigint)
    where behind ? k.name;
  end if;
  delete from supasaasy.consumer_receipts where created_at < cutoff;
  delete from supasaasy.dead_letters where state <> 'dead' and created_at < cutoff;
  return result || jsonb_build_object('held_by', holders);
end $$;

-- True for one caller in each p_every_ms milliseconds.
create or replace function supasaasy.retention_is_due(p_every_ms double precision) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  update supasaasy.feed_state set kept_at = clock_timestamp()
  where kept_at is null or kept_at <= clock_timestamp() - make_interval(secs => p_every_ms / 1000);
  return found;
end $$;
