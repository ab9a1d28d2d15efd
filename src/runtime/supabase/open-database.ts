import type { Environment } from '../../engine/app.ts';
import type { Database } from '../../engine/database.ts';
import { ConfigError } from '../../errors.ts';
import { connectionsOf } from '../node/postgres/connections-of.ts';
import { createPostgres } from '../node/postgres.ts';
import { serviceKeysOf } from './admin-keys.ts';
import { createRestDatabase } from './rest-database.ts';

/** Each function's instance has a pool of its own, and a small project 60 connections. */
const CONNECTIONS = 3;

/**
 * `DATABASE_URL` (a pooler's address, for one), else `SUPABASE_DB_URL` through `pg`; else `SUPABASE_URL` with a secret
 * key, through PostgREST.
 */
export function openSupabaseDatabase(env: Environment): Database {
  const connectionString = env['DATABASE_URL'] || env['SUPABASE_DB_URL'];
  if (connectionString && env['SUPASAASY_DATABASE'] !== 'rest')
    return createPostgres({
      connectionString,
      variable: env['DATABASE_URL'] ? 'DATABASE_URL' : 'SUPABASE_DB_URL',
      max: connectionsOf(env) ?? CONNECTIONS,
    });
  const url = env['SUPABASE_URL'];
  const [key] = serviceKeysOf(env);
  if (url && key) return createRestDatabase({ url, key });
  throw new ConfigError(
    'no database: set SUPABASE_DB_URL (Supabase does), DATABASE_URL, or SUPABASE_URL with SUPABASE_SERVICE_ROLE_KEY',
  );
}
