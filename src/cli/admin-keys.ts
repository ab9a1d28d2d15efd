import type { Environment } from '../engine/app.ts';

/** Opens the admin routes; two with a comma, while one replaces the other. */
export const ADMIN_KEY_ENV = 'SUPASAASY_ADMIN_KEY';

export function adminKeysOf(env: Environment): readonly string[] {
  return (env[ADMIN_KEY_ENV] ?? '')
    .split(',')
    .map((key) => key.trim())
    .filter((key) => key !== '');
}
