-- What a query may call. PostgreSQL lets everybody call most of its functions, and a role cannot be refused what everybody
-- may do: the analysed statement is read instead. Whatever may have an effect is volatile; a query may call what is not.

-- Volatile for what they answer, not for what they do.
create or replace function supasaasy.harmless_functions() returns text[]
language sql immutable set search_path = '' as $$
  select array['random', 'random_normal', 'clock_timestamp', 'timeofday', 'gen_random_uuid', 'uuidv4', 'uuidv7',
    'pg_relation_size', 'pg_table_size', 'pg_indexes_size', 'pg_total_relation_size', 'pg_database_size'];
$$;

-- The functions that the relation p_view calls, itself or through other views: by name, by operator, as an aggregate.
-- The tree of a rule names them by number, and spells no text of the statement in which a number could be hidden.
create or replace function supasaasy.called_by(p_view oid) returns table (function oid)
language sql stable set search_path = '' as $$
  with recursive rules(view, tree) as (
    select r.ev_class, r.ev_action::text from pg_catalog.pg_rewrite r where r.ev_class = p_view
    union
    select r.ev_class, r.ev_action::text from rules
    cross join lateral regexp_matches(rules.tree, ':relid (\d+)', 'g') m
    join pg_catalog.pg_rewrite r on r.ev_class = m[1]::oid
    join pg_catalog.pg_class c on c.oid = r.ev_class and c.relkind = 'v'
    where c.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
  ), named as (
    select m[1] as kind, n::oid as number from rules
    cross join lateral regexp_matches(rules.tree, ':(funcid|opfuncid|aggfnoid|winfnoid|tsmhandler|opno|sortop|eqop|opnos) (?:\(o )?([\d ]+)', 'g') m
    cross join lateral regexp_split_to_table(trim(m[2]), '\s+') n
  ), direct as (
    select number as function from named where kind not in ('opno', 'sortop', 'eqop', 'opnos')
    union select o.oprcode from named join pg_catalog.pg_operator o on o.oid = number where kind in ('opno', 'sortop', 'eqop', 'opnos')
  )
  select direct.function from direct where direct.function <> 0
  union
  select part::oid from direct join pg_catalog.pg_aggregate a on a.aggfnoid = direct.function
  cross join lateral unnest(array[a.aggtransfn, a.aggfinalfn, a.aggmtransfn, a.aggmfinalfn, a.aggcombinefn]) part
  where part::oid <> 0;
$$;

-- Those of them that a query may not call. Some of PostgreSQL's own run another statement, or show a setting.
create or replace function supasaasy.refused_calls(p_view text) returns text[]
language sql stable set search_path = '' as $$
  select coalesce(array_agg(distinct p.proname::text), '{}')
  from supasaasy.called_by(to_regclass(format('supasaasy.%I', p_view))) c
  join pg_catalog.pg_proc p on p.oid = c.function
  where case when p.pronamespace = 'pg_catalog'::regnamespace
    then p.provolatile = 'v' and not p.proname = any (supasaasy.harmless_functions())
      or p.proname ~ '_to_xml(schema|_and_xmlschema)?$' or p.proname in ('current_setting', 'ts_stat')
    else p.provolatile = 'v' end;
$$;
