import { ConfigError, describeError } from '../../errors.ts';
import type { Database, SqlDatabase, Transaction } from '../database.ts';
import type { Ports } from '../ports.ts';
import type { ConsumerApi } from './consumer-api.ts';
import type { Consumer } from './define-consumer.ts';
import { createFeedStore, type FeedStore } from './feed-store.ts';
import { runConsumer } from './run-consumer.ts';
import { createWake, type Wake } from './wake.ts';

export interface FeedOptions {
  readonly database: Database;
  readonly ports: Ports;
  readonly consumers: readonly Consumer[];
  readonly startRun: ConsumerApi['startRun'];
  /** How often each consumer's lag is looked at (default 30 s). */
  readonly lagCheckMs?: number;
}

/** The change feed of one engine: its consumers, and what can be asked and told about them. */
export interface Feed {
  readonly store: FeedStore;
  readonly consumers: readonly Consumer[];
  /** Runs every consumer (or those named) until the signal aborts. */
  run(options: { readonly signal: AbortSignal; readonly only?: readonly string[] }): Promise<void>;
  /**
   * Runs them until there is nothing to do now, or the deadline: for hosts that live for one request. One that cannot run
   * says so in the log. Returns how many changes were taken.
   */
  runOnce(options?: {
    readonly signal?: AbortSignal;
    readonly deadline?: number;
    readonly only?: readonly string[];
  }): Promise<number>;
  publish: ConsumerApi['publish'];
}

const LISTEN_MS = 60_000;
/** Until listening is tried again where it was in vain: a pooler, a server without a connection to spare. */
const DEAF_MS = 600_000;

export function createFeed(options: FeedOptions): Feed {
  const { database, ports, consumers } = options;
  const store = createFeedStore(database);
  const names = consumers.map((consumer) => consumer.name);
  names.forEach((name, i) => {
    if (names.indexOf(name) !== i)
      throw new ConfigError(`two consumers are named "${name}"; each needs a name of its own`);
  });

  function apiFor(consumer: string, tx?: Transaction): ConsumerApi {
    const own = tx === undefined ? store : createFeedStore(tx);
    return {
      startRun: options.startRun,
      publish: (topic, events) => own.publish(topic, [events].flat()),
      once: (key) => own.rememberOnce(consumer, key),
    };
  }

  function chosen(only: readonly string[] | undefined): readonly Consumer[] {
    for (const name of only ?? []) {
      if (!names.includes(name))
        throw new ConfigError(
          `there is no consumer "${name}" in supasaasy.config.ts (consumers: ${names.join(', ') || 'none'})`,
        );
    }
    return only === undefined ? consumers : consumers.filter((consumer) => only.includes(consumer.name));
  }

  async function runOne(
    consumer: Consumer,
    wake: Wake,
    signal: AbortSignal,
    once: boolean,
    deadline?: number,
  ): Promise<number> {
    const sql = isSql(database) ? database : undefined;
    if (consumer.transaction && sql === undefined)
      throw new ConfigError(
        `consumer "${consumer.name}": "transaction: true" needs a direct connection to the database`,
      );
    const receiver = await consumer.source.open({ settings: consumer, ports, database });
    try {
      return await runConsumer(
        { consumer, receiver, ports, apiFor, database: sql, deadline },
        {
          signal,
          wake,
          once,
          ...(options.lagCheckMs === undefined ? {} : { lagCheckMs: options.lagCheckMs }),
        },
      );
    } finally {
      await receiver.close();
    }
  }

  return {
    store,
    consumers,
    async run({ signal, only }) {
      const running = chosen(only);
      const wakes = running.map(() => createWake(ports));
      const ringAll = () => {
        for (const wake of wakes) wake.ring();
      };
      const listening = listen(database, store, ports, ringAll, signal);
      // One that cannot run (its table is not ours, its server is away) keeps no other from running.
      await Promise.all(
        running.map(async (consumer, i) => {
          const wake = wakes[i] ?? createWake(ports);
          for (let wait = 1000; !signal.aborted; wait = Math.min(wait * 2, 60_000)) {
            try {
              await runOne(consumer, wake, signal, false);
              return;
            } catch (error) {
              ports.log('error', `consumer ${consumer.name} stopped, and is tried again: ${describeError(error)}`);
              await ports.sleep(wait, signal);
            }
          }
        }),
      );
      await listening;
    },
    async runOnce({ signal = new AbortController().signal, deadline, only } = {}) {
      const counts = await Promise.all(
        chosen(only).map(async (consumer) => {
          try {
            return await runOne(consumer, createWake(ports), signal, true, deadline);
          } catch (error) {
            ports.log('error', `consumer ${consumer.name} stopped: ${describeError(error)}`);
            return 0;
          }
        }),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    },
    publish: (topic, events) => store.publish(topic, [events].flat()),
  };
}

function isSql(database: Database): database is SqlDatabase {
  return 'transaction' in database;
}

/** Hears the database's notices where it can be heard, and tells it so. Without, consumers look for themselves. */
async function listen(
  database: Database,
  store: FeedStore,
  ports: Ports,
  heard: () => void,
  signal: AbortSignal,
): Promise<void> {
  if (!isSql(database) || database.listen === undefined) return;
  while (!signal.aborted) {
    try {
      const listener = await database.listen('supasaasy_feed', heard);
      while (!signal.aborted) {
        await store.listen(LISTEN_MS).catch(() => {});
        await ports.sleep(LISTEN_MS / 2, signal);
      }
      await listener.close();
    } catch (error) {
      ports.log(
        'debug',
        `no notices from the database, consumers look for changes themselves: ${describeError(error)}`,
      );
      await ports.sleep(DEAF_MS, signal);
    }
  }
}
