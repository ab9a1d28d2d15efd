import type { Environment } from '../engine/app.ts';
import { faultOf, trimUnseen } from '../engine/secret-value.ts';
import { ConfigError } from '../errors.ts';

/** Opens the admin routes; two with a comma, while one replaces the other. */
export const ADMIN_KEY_ENV = 'SUPASAASY_ADMIN_KEY';

/** Throws a `ConfigError` for one that no header can carry: no request could ever show it. */
export function adminKeysOf(env: Environment): readonly string[] {
  const keys = (env[ADMIN_KEY_ENV] ?? '')
    .split(',')
    .map(trimUnseen)
    .filter((key) => key !== '');
  for (const key of keys) {
    const fault = faultOf(key, 'key');
    if (fault !== undefined)
      throw new ConfigError(`the value of ${ADMIN_KEY_ENV} ${fault}: correct it in .env or the function's secrets`);
  }
  return keys;
}
