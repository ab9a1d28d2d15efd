-- Takes seqs out of everything that is out under a token, and returns those that were. What is left of a held entity
-- goes on at once.
drop function if exists supasaasy.settle(text, bigint, bigint[]);
create function supasaasy.settle(p_name text, p_token bigint, p_seqs bigint[]) returns bigint[]
language plpgsql set search_path = '' set jit = off as $$
#variable_conflict use_column
declare
  lane supasaasy.consumer_lanes;
  held supasaasy.consumer_held;
  rest bigint[];
  waiting bigint[];
  done bigint[] := '{}';
  settled_held boolean := false;
begin
  for lane in select * from supasaasy.consumer_lanes where consumer = p_name and token = p_token order by id for update loop
    -- The same numbers, mostly. Whether one array holds another is asked number by number, each from the start.
    if p_seqs is null or lane.flight = p_seqs then
      rest := '{}';
    else
      rest := array(select f from unnest(lane.flight) with ordinality u(f, n)
        where not exists (select 1 from unnest(p_seqs) s where s = f) order by n);
    end if;
    continue when cardinality(rest) = cardinality(lane.flight);
    done := done || case when cardinality(rest) = 0 then lane.flight else array(select f from unnest(lane.flight) f where f <> all(rest)) end;
    waiting := case when lane.flight = lane.pending then rest
      else rest || lane.pending[cardinality(lane.flight) + 1:] end;
    update supasaasy.consumer_lanes set pending = waiting, flight = rest,
      token = case when cardinality(rest) > 0 then token end, last_token = p_token,
      lease_until = case when cardinality(rest) > 0 then lease_until end, crashes = case when cardinality(rest) > 0 then crashes else 0 end
    where id = lane.id;
  end loop;
  for held in select * from supasaasy.consumer_held where consumer = p_name and token = p_token order by entity for update loop
    rest := case when p_seqs is null then '{}'
      else array(select f from unnest(held.flight) with ordinality u(f, n) where not exists (select 1 from unnest(p_seqs) s where s = f) order by n) end;
    continue when cardinality(rest) = cardinality(held.flight);
    done := done || array(select f from unnest(held.flight) f where f <> all(rest));
    update supasaasy.dead_letters d set state = 'settled'
    where d.consumer = p_name and d.state = 'redriven' and d.seq = any(held.flight) and d.seq <> all(rest);
    waiting := rest || held.seqs[cardinality(held.flight) + 1:];
    if cardinality(waiting) = 0 then
      delete from supasaasy.consumer_held where consumer = p_name and entity = held.entity;
      settled_held := true;
    else
      update supasaasy.consumer_held set seqs = waiting, flight = rest, attempts = 0, error = null, not_before = clock_timestamp(),
        token = case when cardinality(rest) > 0 then token end, last_token = p_token,
        lease_until = case when cardinality(rest) > 0 then lease_until end
      where consumer = p_name and entity = held.entity;
    end if;
  end loop;
  if settled_held then
    -- So that the same answer, coming again, is still known as one.
    update supasaasy.consumer_health set last_token = p_token where consumer = p_name;
  end if;
  return done;
end $$;

-- Is this token still good for something, or was it until a moment ago?
create or replace function supasaasy.knows_token(p_name text, p_token bigint) returns boolean
language sql stable set search_path = '' as $$
  select exists (select 1 from supasaasy.consumer_lanes where consumer = p_name and p_token in (token, last_token))
    or exists (select 1 from supasaasy.consumer_held where consumer = p_name and p_token in (token, last_token))
    or exists (select 1 from supasaasy.consumer_health where consumer = p_name and last_token = p_token);
$$;

create or replace function supasaasy.refuse_token(p_name text) returns void
language plpgsql set search_path = '' as $$
begin
  raise exception 'these changes of the consumer "%" are no longer yours: the lease ended and they were handed out again', p_name using errcode = 'SY001';
