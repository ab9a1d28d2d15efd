/** Supasaasy: mirror SaaS accounts into your own Postgres, and know that the mirror is true. */
export { type AppConfig, type AppInput, type Config, type ConfigInput, defineConfig, parseConfig } from './config.ts';
export type { Database, SqlDatabase } from './engine/database.ts';
export type { Change, Lag } from './engine/feed/change.ts';
export type { ConsumerApi } from './engine/feed/consumer-api.ts';
export { changes, inbox, table, topic } from './engine/feed/database-source.ts';
export {
  byType,
  type Consumer,
  type ConsumerInput,
  defineConsumer,
  type Handler,
  type HandlerContext,
} from './engine/feed/define-consumer.ts';
export { memory } from './engine/feed/memory-source.ts';
export { PauseConsumerError } from './engine/feed/pause-consumer-error.ts';
export { definePush, type PushInput } from './engine/feed/push.ts';
export type { Receiver, Source, SourceContext } from './engine/feed/source.ts';
export * from './errors.ts';
export type { Connectors } from './kit/connector.ts';
export { defineConnector, getConnector } from './kit/define-connector.ts';
export { ExactNumber, parseJson, stringifyJson } from './kit/json.ts';
