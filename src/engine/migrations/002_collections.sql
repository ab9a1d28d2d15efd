-- A partition per collection. Called by every connector's first migration, before its views and indexes.
create or replace function supasaasy.ensure_collection(p_collection text) returns void
language plpgsql set search_path = '' as $$
declare
  partition_name text := 'entities_' || p_collection;
begin
  if p_collection !~ '^[a-z][a-z0-9_]{0,50}$' then
    raise exception 'collection_key "%" must match ^[a-z][a-z0-9_]{0,50}$', p_collection;
  end if;
  if to_regclass(format('supasaasy.%I', partition_name)) is not null then
    return;
  end if;
  -- Rows that arrived before the collection had a partition are moved, in this transaction.
  execute format('create table supasaasy.%I (like supasaasy.entities including defaults including constraints including compression)', partition_name);
  execute format('with moved as (delete from supasaasy.entities_other where collection_key = %L returning *)
                  insert into supasaasy.%I select * from moved', p_collection, partition_name);
  execute format('alter table supasaasy.entities attach partition supasaasy.%I for values in (%L)', partition_name, p_collection);
  -- Read through the parent only: its policies decide.
  execute format('alter table supasaasy.%I enable row level security', partition_name);
end $$;
