import type { Environment } from '../../engine/app.ts';
import { trimUnseen } from '../../engine/secret-value.ts';

/**
 * The keys of the admin routes: our own, and on Supabase those that may do everything anyway (the service role's and
 * the secret keys). A publishable key is never among them.
 */
export function adminKeysOf(env: Environment): string[] {
  return [trimUnseen(env['SUPASAASY_ADMIN_KEY'] ?? ''), ...serviceKeysOf(env)].filter((key) => key !== '');
}

/** Keys of the service role, in the order in which they are to be used. */
export function serviceKeysOf(env: Environment): string[] {
  return [env['SUPABASE_SERVICE_ROLE_KEY'] ?? '', ...secretKeys(env['SUPABASE_SECRET_KEYS'])]
    .map(trimUnseen)
    .filter((key) => key !== '');
}

/** Supabase gives the secret keys as one JSON object, `{"default": "sb_secret_…"}`. */
function secretKeys(text: string | undefined): string[] {
  if (!text) return [];
  try {
    return Object.values(JSON.parse(text) as object).filter((value): value is string => typeof value === 'string');
  } catch {
    return [];
  }
}
