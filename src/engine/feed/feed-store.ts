import { describeError, NonRetriableError } from '../../errors.ts';
import { stringifyJson } from '../../kit/json.ts';
import type { Database } from '../database.ts';
import { excessOf } from '../json-limits.ts';
import type { AckResult, Batch, Change, Lag, NackResult } from './change.ts';
import { type DeliveredRow, toBatch } from './delivered-row.ts';
import type { HandledStats } from './handled-stats.ts';

/** The feed's SQL functions, typed. One method is one call, one round trip, one transaction (migrations 020 to 029). */
export function createFeedStore(db: Pick<Database, 'call' | 'rows'>) {
  return {
    declare: (consumers: readonly DeclaredConsumer[], all: boolean) =>
      db.call<{ created: string[] }>('declare_consumers', { consumers, all }),
    recv: (name: string, limit: number, leaseMs: number | null) => receive(db, { name, limit, lease_ms: leaseMs }),
    ack: (name: string, token: number, seqs: readonly number[] | null, stats: HandledStats | undefined) =>
      db.call<AckResult>('consumer_ack', { name, token, seqs, stats: stats ?? null }),
    nack: (name: string, token: number, seq: number, error: string, delayMs: number | null, dead: boolean) =>
      db.call<NackResult>('consumer_nack', { name, token, seq, error, delay_ms: delayMs, dead }),
    extend: (name: string, token: number, leaseMs: number | null) =>
      db.call<boolean>('consumer_extend', { name, token, lease_ms: leaseMs }),
    release: (name: string, token: number) => db.call<boolean>('consumer_release', { name, token }),
    seek: (name: string, to: string) => db.call<{ name: string; to: string }>('consumer_seek', { name, to }),
    lag: (name: string) => db.call<Lag>('consumer_lag', { name }),
    status: (name: string | null) => db.call<ConsumerStatus[]>('consumer_status', { name }),
    pause: (name: string, reason: string | null) => db.call<boolean>('pause_consumer', { name, reason }),
    resume: (name: string) => db.call<boolean>('resume_consumer', { name }),
    drop: (name: string) => db.call<boolean>('drop_consumer', { name }),
    deadLetters: (name: string, limit: number, before: number | null) =>
      db.call<DeadLetter[]>('list_dead_letters', { name, limit, before }),
    redrive: (name: string, ids: readonly number[] | null, entity: string | null) =>
      db.call<number>('redrive_dead_letters', { name, ids: ids?.length === 0 ? null : ids, entity }),
    record: (name: string, stats: HandledStats) => db.call<null>('count_handled', { name, stats }),
    publish: async (topic: string, events: readonly PublishedEvent[]) => {
      assertBearable(topic, events);
      return await db.call<{ accepted: number; repeated: number }>('publish_messages', { topic, events });
    },
    rememberOnce: (consumer: string, key: string) => db.call<boolean>('remember_once', { consumer, key }),
    watchTable: (table: string, key: string) => db.call<string>('watch_table', { table, key }),
    declareHistory: (collections: readonly { app_key: string; collection_key: string }[]) =>
      db.call<null>('declare_history', { collections }),
    trim: (keepDays: number, force: boolean, limit: number) =>
      db.call<{ changes: number; messages: number; held_by: { consumer: string; since: string }[] }>('trim_feed', {
        keep: `${keepDays} days`,
        force,
        limit,
      }),
    retentionIsDue: (everyMs: number) => db.call<boolean>('retention_is_due', { every_ms: everyMs }),
    listen: (ms: number) => db.call<null>('feed_listen', { ms }),
  };
}

/** An event may pass on what a stranger wrote: it is judged like anything from outside. */
function assertBearable(topic: string, events: readonly PublishedEvent[]): void {
  let excess: string | undefined;
  try {
    excess = excessOf(stringifyJson(events));
  } catch (error) {
    excess = describeError(error);
  }
  if (excess !== undefined) throw new NonRetriableError(`an event cannot be published to ${topic}: ${excess}`);
}

/** In rows where the database gives rows: that costs both sides half of what JSON does. */
async function receive(db: Pick<Database, 'call' | 'rows'>, args: Readonly<Record<string, unknown>>): Promise<Batch> {
  return db.rows === undefined
    ? await db.call<Batch>('consumer_recv', args)
    : toBatch(await db.rows<DeliveredRow>('consumer_recv_rows', args));
}

export type FeedStore = ReturnType<typeof createFeedStore>;

export interface ConsumerDeclaration {
  readonly name: string;
  readonly kind: 'changes' | 'messages';
  readonly topic?: string | undefined;
  readonly filter?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly parallel: number;
  readonly max_attempts: number;
  readonly backoff_ms: number;
  readonly on_dead: 'skip' | 'block';
  readonly redrive_after_ms?: number | undefined;
  readonly consume_lag_ms: number;
  readonly lag_alert_ms: number;
  readonly lease_ms: number;
  readonly thin: boolean;
  readonly start: string;
}

/** What is left out has the default of `declare_consumers`. */
export type DeclaredConsumer = Pick<ConsumerDeclaration, 'name' | 'kind'> & {
  readonly [Key in Exclude<keyof ConsumerDeclaration, 'filter'>]?: ConsumerDeclaration[Key] | undefined;
} & { readonly filter?: Readonly<Record<string, readonly string[] | undefined>> | undefined };

export interface ConsumerStatus {
  readonly name: string;
  readonly kind: 'changes' | 'messages';
  readonly topic: string | null;
  readonly filter: Readonly<Record<string, readonly string[]>>;
  readonly parallel: number;
  readonly max_attempts: number;
  readonly on_dead: 'skip' | 'block';
  readonly consume_lag_ms: number;
  readonly lag_alert_ms: number;
  readonly active: boolean;
  readonly paused_at: string | null;
  readonly pause_reason: string | null;
  readonly failing_since: string | null;
  readonly lost: number;
  readonly lag: Lag & { readonly late: boolean };
  readonly in_flight: number;
  readonly readers: number;
  readonly held: number;
  readonly blocked: number;
  readonly dead_letters: number;
  readonly stats: readonly {
    readonly type: string;
    readonly processed: number;
    readonly errors: number;
    readonly dead: number;
    readonly seconds: number;
    readonly buckets: readonly number[];
  }[];
}

export interface DeadLetter {
  readonly id: number;
  readonly seq: number;
  readonly entity: string;
  readonly error: string;
  readonly attempts: number;
  readonly created_at: string;
  readonly change: Change;
}

/** One event for a topic. `key` decides what it is kept in order with (default: its id). */
export interface PublishedEvent {
  readonly id?: string | undefined;
  readonly key?: string | undefined;
  readonly type?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly payload?: unknown;
}
