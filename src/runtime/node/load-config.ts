import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../../config.ts';
import { ConfigError, describeError, SupasaasyError } from '../../errors.ts';
import { ownModules } from './own-modules.ts';

export const CONFIG_FILE = 'supasaasy.config.ts';

/** Loads a configuration file, in TypeScript or JavaScript. */
export async function loadConfig(file: string): Promise<Config> {
  const path = resolve(file);
  if (!existsSync(path)) {
    throw new ConfigError(`there is no ${file}: run "supasaasy init", or name the file with --config`);
  }
  const found = await importConfig(file, path);
  if (found === undefined || !Array.isArray(found.apps)) {
    throw new ConfigError(`${file} must say "export default defineConfig({ apps: […] })"`);
  }
  return found;
}

async function importConfig(file: string, path: string): Promise<Config | undefined> {
  const { createJiti } = await import('jiti');
  // The same on every version of Node, of which the older ones read no TypeScript.
  const jiti = createJiti(path, { virtualModules: ownModules(), interopDefault: false });
  try {
    return (await jiti.import<{ default?: Config }>(path)).default;
  } catch (error) {
    if (error instanceof ConfigError)
      throw new ConfigError(`${file}: ${error.message.split('\n', 1)[0]}`, error.problems, { cause: error });
    if (error instanceof SupasaasyError) throw error;
    throw new ConfigError(`${file} cannot be loaded: ${describeError(error)}`, [], { cause: error });
  }
}
