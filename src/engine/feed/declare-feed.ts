import type { Connector } from '../../kit/connector.ts';
import { declarationOf } from './database-source.ts';
import type { Consumer } from './define-consumer.ts';
import type { ConsumerDeclaration } from './feed-store.ts';

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

export interface FeedDeclarations {
  readonly consumers: readonly ConsumerDeclaration[];
  readonly history: readonly { readonly app_key: string; readonly collection_key: string }[];
  readonly watched: readonly { readonly table: string; readonly key: string }[];
}

/** What the database is to know: the consumers that keep their place in it, and the collections with a history. */
export function feedDeclarations(config: FeedConfig): FeedDeclarations {
  const inDatabase = config.consumers.flatMap((consumer) =>
    consumer.source.declaration === undefined ? [] : [{ consumer, source: consumer.source.declaration }],
  );
  return {
    consumers: inDatabase.map(({ consumer, source }) => declarationOf(consumer, source)),
    history: config.apps.flatMap((app) =>
      app.history.flatMap((name) => {
        const collection_key = app.connector.resources[name]?.collection;
        return collection_key === undefined ? [] : [{ app_key: app.app_key, collection_key }];
      }),
    ),
    watched: inDatabase.flatMap(({ source }) => source.watch ?? []),
  };
}
