-- The engine's tables. Every statement may run again: an upgrade applies the whole numbered set.

-- The apps that the configuration declares. Written by `migrate`, read by the policies and by `status`.
create table if not exists supasaasy.apps (
  app_key      text collate "C" primary key check (app_key ~ '^[a-z0-9_-]{1,64}$'),
  name         text not null,
  connector    text not null,
  workspace_id text not null default 'default',
  configured   boolean not null default true,
  -- Set when the provider refuses the key: nothing is asked of the provider until a person has mended it.
  paused_at    timestamptz,
  pause_reason text,
  created_at   timestamptz not null default now()
);

create table if not exists supasaasy.settings (
  key   text primary key,
  value jsonb not null
);

create table if not exists supasaasy.members (
  user_id      uuid not null,
  workspace_id text not null default 'default',
  role         text not null default 'member' check (role in ('owner', 'admin', 'member')),
  created_at   timestamptz not null default now(),
  primary key (user_id, workspace_id)
);

-- The mirror. One row per object of a provider, one partition per collection, so that each collection has
-- the indexes that its own view needs and a page touches no other collection's indexes.
create table if not exists supasaasy.entities (
  app_key           text collate "C" not null,
  collection_key    text collate "C" not null,
  external_id       text collate "C" not null,
  parent_id         text collate "C",
  api_version       text,
  raw_payload       jsonb,
  payload_hash      bigint not null,
  -- Milliseconds since 1970 on the provider's clock: this state was true at some moment in
  -- [version, version_until]. See decide_states for how two states are ordered.
  version           bigint not null,
  version_until     bigint not null,
  version_source    text not null check (version_source in ('read', 'event')),
  -- Our database's clock, when the state reached us.
  observed_at       timestamptz not null,
  source_created_at timestamptz,
  created_at        timestamptz not null,
  updated_at        timestamptz not null,
  archived_at       timestamptz,
  deleted_at        timestamptz,
  -- The last entry of the feed about this entity.
  change_seq        bigint,
  primary key (collection_key, external_id, app_key)
) partition by list (collection_key);

-- What is longer than 2 kB is compressed, at a quarter of the default method's time, where the server has this one. A
-- partition takes it over from its parent when it is made.
do $$ begin
  alter table supasaasy.entities alter column raw_payload set compression lz4;
exception when feature_not_supported then null; end $$;
create table if not exists supasaasy.entities_other partition of supasaasy.entities default;
create index if not exists entities_parent on supasaasy.entities (parent_id, app_key) where parent_id is not null;

-- The feed: one row per change of an entity, written in the entity's own transaction. What the entity became is
-- the next change's `before`, or the entity itself when there is none, so that a first load stores nothing twice.
create sequence if not exists supasaasy.change_seq;
create table if not exists supasaasy.changes (
  seq            bigint primary key default nextval('supasaasy.change_seq'),
  xid            xid8 not null default pg_current_xact_id(),
  app_key        text collate "C" not null,
  collection_key text collate "C" not null,
  external_id    text collate "C" not null,
  operation      text not null check (operation in ('create', 'update', 'archive', 'delete')),
  origin         text not null,
  origin_id      text,
  version        bigint not null,
  before         jsonb,
  previous_seq   bigint,
  changed_at     timestamptz not null default now()
);
do $$ begin
  alter table supasaasy.changes alter column before set compression lz4;
exception when feature_not_supported then null; end $$;
create index if not exists changes_order on supasaasy.changes (xid, seq);
create index if not exists changes_previous on supasaasy.changes (previous_seq) where previous_seq is not null;

create table if not exists supasaasy.runs (
  id          uuid primary key default gen_random_uuid(),
  app_key     text collate "C" not null,
  mode        text not null check (mode in ('full', 'incremental')),
  trigger     text not null,
  -- The caller's wish (resources, limit) as it was understood.
  options     jsonb not null default '{}',
  state       text not null default 'running' check (state in ('running', 'completed', 'failed', 'cancelled')),
  error       text,
  -- Counts per resource; filled at the end from the tasks.
  resources   jsonb,
  created_at  timestamptz not null default clock_timestamp(),
  finished_at timestamptz
);
create index if not exists runs_of_app on supasaasy.runs (app_key, created_at desc);
-- A second wish for the same thing joins the run that is on its way.
create unique index if not exists runs_one_open on supasaasy.runs (app_key, mode, md5(options::text)) where state = 'running';

-- One complete read of one resource. Only a complete pass may delete.
create table if not exists supasaasy.passes (
  id             bigint generated always as identity primary key,
  run_id         uuid not null references supasaasy.runs on delete cascade,
  app_key        text collate "C" not null,
  resource       text not null,
  collection_key text collate "C" not null,
  started_at     timestamptz not null default clock_timestamp(),
  -- Only objects created at or after this moment were asked for (sync_from).
  window_from    timestamptz,
  -- False when something makes absence meaningless: a limit, a record without an id, a provider's cap.
  sweepable      boolean not null default true,
  state          text not null default 'reading' check (state in ('reading', 'sweeping', 'swept', 'incomplete', 'refused')),
  note           text,
  finished_at    timestamptz
);
create index if not exists passes_of_run on supasaasy.passes (run_id);

-- What a pass saw, an array of ids a page: an unchanged re-sync writes no row of `entities`.
create table if not exists supasaasy.pass_pages (
  pass_id bigint not null references supasaasy.passes on delete cascade,
  page    bigint generated always as identity,
  ids     text[] not null,
  primary key (pass_id, page)
);

-- What a complete pass did not see, until it is settled.
create table if not exists supasaasy.pass_missing (
  pass_id     bigint not null references supasaasy.passes on delete cascade,
  external_id text collate "C" not null,
  primary key (pass_id, external_id)
);

