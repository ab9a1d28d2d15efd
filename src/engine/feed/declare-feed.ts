import type { Connector } from '../../kit/connector.ts';
import type { Database } from '../database.ts';
import { declarationOf } from './database-source.ts';
import type { Consumer } from './define-consumer.ts';
import { createFeedStore } from './feed-store.ts';

/** What the feed needs to know of a configuration. */
export interface FeedConfig {
  readonly consumers: readonly Consumer[];
  readonly apps: readonly {
    readonly app_key: string;
    readonly connector: Connector;
    /** Names of the resources whose versions are kept for good. */
    readonly history: readonly string[];
  }[];
}

/** Tells the database which consumers and which histories the configuration declares: all of them. */
export async function declareFeed(config: FeedConfig, database: Database): Promise<void> {
  const store = createFeedStore(database);
  const declared = config.consumers.flatMap((consumer) =>
    consumer.source.declaration === undefined ? [] : [declarationOf(consumer, consumer.source.declaration)],
  );
  await store.declare(declared, true);
  await store.declareHistory(
    config.apps.flatMap((app) =>
      app.history.flatMap((name) => {
        const collection_key = app.connector.resources[name]?.collection;
        return collection_key === undefined ? [] : [{ app_key: app.app_key, collection_key }];
      }),
    ),
  );
}
