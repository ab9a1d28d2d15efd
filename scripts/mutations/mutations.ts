import type { Mutation } from './mutation.ts';

const APPLY = 'src/engine/migrations/003_apply.sql';
const INGEST = 'src/engine/migrations/004_ingest.sql';
const TASKS = 'src/engine/migrations/005_tasks.sql';
const RUNS = 'src/engine/migrations/006_runs.sql';
const INBOX = 'src/engine/migrations/007_inbox.sql';

const CONVERGENCE = 'test/properties/convergence.test.ts';
const CRASH = 'test/properties/crash.test.ts';
const WEBHOOKS = 'test/acceptance/webhooks.test.ts';
const SYNC = 'test/acceptance/sync.test.ts';
const DELETES = 'test/acceptance/deletes.test.ts';
const DIRTY = 'test/acceptance/dirty-data.test.ts';
const WORKERS = 'test/engine/workers.test.ts';

/** The engine's invariants, each broken in a few ways. */
export const mutations: readonly Mutation[] = [
  // For each property one mistake that it has to find alone.
  {
    name: 'property I1: what is known already is written again',
    file: APPLY,
    find: `then case when notes and n.version > e.version then 'note' else 'same' end`,
    replace: `then case when notes and n.version > e.version then 'write' else 'same' end`,
    tests: [CONVERGENCE],
    by: 'I1 applying',
  },
  {
    name: 'property I2: an older event replaces a newer one',
    file: APPLY,
    find: `e.version_source = 'event' and n.version_until < e.version then 'stale'`,
    replace: `e.version_source = 'event' and n.version_until < e.version then 'write'`,
    tests: [CONVERGENCE],
    by: 'I2 ',
  },
  {
    name: 'property I3: the place in a list is not kept with its page',
    file: INGEST,
    find: 'cursor = case when asked_once_more then null when done then cursor else next_cursor end,',
    replace: 'cursor = case when asked_once_more then null else cursor end,',
    tests: [CRASH],
    by: 'I3 ',
  },
  {
    name: 'property I6: a delivery whose worker died is never taken over',
    file: INBOX,
    find: 'else lease_until < clock_timestamp() end)',
    replace: 'else false end)',
    tests: [CRASH],
    by: 'I4 I6',
  },
  {
    name: 'property I11: an incomplete pass deletes',
    file: RUNS,
    find: `if exists (select 1 from supasaasy.tasks t where t.pass_id = pass.id and t.state = 'failed') then`,
    replace: 'if false then',
    tests: [CONVERGENCE],
    by: 'I11 ',
  },
  {
    name: 'an older event replaces a newer one',
    file: APPLY,
    find: `e.version_source = 'event' and n.version_until < e.version then 'stale'`,
    replace: `e.version_source = 'event' and n.version_until < e.version then 'write'`,
    tests: [WEBHOOKS, CONVERGENCE],
  },
  {
    name: 'a page that was read before an event replaces it',
    file: APPLY,
    find: `when is_read and n.version_until < e.version then 'stale'`,
    replace: `when is_read and n.version_until < e.version then 'write'`,
    tests: [WEBHOOKS, CONVERGENCE],
  },
  {
    name: 'of two events in one second the later one wins',
    file: APPLY,
    find: `        when can_ask then 'again'\n        when n.version >= e.version then 'write'`,
    replace: `        when n.version >= e.version then 'write'`,
    tests: [WEBHOOKS],
  },
  {
    name: 'of two events in one batch and second the later one wins',
    file: 'src/engine/inbox/group.ts',
    find: 'ambiguous: true',
    replace: 'ambiguous: false',
    tests: [WEBHOOKS, CONVERGENCE],
  },
  {
    name: 'a later event of the same content leaves no note',
    file: APPLY,
    find: 'notes boolean := not is_read or final_word;',
    replace: 'notes boolean := false;',
    tests: [WEBHOOKS, CONVERGENCE],
  },
  {
    name: 'an unchanged page writes',
    file: APPLY,
    find: 'notes boolean := not is_read or final_word;',
    replace: 'notes boolean := true;',
    tests: [SYNC],
  },
  {
    name: 'the tombstone of an unknown object is forgotten',
    file: APPLY,
    find: `where not known and decision in ('write', 'bury') and not dry`,
    replace: `where not known and decision = 'write' and not dry`,
    tests: [WEBHOOKS],
  },
  {
    name: 'how far lists were read is ignored',
    file: APPLY,
    find: `list_until bigint := coalesce((p_context ->> 'list_until')::bigint, -9223372036854775808);`,
    replace: 'list_until bigint := -9223372036854775808;',
    tests: [WEBHOOKS],
  },
  {
    name: 'a changed sign is no change',
    file: APPLY,
    find: 'hashtextextended((case when has_volatile then payload - volatile_keys else payload end)::text, 0)',
    replace: 'jsonb_hash_extended(case when has_volatile then payload - volatile_keys else payload end, 0)',
    tests: [SYNC],
  },
  {
    name: 'fields that are signed anew count as changes',
    file: APPLY,
    find: 'has_volatile boolean := cardinality(volatile_keys) > 0;',
    replace: 'has_volatile boolean := false;',
    tests: [SYNC],
  },
  {
    name: 'purge keeps the payload',
    file: APPLY,
    find: 'when not purge then e.raw_payload end',
    replace: 'else e.raw_payload end',
    tests: [DELETES],
  },
  {
    name: 'children of a parent that came too late are taken',
    file: INGEST,
    find: `where jsonb_typeof(list) = 'array' and not id = any(p_skip);`,
    replace: `where jsonb_typeof(list) = 'array';`,
    tests: [WEBHOOKS, CONVERGENCE],
  },
  {
    name: 'children that a cut list does not show are deleted',
    file: INGEST,
    find: 'where parent.id <> all (cut) and not exists',
    replace: 'where not exists',
    tests: [WEBHOOKS],
  },
  {
    name: 'a cut list is not completed',
    file: INGEST,
    find: `if p_child ? 'completable' and cardinality(cut) > 0 then`,
    replace: 'if false then',
    tests: [WEBHOOKS, SYNC],
  },
  {
    name: 'of two states of a child in one second, the last to arrive is taken',
    file: INGEST,
    find: `'retrievable', parent_retrievable or p_child ? 'completable',`,
    replace: `'retrievable', false,`,
    tests: [WEBHOOKS],
  },
  {
    name: 'a child that is no longer listed stays',
    file: INGEST,
    find: '  if replaces then\n',
    replace: '  if false then\n',
    tests: [WEBHOOKS],
  },
  {
    name: 'a list of children is compared as of its last page',
    file: INGEST,
    find: `    t.input := jsonb_build_object('started_at', p_page -> 'started_at', 'version', from_ms, 'version_until', until_ms)
      || t.input ||`,
    replace: `    t.input := t.input || jsonb_build_object('started_at', p_page -> 'started_at', 'version', from_ms, 'version_until', until_ms)
      ||`,
    tests: [WEBHOOKS],
  },
  {
    name: 'a page is written without the lease',
    file: INGEST,
    find: `select * into t from supasaasy.tasks where id = p_task and lease_token = p_token and state = 'running' for update;`,
    replace: 'select * into t from supasaasy.tasks where id = p_task for update;',
    tests: [WORKERS],
  },
  {
    name: 'the pages after the first are not read',
    file: INGEST,
    find: 'next_cursor := case when p_more then p_last_id end;',
    replace: 'next_cursor := null;',
    tests: [SYNC],
  },
  {
    name: 'an empty page that claims more ends the list',
    file: INGEST,
    find: 'if p_more and p_count = 0 then',
    replace: 'if false then',
    tests: [SYNC],
  },
  {
    name: 'circles of cursors are followed',
    file: INGEST,
    find: `if position_now = mark ->> 'at' then`,
    replace: 'if false then',
    tests: [SYNC],
  },
  {
    name: 'what cannot be stored is dropped without a word',
    file: INGEST,
    find: `          perform supasaasy.put_in_quarantine(p_app, p_spec ->> 'collection', record_id, sqlerrm, sqlstate, record_text,
            p_context ->> 'origin', p_context ->> 'origin_id', p_version);`,
    replace: '          null;',
    tests: [DIRTY],
  },
  {
    name: 'a record without an id does not keep the pass from deleting',
    file: INGEST,
    find: `if coalesce((result ->> 'nameless')::int, 0) > 0 then
      update supasaasy.passes set sweepable = false`,
    replace: `if false then
      update supasaasy.passes set sweepable = false`,
    tests: [DELETES, DIRTY],
  },
  {
    name: 'what PostgreSQL cannot hold is not marked',
    file: 'src/engine/unstorable.ts',
    find: 'code === undefined ? whole',
    replace: 'code !== "" ? whole',
    tests: [DIRTY],
  },
  {
    name: 'an answer that came before the last question ends the task',
    file: TASKS,
    find: `state = case when requested_at > started then 'ready' else 'done' end,`,
    replace: `state = 'done',`,
    tests: [WORKERS, CONVERGENCE],
  },
  {
    name: 'a task is claimed while another holds its lease',
    file: TASKS,
    find: `else t.lease_until < clock_timestamp() end)
      and (not p_filter ? 'run_id'`,
    replace: `else true end)
      and (not p_filter ? 'run_id'`,
    tests: [WORKERS],
  },
  {
    name: 'waiting for a rate limit counts as a failure',
    file: TASKS,
    find: `attempts = attempts + case p_how when 'wait' then 0 else 1 end,`,
    replace: 'attempts = attempts + 1,',
    tests: [SYNC, WORKERS],
  },
  {
    name: 'a paused app is worked on',
    file: TASKS,
    find: 'where a.app_key = t.app_key and a.paused_at is not null)',
    replace: 'where false)',
    tests: [SYNC],
  },
  {
    name: 'a lost cursor is lost without end',
    file: TASKS,
    find: 'where t.id = place.id and place.times <= 5 returning 1',
    replace: 'where t.id = place.id returning 1',
    tests: [SYNC],
  },
  {
    name: 'what belonged to a parent that is gone stays',
    file: TASKS,
    find: `  if coalesce(cardinality(ids), 0) < p_batch and coalesce((p_spec ->> 'retrievable')::boolean, false) then`,
    replace: '  if false then',
    tests: [SYNC, CRASH],
  },
  {
    name: 'an incomplete pass deletes',
    file: RUNS,
    find: `if exists (select 1 from supasaasy.tasks t where t.pass_id = pass.id and t.state = 'failed') then`,
    replace: 'if false then',
    tests: [DELETES, CONVERGENCE],
  },
  {
    name: 'a pass with a limit deletes',
    file: RUNS,
    find: 'elsif not pass.sweepable then',
    replace: 'elsif false then',
    tests: [SYNC, DELETES],
  },
  {
    name: 'what arrived while the pass was reading is swept',
    file: RUNS,
    find: 'and e.observed_at < p_pass.started_at and',
    replace: 'and',
    tests: [DELETES],
  },
  {
    name: 'what lies before sync_from is swept',
    file: RUNS,
    find: `    and (p_pass.window_from is null or e.source_created_at >= p_pass.window_from)
  on conflict`,
    replace: '  on conflict',
    tests: [SYNC],
  },
  {
    name: 'the breaker does not trip on a share',
    file: RUNS,
    find: `missing > living * (p_page ->> 'share')::float8`,
    replace: 'false',
    tests: [DELETES],
  },
  {
    name: 'the breaker does not trip on an empty answer',
    file: RUNS,
    find: 'or (seen_count = 0 and missing >= 10)',
    replace: '',
    tests: [DELETES],
  },
  {
    name: 'few missing ones are deleted without a question',
    file: RUNS,
    find: `if missing > 0 and missing <= (p_page ->> 'confirm')::bigint and`,
    replace: 'if false and',
    tests: [DELETES],
  },
  {
    name: 'the watermark is taken at the end of the run',
    file: RUNS,
    find: 'select run.app_key, c.collection, min(t.read_from),',
    replace: 'select run.app_key, c.collection, max(t.read_until),',
    tests: [SYNC],
  },
  {
    name: 'a failed run moves the watermark',
    file: RUNS,
    find: `select 1 from supasaasy.tasks f where f.run_id = p_run and f.state = 'failed'
      and f.kind <> 'sweep'`,
    replace: `select 1 from supasaasy.tasks f where false
      and f.kind <> 'sweep'`,
    tests: [SYNC],
  },
  {
    name: 'a failed list of children moves the watermark of its parent',
    file: RUNS,
    find: ` or f.input ->> 'of' = c.collection`,
    replace: '',
    tests: [SYNC],
  },
  {
    name: 'a run with a limit moves the watermark',
    file: RUNS,
    find: `where t.run_id = p_run and not coalesce((run.options ->> 'limit') is not null, false)`,
    replace: 'where t.run_id = p_run',
    tests: [SYNC],
  },
  {
    name: 'a run with a failed task ends as completed',
    file: RUNS,
    find: `update supasaasy.runs set state = case when failed > 0 then 'failed' else 'completed' end,`,
    replace: `update supasaasy.runs set state = 'completed',`,
    tests: [SYNC],
  },
  {
    name: 'deliveries are settled without their lease',
    file: INBOX,
    find: `if held <> jsonb_array_length(p_settled) then`,
    replace: 'if false then',
    tests: [WORKERS],
  },
  {
    name: 'a repeated delivery is stored again',
    file: 'src/engine/inbox/accept.ts',
    find: 'event_id: isPlain(event.id) ? event.id :',
    replace: 'event_id: isPlain(event.id) ? event.id + Math.random() :',
    tests: [WEBHOOKS],
  },
  {
    name: 'a delivery is acknowledged before it is committed',
    file: 'src/engine/inbox/accept.ts',
    find: 'await store.acceptDeliveries(',
    replace: 'void store.acceptDeliveries(',
    tests: [CRASH],
  },
  {
    name: 'an unverified delivery is taken',
    file: 'src/engine/inbox/accept.ts',
    find: 'if (!verification.ok) throw',
    replace: 'if (false) throw',
    tests: [WEBHOOKS],
  },
  {
    name: "another account's events are taken",
    file: 'src/engine/inbox/accept.ts',
    find: 'if (event.account !== account && (event.account !== undefined || account !== undefined)) {',
    replace: 'if (Math.random() > 2) {',
    tests: [WEBHOOKS],
  },
  {
    name: 'a run that its worker left behind stays open',
    file: 'src/engine/sync/worker.ts',
    find: 'for (const run of await store.idleRuns(filter)) touched.add(run);',
    replace: '',
    tests: [WORKERS],
  },
  {
    name: 'a refused key does not pause its app',
    file: 'src/engine/sync/worker.ts',
    find: 'await store.pauseApp(app.key, message);',
    replace: '',
    tests: [SYNC],
  },
  {
    name: 'an incremental run ignores a gap that the log no longer covers',
    file: 'src/engine/sync/plan.ts',
    find: 'watermark - log.overlapMs < nowMs - log.retentionMs',
    replace: 'watermark > nowMs',
    tests: [SYNC],
  },
  {
    name: 'one unstorable object stops the log of changes',
    file: 'src/engine/sync/read-changes.ts',
    find: 'if (!isBadData(error)) throw error;',
    replace: 'throw error;',
    tests: [DIRTY],
  },
];
