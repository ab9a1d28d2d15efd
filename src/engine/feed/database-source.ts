import { ConfigError, DatabaseError } from '../../errors.ts';
import { type ConsumerDeclaration, createFeedStore, type FeedStore } from './feed-store.ts';
import type { ConsumerSettings, Receiver, Source, SourceDeclaration } from './source.ts';

export interface ChangesOptions {
  readonly apps?: readonly string[];
  /** `acme_subscription` */
  readonly collections?: readonly string[];
  /** `create`, `update`, `archive`, `delete`, or whole types like `acme.subscription.updated`. */
  readonly types?: readonly string[];
}

/** The mirror's own changes; `changes<Subscription>({…})` says what they are changes of. */
export function changes<Payload = unknown>(options: ChangesOptions = {}): Source<Payload> {
  return fromDatabase('changes', { kind: 'changes', filter: definedLists({ ...options }) });
}

/** Every webhook delivery as it came, before it is worked: `after` is its body. */
export function inbox<Payload = unknown>(options: { readonly types?: readonly string[] } = {}): Source<Payload> {
  return fromDatabase('inbox', { kind: 'messages', topic: 'inbox', filter: definedLists({ ...options }) });
}

/** Events that are pushed in (`POST /topics/{name}`, `supasaasy.publish_messages`, `ctx.api.publish`). */
export function topic<Payload = unknown>(
  name: string,
  options: { readonly types?: readonly string[] } = {},
): Source<Payload> {
  if (!/^[a-z0-9_.:-]{1,128}$/.test(name))
    throw new ConfigError(`the topic "${name}" must match ^[a-z0-9_.:-]{1,128}$`);
  return fromDatabase(name, { kind: 'messages', topic: name, filter: definedLists({ ...options }) });
}

/**
 * Rows of any table that are inserted, updated or deleted, in the order of each row. A trigger writes them down, so
 * that no transaction that commits late is missed (`id > last` misses them).
 */
export function table<Row = unknown>(
  name: string,
  options: { readonly key: string; readonly types?: readonly string[] },
): Source<Row> {
  const full = name.includes('.') ? name : `public.${name}`;
  return fromDatabase(`table:${full}`, {
    kind: 'messages',
    topic: `table:${full}`,
    filter: definedLists({ types: options.types }),
    watch: { table: full, key: options.key },
  });
}

function definedLists(lists: Record<string, readonly string[] | undefined>): Record<string, readonly string[]> {
  return Object.fromEntries(
    Object.entries(lists).filter((entry): entry is [string, readonly string[]] => entry[1] !== undefined),
  );
}

function fromDatabase<Payload>(name: string, declaration: SourceDeclaration): Source<Payload> {
  return {
    name,
    declaration,
    async open({ settings, database }) {
      if (database === undefined)
        throw new ConfigError(
          `consumer "${settings.name}": the source ${name} lives in the database, and there is none`,
        );
      const store = createFeedStore(database);
      await store.declare([declarationOf(settings, declaration)], false);
      if (declaration.watch !== undefined) await watch(store, declaration.watch);
      return createDatabaseReceiver(store, settings.name);
    },
  };
}

/** What `declare_consumers` is told. */
export function declarationOf(settings: ConsumerSettings, source: SourceDeclaration): ConsumerDeclaration {
  return {
    name: settings.name,
    kind: source.kind,
    topic: source.topic,
    filter: source.filter,
    parallel: settings.parallel,
    max_attempts: settings.maxAttempts,
    backoff_ms: settings.errBackOff,
    on_dead: settings.onDead,
    redrive_after_ms: settings.redriveAfter,
    consume_lag_ms: settings.consumeLag,
    lag_alert_ms: settings.lagAlert,
    lease_ms: settings.lease,
    thin: settings.thin,
    start: settings.start instanceof Date ? settings.start.toISOString() : settings.start,
  };
}

async function watch(store: FeedStore, { table: name, key }: { table: string; key: string }): Promise<void> {
  try {
    await store.watchTable(name, key);
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.sqlState !== '42501') throw error;
    throw new ConfigError(
      `only the owner of ${name} can have it watched: let them run  select supasaasy.watch_table('${name}', '${key}')`,
      [],
      { cause: error },
    );
  }
}

function createDatabaseReceiver(store: FeedStore, name: string): Receiver {
  // How many of each batch are not answered yet.
  const out = new Map<number, number>();
  const answered = (token: number, count: number) => {
    const left = (out.get(token) ?? 0) - count;
    if (left > 0) out.set(token, left);
    else out.delete(token);
  };
  return {
    async recv(limit) {
      const batch = await store.recv(name, limit, null);
      if (batch.token !== null) out.set(batch.token, batch.changes.length);
      return batch;
    },
    async ack(token, acked, stats) {
      if (acked.length === 0) {
        if (stats !== undefined) await store.record(name, stats);
        return { acked: 0, repeated: 0, lost: 0 };
      }
      const seqs = acked.map((change) => change.seq);
      const result = await store.ack(name, token, seqs, stats);
      answered(token, acked.length);
      return result;
    },
    async nack(token, change, failure) {
      return await store.nack(name, token, change.seq, failure.error, failure.delayMs ?? null, failure.dead ?? false);
    },
    async extend(token, leaseMs) {
      await store.extend(name, token, leaseMs ?? null);
    },
    async release(token) {
      out.delete(token);
      await store.release(name, token);
    },
    lag: () => store.lag(name),
    async seek(to) {
      await store.seek(name, to instanceof Date ? to.toISOString() : to);
    },
    async pause(reason) {
      await store.pause(name, reason);
    },
    async close() {
      for (const token of out.keys()) await store.release(name, token);
      out.clear();
    },
  };
}
