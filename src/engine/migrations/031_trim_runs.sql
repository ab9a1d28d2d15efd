-- Forgets runs that ended longer ago than p_older_than, with their tasks, passes and findings: up to p_limit at a time.
-- Kept for good: the last run of each app and mode, and what a certificate or a watermark refers to.
create or replace function supasaasy.trim_runs(p_older_than interval, p_limit integer default 100) returns integer
language plpgsql set search_path = '' set jit = off as $$
#variable_conflict use_column
declare
  cutoff timestamptz := clock_timestamp() - p_older_than;
  old uuid[];
begin
  select array_agg(id) into old from (
    select r.id from supasaasy.runs r
    where r.state <> 'running' and r.finished_at < cutoff
      and exists (select 1 from supasaasy.runs later where later.app_key = r.app_key and later.mode = r.mode and later.created_at > r.created_at)
      and not exists (select 1 from supasaasy.certificates c where c.run_id = r.id)
      and not exists (select 1 from supasaasy.sync_state s where s.run_id = r.id)
    order by r.finished_at limit p_limit
  ) x;
  -- How far lists were read orders events against what they showed (list_until): it outlives the tasks.
  insert into supasaasy.sync_state as s (app_key, collection_key, read_until)
  select t.app_key, t.collection_key, max(t.read_until) from supasaasy.tasks t
  where t.run_id = any(old) and t.read_until is not null group by t.app_key, t.collection_key
  on conflict (app_key, collection_key) do update set read_until = greatest(s.read_until, excluded.read_until);
  delete from supasaasy.runs where id = any(old);
  -- What webhooks asked for and never got.
  delete from supasaasy.tasks where id in (
    select t.id from supasaasy.tasks t where t.run_id is null and t.state in ('done', 'failed') and t.finished_at < cutoff
    order by t.id limit p_limit);
  return coalesce(cardinality(old), 0);
end $$;
