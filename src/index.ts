/** Supasaasy: mirror SaaS accounts into your own Postgres, and know that the mirror is true. */
export { type AppConfig, type Config, type ConfigInput, defineConfig } from './config.ts';
export type { Database, SqlDatabase } from './engine/database.ts';
export { createEngine, type Engine, type EngineOptions } from './engine/engine.ts';
export * from './errors.ts';
export { defineConnector, getConnector } from './kit/define-connector.ts';
