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
