import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Migration } from '../../engine/migrate.ts';
import type { Connector } from '../../kit/connector.ts';

/** The engine's own numbered files, and those of each connector (S4-30, S4-31). */
export async function readMigrations(connectors: readonly Connector[]): Promise<Migration[]> {
  const sources: { source: string; folder: URL }[] = [
    { source: 'engine', folder: new URL('../../engine/migrations/', import.meta.url) },
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
  const names = (await readdir(fileURLToPath(base))).filter((name) => name.endsWith('.sql'));
  for (const name of names) {
    if (!/^\d+_[a-z0-9_]+\.sql$/.test(name))
      throw new Error(`${source}: migration "${name}" must be numbered, like 001_views.sql`);
  }
  return await Promise.all(
    names.map(async (name) => ({ source, name, sql: await readFile(new URL(name, base), 'utf8') })),
  );
}
