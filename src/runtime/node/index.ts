/** An engine in a program of yours, on Node: `supasaasy/node`. */
export type { SqlDatabase } from '../../engine/database.ts';
export { createEngine, type Engine, type EngineOptions, migrate } from './create-engine.ts';
export { createSupasaasy, type Supasaasy, type SupasaasyOptions } from './create-supasaasy.ts';
export type { PostgresPool, PostgresPoolClient } from './from-pool.ts';
export { loadConfig } from './load-config.ts';
export { createPglite } from './pglite.ts';
export { createPostgres, type PostgresOptions } from './postgres.ts';
export { type RunningServer, type ServerOptions, serve, startWorker } from './serve-engine.ts';
export { toNodeHandler } from './to-node-handler.ts';
