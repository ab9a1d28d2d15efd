import type { Migration } from '../../engine/migrate.ts';
import type { Connector } from '../../kit/connector.ts';
import { folderBeside } from '../../kit/folder-beside.ts';
import { packagedSql, type SqlFile } from './packaged-sql.ts';

/** In the package, folders of SQL are names (`supasaasy:connectors/acme/migrations/`); in the repository, files. */
const ENGINE =
  packagedSql.size > 0
    ? new URL('supasaasy:src/engine/migrations/')
    : folderBeside(import.meta.url, '../../engine/migrations/');

/** The engine's own numbered files, and those of each connector (S4-30, S4-31). */
export async function readMigrations(connectors: readonly Connector[]): Promise<Migration[]> {
  const sources: { source: string; folder: URL }[] = [{ source: 'engine', folder: ENGINE }];
  // By name: an app that wants fewer resources has a connector of its own.
  for (const connector of new Map(connectors.map((one) => [one.metadata.name, one])).values()) {
    if (connector.metadata.migrations !== null)
      sources.push({ source: connector.metadata.name, folder: connector.metadata.migrations });
  }
  const lists = await Promise.all(sources.map(({ source, folder }) => readFolder(source, folder)));
  return lists.flat();
}

async function readFolder(source: string, folder: URL): Promise<Migration[]> {
  const files = folder.protocol === 'supasaasy:' ? packagedFiles(folder) : await filesOnDisk(folder);
  for (const { name } of files) {
    if (!/^\d+_[a-z0-9_]+\.sql$/.test(name))
      throw new Error(`${source}: migration "${name}" must be numbered, like 001_views.sql`);
  }
  return files.map((file) => ({ source, ...file }));
}

function packagedFiles(folder: URL): readonly SqlFile[] {
  const files = packagedSql.get(folder.pathname);
  if (files === undefined) throw new Error(`this build of supasaasy has no SQL in ${folder.href}`);
  return files;
}

/** Those of a connector outside this package, and of this repository. */
async function filesOnDisk(folder: URL): Promise<SqlFile[]> {
  const base = folder.href.endsWith('/') ? folder : new URL(`${folder.href}/`);
  const { readdir, readFile } = await import('node:fs/promises');
  const names = (await readdir(base)).filter((name) => name.endsWith('.sql'));
  return await Promise.all(names.map(async (name) => ({ name, sql: await readFile(new URL(name, base), 'utf8') })));
}