end $$;

-- Done: p_seqs (or all that came with the token) never come again. What was acknowledged before counts as repeated;
-- what somebody else has taken over meanwhile counts as lost, and if there is nothing else it is SY001.
-- p_stats: [{type, processed, errors, seconds, buckets}], what the handlers did since the last call.
create or replace function supasaasy.consumer_ack(p_name text, p_token bigint, p_seqs bigint[] default null, p_stats jsonb default null) returns json
language plpgsql security definer set search_path = '' set jit = off as $$
#variable_conflict use_column
declare
  settled bigint[];
  done integer;
  lost bigint[] := '{}';
begin
  perform supasaasy.use_consumer(p_name);
  settled := supasaasy.settle(p_name, p_token, p_seqs);
  done := cardinality(settled);
  if p_seqs is not null and done < cardinality(p_seqs) then
    select coalesce(array_agg(s), '{}') into lost from unnest(p_seqs) s
    where exists (select 1 from supasaasy.consumer_lanes where consumer = p_name and s = any(pending) and token is distinct from p_token)
      or exists (select 1 from supasaasy.consumer_held where consumer = p_name and s = any(seqs) and token is distinct from p_token);
  end if;
  if done = 0 and (cardinality(lost) > 0 or not supasaasy.knows_token(p_name, p_token)) then
    perform supasaasy.refuse_token(p_name);
  end if;
  if done > 0 and exists (select 1 from supasaasy.consumer_health where consumer = p_name and failing_since is not null) then
    update supasaasy.consumer_health set failing_since = null where consumer = p_name;
  end if;
  if p_stats is not null then
    perform supasaasy.count_handled(p_name, p_stats);
  end if;
  return json_build_object('acked', done, 'repeated', case when p_seqs is null then 0 else cardinality(p_seqs) - done - cardinality(lost) end,
    'lost', cardinality(lost), 'acked_seqs', case when done < cardinality(p_seqs) then settled end);
end $$;

