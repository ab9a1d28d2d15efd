import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseEnv } from 'node:util';
import { ConfigError, describeError } from '../../errors.ts';

/** Reads `.env` of a folder into the environment; what is set already wins. True when there was one. */
export function loadEnvFile(folder: string): boolean {
  const file = join(folder, '.env');
  if (!existsSync(file)) return false;
  try {
    for (const [name, value] of Object.entries(parseEnv(decode(readFileSync(file))))) process.env[name] ??= value;
    return true;
  } catch (error) {
    throw new ConfigError(`${file} cannot be read: ${describeError(error)}`, [], { cause: error });
  }
}

/** As editors and shells of every system write it: with a byte order mark, with CRLF, in UTF-16. */
function decode(bytes: Buffer): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding).decode(bytes).replaceAll('\r\n', '\n').replaceAll('\r', '\n');
}
