import type { Migration } from '../../engine/migrate.ts';
import type { Connector } from '../../kit/connector.ts';
import { folderBeside } from '../../kit/folder-beside.ts';
import type { SqlFile } from './packaged-sql.ts';

/** `dist/` of the package, or the repository. */
const ROOT = folderBeside(import.meta.url, '../../../');

/** The engine's own numbered files, and those of each connector (S4-30, S4-31). */
export async function readMigrations(connectors: readonly Connector[]): Promise<Migration[]> {
  const sources: { source: string; folder: URL }[] = [
    { source: 'engine', folder: new URL('src/engine/migrations/', ROOT) },
  ];
  // By name: an app that wants fewer resources has a connector of its own.
  for (const connector of new Map(connectors.map((one) => [one.metadata.name, one])).values()) {
    if (connector.metadata.migrations !== null)
      sources.push({ source: connector.metadata.name, folder: connector.metadata.migrations });
  }
  const lists = await Promise.all(sources.map(({ source, folder }) => readFolder(source, folder)));
  return lists.flat();
}

async function readFolder(source: string, folder: URL): Promise<Migration[]> {
  const base = folder.href.endsWith('/') ? folder : new URL(`${folder.href}/`);
  const files = (await packagedFiles(base)) ?? (await filesOnDisk(base));
  for (const { name } of files) {
    if (!/^\d+_[a-z0-9_]+\.sql$/.test(name))
      throw new Error(`${source}: migration "${name}" must be numbered, like 001_views.sql`);
  }
  return files.map((file) => ({ source, ...file }));
}

async function packagedFiles(folder: URL): Promise<readonly SqlFile[] | undefined> {
  if (!folder.href.startsWith(ROOT.href)) return undefined;
  const { packagedSql } = await import('./packaged-sql.ts');
  return packagedSql.get(folder.href.slice(ROOT.href.length));
}

/** Those of a connector outside this package, and of this repository. */
async function filesOnDisk(folder: URL): Promise<SqlFile[]> {
  const { readdir, readFile } = await import('node:fs/promises');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql'));
  return await Promise.all(names.map(async (name) => ({ name, sql: await readFile(new URL(name, folder), 'utf8') })));
}