create table if not exists supasaasy.tasks (
  id           bigint generated always as identity primary key,
  run_id       uuid references supasaasy.runs on delete cascade,
  pass_id      bigint references supasaasy.passes on delete cascade,
  app_key      text collate "C" not null,
  resource     text not null,
  collection_key text collate "C" not null,
  kind         text not null check (kind in ('list', 'changes', 'events', 'fanout', 'retrieve', 'children', 'sweep')),
  -- What the kind needs: {"variant": 0, "since": 1700000000, "types": [...]}.
  input        jsonb not null default '{}',
  external_id  text collate "C",
  -- Creation time in seconds, from ≤ created < to; null is open.
  range_from   bigint,
  range_to     bigint,
  -- The provider's cursor for the next page, and the creation time of the last record before it.
  cursor       text,
  cursor_created bigint,
  -- Creation time of the first record that the task read: with cursor_created, how dense its range is.
  first_created bigint,
  priority     smallint not null default 2,
  state        text not null default 'ready' check (state in ('ready', 'running', 'done', 'failed')),
  -- The fence: a writer must show the token of the lease that it holds.
  lease_token  bigint,
  lease_until  timestamptz,
  claimed_at   timestamptz,
  attempts     integer not null default 0,
  not_before   timestamptz not null default clock_timestamp(),
  requested_at timestamptz not null default clock_timestamp(),
  error        text,
  -- Provider's clock: when the first page of this task was asked, and how far its answers reach.
  read_from    bigint,
  read_until   bigint,
  pages        integer not null default 0,
  requests     integer not null default 0,
  records      bigint not null default 0,
  created      bigint not null default 0,
  updated      bigint not null default 0,
  unchanged    bigint not null default 0,
  archived     bigint not null default 0,
  deleted      bigint not null default 0,
  stale        bigint not null default 0,
  errors       bigint not null default 0,
  created_at   timestamptz not null default clock_timestamp(),
  finished_at  timestamptz
);
alter table supasaasy.tasks add column if not exists first_created bigint;
alter table supasaasy.tasks add column if not exists claimed_at timestamptz;
create index if not exists tasks_claim on supasaasy.tasks (priority, id) where state in ('ready', 'running');
create index if not exists tasks_of_run on supasaasy.tasks (run_id);
create index if not exists tasks_of_pass on supasaasy.tasks (pass_id) where pass_id is not null;
create index if not exists tasks_open_reads on supasaasy.tasks (app_key, collection_key) where read_until is not null;
-- One reading-again per entity and run; run-less ones (asked for by webhooks) share one place.
create unique index if not exists tasks_one_reading on supasaasy.tasks
  (app_key, collection_key, external_id, kind, coalesce(run_id, '00000000-0000-0000-0000-000000000000'::uuid))
  where external_id is not null and state in ('ready', 'running');
create sequence if not exists supasaasy.lease_tokens;

-- Per app and collection: where the next incremental run begins, and how far list answers reach.
create table if not exists supasaasy.sync_state (
  app_key             text collate "C" not null,
  collection_key      text collate "C" not null,
  -- Milliseconds, provider's clock: everything changed before this moment is in the mirror.
  watermark           bigint,
  read_until          bigint,
  last_full_at        timestamptz,
  last_incremental_at timestamptz,
  -- The run that moved the watermark last.
  run_id              uuid,
  primary key (app_key, collection_key)
);

-- Webhook deliveries, committed before they are acknowledged.
create table if not exists supasaasy.inbox (
  id           bigint generated always as identity primary key,
  app_key      text collate "C" not null,
  event_id     text collate "C" not null,
  event_type   text not null,
  occurred_at  timestamptz,
  received_at  timestamptz not null default clock_timestamp(),
  deliveries   integer not null default 1,
  body         text not null,
  state        text not null default 'ready' check (state in ('ready', 'running', 'processed', 'ignored', 'dead')),
  reason       text,
  lease_token  bigint,
  lease_until  timestamptz,
  attempts     integer not null default 0,
  not_before   timestamptz not null default clock_timestamp(),
  processed_at timestamptz,
  unique (app_key, event_id)
);
create index if not exists inbox_claim on supasaasy.inbox (id) where state in ('ready', 'running');
create index if not exists inbox_by_time on supasaasy.inbox (app_key, received_at desc);

-- Records that could not be stored, with the reason and the text as it came.
create table if not exists supasaasy.quarantine (
  id             bigint generated always as identity primary key,
  app_key        text collate "C" not null,
  collection_key text collate "C" not null,
  external_id    text collate "C",
  reason         text not null,
  code           text,
  raw            text not null,
  origin         text not null,
  origin_id      text,
  version        bigint,
  attempts       integer not null default 1,
  created_at     timestamptz not null default clock_timestamp(),
  updated_at     timestamptz not null default clock_timestamp(),
  resolved_at    timestamptz
);
create unique index if not exists quarantine_open on supasaasy.quarantine
  (app_key, collection_key, external_id) where resolved_at is null and external_id is not null;

-- Token buckets, shared by every worker of every host.
create table if not exists supasaasy.rate_budgets (
  app_key      text collate "C" not null,
  class        text not null,
  -- Requests a second that we allow ourselves now; learned between floor and ceiling.
  rate         double precision not null,
  ceiling      double precision not null,
  burst        double precision not null,
  tokens       double precision not null,
  blocked_until timestamptz,
  refilled_at  timestamptz not null default clock_timestamp(),
  primary key (app_key, class)
);

-- One row per schedule that has fired: two schedulers never start one occurrence twice.
create table if not exists supasaasy.schedule_runs (
  app_key   text collate "C" not null,
  schedule  text not null,
  due_at    timestamptz not null,
  run_id    uuid,
  primary key (app_key, schedule, due_at)
);
