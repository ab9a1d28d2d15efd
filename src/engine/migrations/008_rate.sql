-- Token buckets in the database: every worker of every host draws from the same one. Takes up to p_want tokens and
-- returns how many were granted, and how long to wait when none was. Each priority leaves a reserve to the higher ones:
-- what a delivery asks to read again (0) finds tokens, however busy an incremental run (1), a full one (2) or an audit (3).
create or replace function supasaasy.take_tokens(
  p_app text, p_class text, p_want integer, p_priority integer, p_ceiling double precision, p_burst double precision
) returns jsonb
language plpgsql set search_path = '' as $$
declare
  b supasaasy.rate_budgets;
  clock timestamptz;
  available double precision;
  reserve double precision;
  granted integer;
begin
  insert into supasaasy.rate_budgets (app_key, class, rate, ceiling, burst, tokens)
  values (p_app, p_class, p_ceiling, p_ceiling, p_burst, p_burst) on conflict do nothing;
  select * into b from supasaasy.rate_budgets where app_key = p_app and class = p_class for update;
  clock := clock_timestamp();
  if b.ceiling <> p_ceiling or b.burst <> p_burst then
    b.ceiling := p_ceiling; b.burst := p_burst; b.rate := least(b.rate, p_ceiling);
  end if;
  -- Nobody is told to wait longer than ten minutes: what lies further off was written by a clock that jumped.
  if b.blocked_until > clock and b.blocked_until <= clock + interval '10 minutes 1 second' then
    return jsonb_build_object('granted', 0, 'wait_ms', ceil(extract(epoch from b.blocked_until - clock) * 1000));
  end if;
  -- A clock that jumps back gives nothing and takes nothing.
  available := least(b.burst, b.tokens + greatest(0, extract(epoch from clock - b.refilled_at)) * b.rate);
  -- Less than a bucket that holds one, or nobody of a low priority would ever be served from it.
  reserve := least(b.burst * case when p_priority <= 0 then 0 when p_priority = 1 then 0.1 when p_priority = 2 then 0.2 else 0.5 end, greatest(0, b.burst - 1));
  granted := greatest(0, least(p_want, floor(available - reserve)::integer));
  update supasaasy.rate_budgets set tokens = available - granted, refilled_at = clock, rate = b.rate, ceiling = b.ceiling, burst = b.burst
  where app_key = p_app and class = p_class;
  return jsonb_build_object('granted', granted, 'rate', b.rate,
    'wait_ms', case when granted > 0 then 0 else ceil((1 + reserve - available) / b.rate * 1000) end);
end $$;

-- The provider said "too many" (p_limited), or all is well: multiplicative decrease, additive increase.
create or replace function supasaasy.learn_rate(p_app text, p_class text, p_limited boolean, p_retry_after_ms double precision default null) returns void
language plpgsql set search_path = '' as $$
#variable_conflict use_column
begin
  update supasaasy.rate_budgets set
    rate = case when p_limited then greatest(0.2, rate * 0.7) else least(ceiling, rate + ceiling * 0.02) end,
    tokens = case when p_limited then 0 else tokens end,
    blocked_until = case when p_limited then greatest(blocked_until, clock_timestamp() + make_interval(secs => coalesce(p_retry_after_ms, 0) / 1000)) else blocked_until end
  where app_key = p_app and class = p_class;
end $$;

-- Requests per second as they stand now; null where nothing was asked yet.
create or replace function supasaasy.rate_of(p_app text, p_class text) returns double precision
language sql stable set search_path = '' as $$
  select rate from supasaasy.rate_budgets where app_key = p_app and class = p_class;
$$;
