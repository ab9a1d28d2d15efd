import type { Environment } from '../../../engine/app.ts';
import { ConfigError } from '../../../errors.ts';

/** How many connections this process may have, where the environment says so. */
export function connectionsOf(env: Environment): number | undefined {
  const text = env['DATABASE_CONNECTIONS'];
  if (!text) return undefined;
  if (!/^[1-9]\d{0,3}$/.test(text))
    throw new ConfigError('DATABASE_CONNECTIONS must be the number of connections that this process may have, like 4');
  return Number(text);
}
