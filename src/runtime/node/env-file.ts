import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { ConfigError, describeError } from '../../errors.ts';

/** Reads `.env` of a folder into the environment; what is set already wins. True when there was one. */
export function loadEnvFile(folder: string): boolean {
  const file = join(folder, '.env');
  if (!existsSync(file)) return false;
  try {
    process.loadEnvFile(file);
    return true;
  } catch (error) {
    throw new ConfigError(`${file} cannot be read: ${describeError(error)}`, [], { cause: error });
  }
}
