-- Which of the provider's accounts an app mirrors: remembered from the first run, so that another account's key is
-- noticed before anything is read with it.
alter table supasaasy.apps add column if not exists account text;

-- The account that the app mirrors; from now on p_account, where none was known.
create or replace function supasaasy.remember_account(p_app text, p_account text) returns text
language plpgsql set search_path = '' as $$
begin
  insert into supasaasy.apps as a (app_key, name, connector, account) values (p_app, p_app, '', p_account)
  on conflict (app_key) do update set account = excluded.account where a.account is null;
  -- What has waited for it can be judged now.
  if found then
    update supasaasy.inbox set not_before = clock_timestamp()
    where app_key = p_app and state = 'ready' and attempts = 0 and not_before > clock_timestamp();
  end if;
  return (select account from supasaasy.apps where app_key = p_app);
end $$;

create or replace function supasaasy.account_of(p_app text) returns text
language sql stable set search_path = '' as $$
  select account from supasaasy.apps where app_key = p_app;
$$;

-- A person's word that the app mirrors another account from now on (null: whichever its key shows next). What was
-- begun for the former one ends, and nothing counts as read. Returns the former one.
create or replace function supasaasy.change_account(p_app text, p_account text) returns text
language plpgsql set search_path = '' as $$
declare
  former text;
begin
  select account into former from supasaasy.apps where app_key = p_app for update;
  update supasaasy.apps set account = p_account where app_key = p_app;
  if former is distinct from p_account then
    perform supasaasy.cancel_run(id, 'the app mirrors another account from now on') from supasaasy.runs
    where app_key = p_app and state = 'running';
    update supasaasy.sync_state set watermark = null where app_key = p_app;
  end if;
  return former;
end $$;
