-- Events from outside, into a topic. An id that the topic has seen is not taken again.
-- p_events: [{id, key, type, headers, payload}]
create or replace function supasaasy.publish_messages(p_topic text, p_events jsonb) returns json
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  taken integer;
begin
  if p_topic !~ '^[a-z0-9_.:-]{1,128}$' then
    raise exception 'the topic "%" must match ^[a-z0-9_.:-]{1,128}$', p_topic using errcode = '22023';
  end if;
  insert into supasaasy.messages (topic, message_id, key, type, headers, payload)
  select p_topic, coalesce(e ->> 'id', gen_random_uuid()::text), coalesce(e ->> 'key', e ->> 'id', ''), coalesce(e ->> 'type', p_topic),
    coalesce((select jsonb_object_agg(key, value) from jsonb_each_text(e -> 'headers')), '{}'), e -> 'payload'
  from jsonb_array_elements(p_events) with ordinality u(e, n) order by n
  on conflict (topic, message_id) do nothing;
  get diagnostics taken = row_count;
  return json_build_object('accepted', taken, 'repeated', jsonb_array_length(p_events) - taken);
end $$;

-- Raw webhooks as a topic, while somebody reads it.
create or replace function supasaasy.publish_delivery() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if exists (select 1 from supasaasy.consumers where kind = 'messages' and topic = 'inbox' and active) then
    insert into supasaasy.messages (topic, message_id, key, type, headers, inbox_id)
    select 'inbox', n.id::text, n.app_key || '/' || n.event_id, n.event_type, jsonb_build_object('app_key', n.app_key, 'event_id', n.event_id,
      'state', n.state, 'idempotency_key', n.app_key || '/' || n.event_id), n.id
    from new_rows n order by n.id
    on conflict do nothing;
  end if;
  return null;
end $$;
create or replace trigger publish_delivery after insert on supasaasy.inbox referencing new table as new_rows
  for each statement execute function supasaasy.publish_delivery();

-- Any table as a topic `table:schema.name`: rows that are inserted, updated or deleted from now on, in the order of
-- each row. Called by the table's owner; p_key names the column that tells rows apart. Where that is so already, nothing
-- is done: no lock on the table, and no right to it needed.
create or replace function supasaasy.watch_table(p_table regclass, p_key text) returns text
language plpgsql set search_path = '' as $$
declare
  topic text;
begin
  if not exists (select 1 from pg_attribute where attrelid = p_table and attname = p_key and attnum > 0 and not attisdropped) then
    raise exception 'the table % has no column "%"', p_table, p_key using errcode = '42703';
  end if;
  select 'table:' || n.nspname || '.' || c.relname into topic from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = p_table;
  if topic !~ '^[a-z0-9_.:-]{1,128}$' then
    raise exception 'the name of % cannot be a topic', p_table using errcode = '22023';
  end if;
  if exists (select from pg_catalog.pg_trigger where tgrelid = p_table and tgname = 'supasaasy_watch' and tgenabled <> 'D'
    and tgargs = convert_to(p_key, 'UTF8') || '\x00'::bytea) then
    return topic;
  end if;
  execute format('create or replace trigger supasaasy_watch after insert or update or delete on %s for each row execute function supasaasy.publish_row(%L)', p_table, p_key);
  return topic;
end $$;

create or replace function supasaasy.publish_row() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  image jsonb := to_jsonb(case when tg_op = 'DELETE' then old else new end);
  number bigint := nextval('supasaasy.message_seq');
begin
  insert into supasaasy.messages (seq, topic, message_id, key, type, headers, payload)
  values (number, 'table:' || tg_table_schema || '.' || tg_table_name, number::text, coalesce(image ->> tg_argv[0], ''),
    tg_table_name || '.' || case tg_op when 'INSERT' then 'inserted' when 'UPDATE' then 'updated' else 'deleted' end,
    jsonb_build_object('table', tg_table_schema || '.' || tg_table_name, 'action', lower(tg_op)), image);
  return null;
end $$;

create or replace function supasaasy.unwatch_table(p_table regclass) returns void
language plpgsql set search_path = '' as $$
begin
  execute format('drop trigger if exists supasaasy_watch on %s', p_table);
end $$;