-- Failed: the change waits p_delay_ms (null: by the consumer's backoff) and with it all later ones of its entity, and
-- nobody else's. After max_attempts, or at once with p_dead, it becomes a dead letter.
create or replace function supasaasy.consumer_nack(
  p_name text, p_token bigint, p_seq bigint, p_error text default null, p_delay_ms double precision default null, p_dead boolean default false
) returns json
language plpgsql security definer set search_path = '' set jit = off as $$
#variable_conflict use_column
declare
  c supasaasy.consumers;
  lane supasaasy.consumer_lanes;
  held supasaasy.consumer_held;
  subject text;
  aside bigint[];
  delay double precision;
  fate text;
  failing timestamptz;
begin
  c := supasaasy.use_consumer(p_name);
  select * into lane from supasaasy.consumer_lanes where consumer = p_name and token = p_token and p_seq = any(flight) for update;
  if found then
    subject := supasaasy.entity_of(c.kind, p_seq);
    -- Also what was fetched and is not out now: it must not overtake.
    aside := supasaasy.seqs_of(c.kind, subject, lane.pending[array_position(lane.pending, p_seq):]);
    insert into supasaasy.consumer_held (consumer, entity, seqs, attempts, not_before)
    values (p_name, coalesce(subject, '?' || p_seq), aside, lane.crashes, clock_timestamp())
    on conflict (consumer, entity) do update set seqs = array(select distinct s from unnest(consumer_held.seqs || excluded.seqs) s order by s),
      flight = '{}', token = null, lease_until = null
    returning * into held;
    perform supasaasy.settle(p_name, p_token, aside);
    update supasaasy.consumer_lanes set pending = array(select p from unnest(pending) with ordinality u(p, n) where p <> all(aside) order by n)
    where id = lane.id and pending && aside;
  else
    select * into held from supasaasy.consumer_held where consumer = p_name and token = p_token and p_seq = any(flight) for update;
    if not found then
      if exists (select 1 from supasaasy.consumer_lanes where consumer = p_name and p_token in (token, last_token))
        or exists (select 1 from supasaasy.consumer_held where consumer = p_name and p_seq = seqs[1] and last_token = p_token) then
        return json_build_object('state', 'settled');
      end if;
      perform supasaasy.refuse_token(p_name);
    end if;
    if held.seqs[1] <> p_seq then
      -- An earlier one of the same delivery was not answered: it was done, or else it comes again first.
      held.seqs := held.seqs[array_position(held.seqs, p_seq):];
    end if;
  end if;
  held.attempts := held.attempts + 1;
  if p_dead or held.attempts >= c.max_attempts then
    perform supasaasy.give_up(c, held, coalesce(p_error, 'refused'));
    fate := 'dead';
  else
    delay := coalesce(p_delay_ms, least(c.backoff_max_ms, c.backoff_ms * 2 ^ least(held.attempts - 1, 30)) * (0.5 + random() / 2));
    update supasaasy.consumer_held set seqs = held.seqs, flight = '{}', attempts = held.attempts, error = coalesce(p_error, 'refused'),
      not_before = clock_timestamp() + make_interval(secs => delay / 1000), token = null, last_token = p_token, lease_until = null
    where consumer = p_name and entity = held.entity;
    fate := 'waiting';
  end if;
  select failing_since into failing from supasaasy.consumer_health where consumer = p_name;
  if failing is null then
    failing := clock_timestamp();
    update supasaasy.consumer_health set failing_since = failing where consumer = p_name and failing_since is null;
  end if;
  return json_build_object('state', fate, 'attempts', held.attempts, 'delay_ms', round(delay::numeric),
    'failing_ms', round(extract(epoch from clock_timestamp() - failing) * 1000));
end $$;

create or replace function supasaasy.entity_of(p_kind text, p_seq bigint) returns text
language plpgsql stable set search_path = '' as $$
begin
  if p_kind = 'changes' then
    return (select app_key || '/' || collection_key || '/' || external_id from supasaasy.changes where seq = p_seq);
  end if;
  return (select key from supasaasy.messages where seq = p_seq);
end $$;

-- Those of p_seqs that are about one entity.
create or replace function supasaasy.seqs_of(p_kind text, p_entity text, p_seqs bigint[]) returns bigint[]
language plpgsql stable set search_path = '' set jit = off
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_bitmapscan = off as $$
#variable_conflict use_column
begin
  if p_kind = 'changes' then
    return array(select s from unnest(p_seqs) with ordinality u(s, n)
      cross join lateral (select app_key || '/' || collection_key || '/' || external_id as entity from supasaasy.changes where seq = s limit 1) c
      where c.entity = p_entity order by n);
  end if;
  return array(select s from unnest(p_seqs) with ordinality u(s, n)
    cross join lateral (select key from supasaasy.messages where seq = s limit 1) m where m.key = p_entity order by n);
end $$;

-- The first change of a held entity is given up. By the consumer's rule the rest goes on, or waits for a person.
create or replace function supasaasy.give_up(p_consumer supasaasy.consumers, p_held supasaasy.consumer_held, p_error text) returns void
language plpgsql set search_path = '' as $$
begin
  perform supasaasy.bury_change(p_consumer, p_held.seqs[1], p_held.attempts, p_error);
  if p_consumer.on_dead = 'block' then
    update supasaasy.consumer_held set seqs = p_held.seqs, flight = '{}', token = null, last_token = p_held.token, lease_until = null,
      attempts = p_held.attempts, error = p_error, blocked = true
    where consumer = p_consumer.name and entity = p_held.entity;
  elsif cardinality(p_held.seqs) > 1 then
    update supasaasy.consumer_held set seqs = p_held.seqs[2:], flight = '{}', token = null, last_token = p_held.token, lease_until = null,
      attempts = 0, error = null, not_before = clock_timestamp()
    where consumer = p_consumer.name and entity = p_held.entity;
  else
    delete from supasaasy.consumer_held where consumer = p_consumer.name and entity = p_held.entity;
  end if;
end $$;

create or replace function supasaasy.bury_change(p_consumer supasaasy.consumers, p_seq bigint, p_attempts integer, p_error text) returns void
language plpgsql set search_path = '' as $$
declare
  body json;
begin
  if p_consumer.kind = 'changes' then
    body := (select rendered -> 0 from supasaasy.render_changes(array[p_seq], array[p_attempts], false));
  else
    body := (select rendered -> 0 from supasaasy.render_messages(array[p_seq], array[p_attempts], false));
  end if;
  insert into supasaasy.dead_letters (consumer, seq, entity, change, error, attempts)
  values (p_consumer.name, p_seq, coalesce(body ->> 'foreign_id', '?'), coalesce(body, json_build_object('seq', p_seq)), p_error, p_attempts)
  on conflict (consumer, seq) do update set error = excluded.error, attempts = excluded.attempts, state = 'dead', created_at = clock_timestamp();
  insert into supasaasy.consumer_stats (consumer, type, dead) values (p_consumer.name, coalesce(body ->> 'type', ''), 1)
  on conflict (consumer, type) do update set dead = consumer_stats.dead + 1;
end $$;

create or replace function supasaasy.count_handled(p_name text, p_stats jsonb) returns void
language sql set search_path = '' as $$
  insert into supasaasy.consumer_stats (consumer, type, processed, errors, seconds, buckets)
  select p_name, coalesce(s ->> 'type', ''), coalesce((s ->> 'processed')::bigint, 0), coalesce((s ->> 'errors')::bigint, 0),
    coalesce((s ->> 'seconds')::float8, 0),
    coalesce((select array_agg(b::bigint order by n) from jsonb_array_elements_text(s -> 'buckets') with ordinality u(b, n)), '{0,0,0,0,0,0,0}')
  from jsonb_array_elements(p_stats) s order by s ->> 'type'
  on conflict (consumer, type) do update set processed = consumer_stats.processed + excluded.processed,
    errors = consumer_stats.errors + excluded.errors, seconds = consumer_stats.seconds + excluded.seconds,
    buckets = array(select a + b from unnest(consumer_stats.buckets, excluded.buckets) u(a, b));
$$;

-- More time for everything that is out under the token.
create or replace function supasaasy.consumer_extend(p_name text, p_token bigint, p_lease_ms double precision default null) returns boolean
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  c supasaasy.consumers;
  lanes integer;
  helds integer;
  until timestamptz;
begin
  c := supasaasy.use_consumer(p_name);
  until := clock_timestamp() + make_interval(secs => coalesce(p_lease_ms, c.lease_ms) / 1000);
  update supasaasy.consumer_lanes set lease_until = until where consumer = p_name and token = p_token;
  get diagnostics lanes = row_count;
  update supasaasy.consumer_held set lease_until = until where consumer = p_name and token = p_token;
  get diagnostics helds = row_count;
  if lanes + helds = 0 then
    perform supasaasy.refuse_token(p_name);
  end if;
  return true;
end $$;

-- Gives back at once what was not answered: a reader that ends in good order.
create or replace function supasaasy.consumer_release(p_name text, p_token bigint) returns boolean
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  lanes integer;
  helds integer;
begin
  perform supasaasy.use_consumer(p_name);
  update supasaasy.consumer_lanes set token = null, last_token = p_token, lease_until = null, flight = '{}' where consumer = p_name and token = p_token;
  get diagnostics lanes = row_count;
  update supasaasy.consumer_held set token = null, last_token = p_token, lease_until = null, flight = '{}' where consumer = p_name and token = p_token;
  get diagnostics helds = row_count;
  return lanes + helds > 0;
end $$;
