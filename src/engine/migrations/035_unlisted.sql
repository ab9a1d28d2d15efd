-- Objects that a list leaves out although they exist (inline prices, customers of a test clock): a pass has asked for each
-- by its id, once. They are no longer missing from the passes that follow, and a certificate counts them apart.
create table if not exists supasaasy.unlisted (
  app_key        text collate "C" not null,
  collection_key text collate "C" not null,
  external_id    text collate "C" not null,
  -- When the provider has shown it last, asked by its id.
  confirmed_at   timestamptz not null default clock_timestamp(),
  primary key (app_key, collection_key, external_id)
);
alter table supasaasy.unlisted enable row level security;

-- What the provider answered about an object that a pass did not name: null, not asked or not answered.
alter table supasaasy.pass_missing add column if not exists asked boolean not null default false;
alter table supasaasy.pass_missing add column if not exists answer text;
alter table supasaasy.pass_missing add column if not exists version bigint;
alter table supasaasy.pass_missing add column if not exists version_until bigint;
alter table supasaasy.pass_missing add column if not exists asked_at timestamptz;

alter table supasaasy.certificates add column if not exists hidden bigint not null default 0;

-- Asks by id for up to p_limit objects that a pass did not name, spread over their ids. Returns how many.
create or replace function supasaasy.ask_absent(p_task supasaasy.tasks, p_limit bigint) returns bigint
language plpgsql set search_path = '' as $$
declare
  asked_count bigint;
begin
  with chosen as (
    update supasaasy.pass_missing m set asked = true
    where m.pass_id = p_task.pass_id and m.external_id in (
      select x.external_id from supasaasy.pass_missing x where x.pass_id = p_task.pass_id and not x.asked
      order by hashtextextended(x.external_id, 35), x.external_id limit p_limit)
    returning m.external_id
  )
  insert into supasaasy.tasks as k (run_id, pass_id, app_key, resource, collection_key, kind, external_id, priority, input)
  select p_task.run_id, p_task.pass_id, p_task.app_key, p_task.resource, p_task.collection_key, 'retrieve', c.external_id, p_task.priority, '{"absent": true}'
  from chosen c order by c.external_id
  on conflict (app_key, collection_key, external_id, kind, coalesce(run_id, '00000000-0000-0000-0000-000000000000'::uuid))
    where external_id is not null and state in ('ready', 'running')
  do update set requested_at = clock_timestamp(), pass_id = excluded.pass_id, input = k.input || excluded.input;
  get diagnostics asked_count = row_count;
  return asked_count;
end $$;

-- Notes the answer about an absent object. What is shown is remembered as unlisted; what is gone waits for the judgement
-- of the sweep over all of them.
create or replace function supasaasy.note_absent(p_task supasaasy.tasks, p_gone boolean, p_from bigint, p_until bigint, p_asked timestamptz) returns void
language plpgsql set search_path = '' as $$
begin
  update supasaasy.pass_missing set answer = case when p_gone then 'gone' else 'shown' end, version = p_from, version_until = p_until, asked_at = p_asked
  where pass_id = p_task.pass_id and external_id = p_task.external_id;
  if not p_gone then
    insert into supasaasy.unlisted (app_key, collection_key, external_id) values (p_task.app_key, p_task.collection_key, p_task.external_id)
    on conflict (app_key, collection_key, external_id) do update set confirmed_at = excluded.confirmed_at;
  end if;
end $$;

-- Forgets that objects are unlisted which a list shows by now, which are deleted, or which were confirmed too long ago.
create or replace function supasaasy.forget_unlisted(p_pass supasaasy.passes, p_remember_ms double precision) returns void
language plpgsql set search_path = '' set enable_nestloop = off as $$
begin
  if not exists (select 1 from supasaasy.unlisted u where u.app_key = p_pass.app_key and u.collection_key = p_pass.collection_key) then
    return;
  end if;
  delete from supasaasy.unlisted u
  where u.app_key = p_pass.app_key and u.collection_key = p_pass.collection_key and (
    u.confirmed_at <= clock_timestamp() - make_interval(secs => p_remember_ms / 1000)
    or u.external_id in (select unnest(p.ids) from supasaasy.pass_pages p where p.pass_id = p_pass.id)
    or u.external_id not in (
      select e.external_id from supasaasy.entities e
      where e.app_key = p_pass.app_key and e.collection_key = p_pass.collection_key and e.deleted_at is null));
end $$;
