-- The readers of the feed. A consumer keeps its place in lanes: each lane is a set of the 64 partitions that entities
-- fall into, with one position. A consumer that nobody else helps has one lane; helpers split lanes, and lanes that
-- stand at the same place become one again.

-- What is read: `changes` (the mirror's), or a topic of `messages` (raw webhooks, rows of a table, pushed events).
create table if not exists supasaasy.consumers (
  name           text collate "C" primary key check (name ~ '^[a-z0-9_-]{1,64}$'),
  kind           text not null default 'changes' check (kind in ('changes', 'messages')),
  topic          text collate "C",
  -- {"apps": [...], "collections": [...], "types": [...]}: what else there is counts as read.
  filter         jsonb not null default '{}',
  -- Batches in flight at one time, on all hosts together.
  parallel       integer not null default 1 check (parallel between 1 and 64),
  max_attempts   integer not null default 10 check (max_attempts >= 1),
  backoff_ms     double precision not null default 1000,
  backoff_max_ms double precision not null default 180000,
  on_dead        text not null default 'skip' check (on_dead in ('skip', 'block')),
  -- Milliseconds: only changes at least this old are read; when to say that the consumer is late.
  consume_lag_ms double precision not null default 0,
  lag_alert_ms   double precision not null default 1800000,
  lease_ms       double precision not null default 30000,
  thin           boolean not null default false,
  -- Dead letters come once more by themselves after so long; null: when a person says so.
  redrive_after_ms double precision,
  -- False: no longer in the configuration. It keeps its place, and no longer holds the feed back.
  active         boolean not null default true,
  -- By the configuration; made by hand in SQL otherwise.
  declared       boolean not null default false,
  paused_at      timestamptz,
  pause_reason   text,
  -- Entries that were removed from the feed before this consumer had read them, on a person's word.
  lost           bigint not null default 0,
  created_at     timestamptz not null default clock_timestamp(),
  check ((kind = 'messages') = (topic is not null))
);

alter table supasaasy.consumers add column if not exists redrive_after_ms double precision;

create sequence if not exists supasaasy.consumer_lane_ids;
-- A position is: everything visible in the snapshot `seen`, and of what is visible in `target` (null: nothing) that
-- with a seq up to `seq`. Of that, `pending` was not acknowledged yet, and of `pending`, `flight` is out under `token`.
-- Why snapshots and not `seq > last`: transactions commit in another order than they take numbers. With 24 writers
-- `seq > last` lost 34 to 42 % of all changes; this loses, repeats and reorders none.
create table if not exists supasaasy.consumer_lanes (
  id          bigint primary key default nextval('supasaasy.consumer_lane_ids'),
  consumer    text collate "C" not null references supasaasy.consumers on delete cascade,
  -- One bit a partition.
  partitions  bigint not null default -1,
  seen        pg_snapshot not null,
  target      pg_snapshot,
  seq         bigint not null default 0,
  -- Of the window between `seen` and `target`: its last entry, and whether its entries lie far apart.
  last_seq    bigint not null default 0,
  sparse      boolean not null default false,
  pending     bigint[] not null default '{}',
  flight      bigint[] not null default '{}',
  token       bigint,
  -- Whose answer came last: to tell an acknowledgement that came twice from one that came too late.
  last_token  bigint,
  lease_until timestamptz,
  -- How often in a row a reader took this and never answered.
  crashes     integer not null default 0
) with (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
create index if not exists consumer_lanes_of on supasaasy.consumer_lanes (consumer);

-- Apart from `consumers`, whose row a reader locks first while an answer to it touches this one last: nobody waits in a circle.
create table if not exists supasaasy.consumer_health (
  consumer      text collate "C" primary key references supasaasy.consumers on delete cascade,
  -- Since when nothing but failures: what pauses a dead destination.
  failing_since timestamptz,
  -- Whose answer settled the last held entity, see last_token.
  last_token    bigint
) with (fillfactor = 50);

-- Entities with a failure: they wait here with all that follows, so that nobody else waits for them.
create table if not exists supasaasy.consumer_held (
  consumer    text collate "C" not null references supasaasy.consumers on delete cascade,
  entity      text collate "C" not null,
  seqs        bigint[] not null,
  flight      bigint[] not null default '{}',
  attempts    integer not null default 0,
  not_before  timestamptz not null,
  -- The first of `seqs` is a dead letter and the consumer's rule is to wait for a person.
  blocked     boolean not null default false,
  error       text,
  token       bigint,
  last_token  bigint,
  lease_until timestamptz,
  held_since  timestamptz not null default clock_timestamp(),
  primary key (consumer, entity)
);
create index if not exists consumer_held_due on supasaasy.consumer_held (consumer, not_before) where not blocked;

-- What was given up, with a copy that outlives the feed's retention.
create table if not exists supasaasy.dead_letters (
  id          bigint generated always as identity primary key,
  consumer    text collate "C" not null references supasaasy.consumers on delete cascade,
  seq         bigint not null,
  entity      text collate "C" not null,
  change      json not null,
  error       text not null,
  attempts    integer not null,
  state       text not null default 'dead' check (state in ('dead', 'redriven', 'settled')),
  created_at  timestamptz not null default clock_timestamp(),
  redriven_at timestamptz,
  unique (consumer, seq)
);
create index if not exists dead_letters_open on supasaasy.dead_letters (consumer, id) where state = 'dead';

-- Counters of what was processed: in the database, because the hosts that process may live for seconds.
create table if not exists supasaasy.consumer_stats (
  consumer  text collate "C" not null references supasaasy.consumers on delete cascade,
  type      text collate "C" not null,
  processed bigint not null default 0,
  errors    bigint not null default 0,
  dead      bigint not null default 0,
  seconds   double precision not null default 0,
  -- Handler calls that took at most 5 ms, 25 ms, 100 ms, 500 ms, 2.5 s, 10 s, 60 s.
  buckets   bigint[] not null default '{0,0,0,0,0,0,0}',
  primary key (consumer, type)
) with (fillfactor = 50);

-- Who may use which consumer beside the owner and the service role, which may use all (see use_consumer): a signed-in
-- user, or a database role and its members. Calling the functions takes a grant of its own (see 009_access.sql).
create table if not exists supasaasy.consumer_grants (
  consumer  text collate "C" not null references supasaasy.consumers on delete cascade,
  user_id   uuid,
  role_name text collate "C",
  may_seek  boolean not null default false,
  check (num_nonnulls(user_id, role_name) = 1),
  unique nulls not distinct (consumer, user_id, role_name)
);

-- Keys of what a handler has done once and must not do again (`ctx.once`).
create table if not exists supasaasy.consumer_receipts (
  consumer   text collate "C" not null,
  key        text collate "C" not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (consumer, key)
);

-- A log beside `changes`, with the same order and the same cursor, for events that are not changes of the mirror.
create sequence if not exists supasaasy.message_seq;
create table if not exists supasaasy.messages (
  seq        bigint primary key default nextval('supasaasy.message_seq'),
  xid        xid8 not null default pg_current_xact_id(),
  topic      text collate "C" not null,
  message_id text collate "C" not null,
  key        text collate "C" not null,
  type       text not null,
  headers    jsonb not null default '{}',
  payload    jsonb,
  -- A webhook delivery: its body stays in the inbox.
  inbox_id   bigint,
  created_at timestamptz not null default now(),
  unique (topic, message_id)
);
create index if not exists messages_order on supasaasy.messages (xid, seq);

-- One row: who listens, and what was removed.
create table if not exists supasaasy.feed_state (
  only_one        boolean primary key default true check (only_one),
  listen_until    timestamptz not null default '-infinity',
  -- Everything before this moment is gone, except where history is kept.
  trimmed_until   timestamptz,
  messages_trimmed_until timestamptz,
  restored_at     timestamptz,
  -- When retention was last seen to.
  kept_at         timestamptz
);
insert into supasaasy.feed_state default values on conflict do nothing;

-- Collections whose versions are kept for good.
create table if not exists supasaasy.feed_history (
  app_key        text collate "C" not null,
  collection_key text collate "C" not null,
  primary key (app_key, collection_key)
);

do $$
declare
  name text;
begin
  foreach name in array array['consumers', 'consumer_health', 'consumer_lanes', 'consumer_held', 'dead_letters', 'consumer_stats', 'consumer_grants',
    'consumer_receipts', 'messages', 'feed_state', 'feed_history'] loop
    execute format('alter table supasaasy.%I enable row level security', name);
  end loop;
end $$;

-- The partition of an entity: 0 … 63. The lowest bits of the hash, not its remainder, because a hash may be negative.
create or replace function supasaasy.partition_of(p_entity text) returns integer
language sql immutable parallel safe
return (hashtextextended(p_entity collate "C", 0) & 63)::integer;

-- What all changes of one entity have in common: `app_key/collection_key/external_id`.
create or replace function supasaasy.entity_key(p_app text, p_collection text, p_id text) returns text
language sql immutable parallel safe
return p_app || '/' || p_collection || '/' || p_id;

-- A run that reads a resource for the first time. What it finds is no news, for those who only want news.
create or replace function supasaasy.is_first_load(p_app text, p_collection text, p_run uuid) returns boolean
language plpgsql stable set search_path = '' as $$
#variable_conflict use_column
begin
  return (
  select p_run is not null and not exists (
    select 1 from supasaasy.sync_state where app_key = p_app and collection_key = p_collection and last_full_at is not null));
end $$;
