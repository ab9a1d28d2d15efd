-- The clock on Supabase: pg_cron rings the Edge Functions through pg_net. Both are doorbells only: a lost ring delays
-- work and loses none. Where pg_cron, pg_net or Vault is absent, nothing here does anything.

-- Posts to a function of this project. Address and key are secrets of Vault (`supasaasy_project_url`,
-- `supasaasy_admin_key`); without them nobody is called. Returns pg_net's request id, or null.
create or replace function supasaasy.ring(p_path text, p_body jsonb default '{}') returns bigint
language plpgsql set search_path = '' as $$
declare
  project_url text;
  admin_key text;
  prefix text;
begin
  if to_regclass('vault.decrypted_secrets') is null or to_regnamespace('net') is null then
    return null;
  end if;
  execute 'select decrypted_secret from vault.decrypted_secrets where name = $1' into project_url using 'supasaasy_project_url';
  execute 'select decrypted_secret from vault.decrypted_secrets where name = $1' into admin_key using 'supasaasy_admin_key';
  if project_url is null or admin_key is null then
    return null;
  end if;
  -- Where the functions have names of their own (supasaasy init --prefix).
  execute 'select decrypted_secret from vault.decrypted_secrets where name = $1' into prefix using 'supasaasy_function_prefix';
  return net.http_post(
    url := rtrim(project_url, '/') || '/functions/v1/' || coalesce(prefix, '') || ltrim(p_path, '/'),
    body := p_body,
    params := '{}'::jsonb,
    headers := jsonb_build_object('Content-Type', 'application/json', 'Authorization', 'Bearer ' || admin_key),
    timeout_milliseconds := 5000
  );
end $$;

-- Rings the worker, if anything waits for one.
create or replace function supasaasy.ring_worker() returns bigint
language plpgsql set search_path = '' as $$
begin
  if exists (select 1 from supasaasy.inbox where state in ('ready', 'running')
      and case state when 'ready' then not_before else lease_until end <= clock_timestamp())
    or exists (select 1 from supasaasy.tasks t where state in ('ready', 'running')
      and case state when 'ready' then not_before else lease_until end <= clock_timestamp()
      and not exists (select 1 from supasaasy.apps a where a.app_key = t.app_key and a.paused_at is not null))
    or supasaasy.consumers_wait() then
    return supasaasy.ring('/worker');
  end if;
  return null;
end $$;

-- The jobs that there should be: one a schedule, one for the work that waits, and one that looks every five minutes
-- whether a schedule's ring was lost or its run failed.
create or replace function supasaasy.wanted_jobs() returns table (name text, schedule text, command text)
language sql stable set search_path = '' as $$
  select format('supasaasy %s %s %s', s.mode, left(s.app_key, 24), left(md5(s.app_key || ' ' || s.schedule), 8)), s.cron,
    format('select supasaasy.ring(%L, %L)', '/sync', jsonb_build_object('app_key', s.app_key, 'mode', s.mode, 'scheduled', true))
  from supasaasy.schedules s where s.enabled
  union all
  select 'supasaasy worker', '10 seconds', 'select supasaasy.ring_worker()'
  where exists (select 1 from supasaasy.apps where configured)
  union all
  select 'supasaasy schedules', '*/5 * * * *', 'select supasaasy.ring(''/worker'')'
  where exists (select 1 from supasaasy.schedules s where s.enabled);
$$;

-- Makes pg_cron's jobs what they should be: adds, changes, and unschedules those that are no longer wanted. Returns
-- how many there are.
create or replace function supasaasy.install_jobs() returns integer
language plpgsql set search_path = '' as $$
declare
  job record;
  installed integer := 0;
begin
  if to_regclass('cron.job') is null or not has_schema_privilege('cron', 'usage') then
    return 0;
  end if;
  for job in execute $sql$
    select jobid from cron.job where jobname like 'supasaasy %' and username = current_user
      and jobname not in (select name from supasaasy.wanted_jobs())
  $sql$ loop
    perform cron.unschedule(job.jobid);
  end loop;
  for job in select * from supasaasy.wanted_jobs() loop
    begin
      perform cron.schedule(job.name, job.schedule, job.command);
      installed := installed + 1;
    exception when others then
      if job.schedule like '% seconds' then
        -- pg_cron before 1.5 counts in minutes.
        perform cron.schedule(job.name, '* * * * *', job.command);
        installed := installed + 1;
      else
        raise warning 'pg_cron refuses "%" (%): the worker starts this schedule within five minutes instead', job.schedule, sqlerrm;
      end if;
    end;
  end loop;
  return installed;
end $$;

-- Extensions that Supabase offers; elsewhere whoever runs the server decides.
create or replace function supasaasy.enable_extensions() returns void
language plpgsql set search_path = '' as $$
declare
  extension record;
begin
  for extension in select name from pg_catalog.pg_available_extensions
    where name in ('pg_cron', 'pg_net', 'supabase_vault') and installed_version is null
  loop
    begin
      execute format('create extension if not exists %I', extension.name);
    exception when others then
      raise notice 'extension % is not enabled: %', extension.name, sqlerrm;
    end;
  end loop;
end $$;
