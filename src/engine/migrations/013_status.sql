-- How everything stands, for `status` and for dashboards. Reads small tables and partial indexes only.
create or replace function supasaasy.get_status() returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('at', clock_timestamp(), 'apps', coalesce((
    select jsonb_agg(jsonb_build_object(
      'app_key', a.app_key, 'name', a.name, 'connector', a.connector, 'configured', a.configured,
      'paused_at', a.paused_at, 'pause_reason', a.pause_reason,
      'runs', (select coalesce(jsonb_object_agg(r.mode, jsonb_build_object('run_id', r.id, 'status', r.state, 'trigger', r.trigger,
          'error', r.error, 'created_at', r.created_at, 'finished_at', r.finished_at)), '{}')
        from (select distinct on (mode) * from supasaasy.runs where app_key = a.app_key order by mode, created_at desc) r),
      'collections', (select coalesce(jsonb_object_agg(s.collection_key, jsonb_build_object(
          'watermark', to_timestamp(s.watermark / 1000.0), 'last_full_at', s.last_full_at, 'last_incremental_at', s.last_incremental_at)), '{}')
        from supasaasy.sync_state s where s.app_key = a.app_key),
      'inbox', (select jsonb_build_object('waiting', count(*), 'oldest', min(i.received_at))
        from supasaasy.inbox i where i.app_key = a.app_key and i.state in ('ready', 'running')),
      'last_delivery_at', (select i.received_at from supasaasy.inbox i where i.app_key = a.app_key order by i.received_at desc limit 1),
      'dead_deliveries', (select count(*) from supasaasy.inbox i where i.app_key = a.app_key and i.state = 'dead'),
      'tasks', (select jsonb_build_object('ready', count(*) filter (where t.state = 'ready'), 'running', count(*) filter (where t.state = 'running'),
          'last_error', max(t.error)) from supasaasy.tasks t where t.app_key = a.app_key and t.state in ('ready', 'running')),
      'quarantined', (select count(*) from supasaasy.quarantine q where q.app_key = a.app_key and q.resolved_at is null),
      'schedules', (select coalesce(jsonb_agg(jsonb_build_object('mode', d.mode, 'cron', d.cron, 'enabled', d.enabled, 'last_due_at', o.due_at,
          'attempts', o.attempts, 'run_id', o.run_id, 'error', o.error) order by d.schedule), '[]')
        from supasaasy.schedules d left join lateral (select * from supasaasy.schedule_runs x
          where x.app_key = d.app_key and x.schedule = d.schedule order by x.due_at desc limit 1) o on true
        where d.app_key = a.app_key)
    ) order by a.app_key) from supasaasy.apps a), '[]'));
$$;
create index if not exists inbox_dead on supasaasy.inbox (app_key) where state = 'dead';
