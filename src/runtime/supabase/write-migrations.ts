import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Config } from '../../config.ts';
import { type Assembly, assembleMigrations } from '../../engine/assemble.ts';
import { deploymentName } from '../node/deployment-name.ts';
import { readMigrations } from '../node/migration-files.ts';

/** Where the Supabase CLI looks for migrations. */
export const MIGRATIONS_FOLDER = 'supabase/migrations';

/** Assembles into `folder`; writes at most one new file and never touches one that is there. */
export async function writeMigrations(
  config: Config,
  folder: string = MIGRATIONS_FOLDER,
  nowMs: number = Date.now(),
): Promise<Assembly> {
  await mkdir(folder, { recursive: true });
  const names = (await readdir(folder)).filter((name) => name.endsWith('_supasaasy.sql'));
  const existing = await Promise.all(
    names.map(async (name) => ({ name, text: await readFile(join(folder, name), 'utf8') })),
  );
  const migrations = await readMigrations(config.apps.map((app) => app.connector));
  const deployment = deploymentName(config, resolve(folder, '..', '..'));
  const assembly = await assembleMigrations({ config, deployment, migrations, existing, nowMs });
  if (assembly.state === 'new') await writeFile(join(folder, assembly.file.name), assembly.file.text, { flag: 'wx' });
  return assembly;
}
