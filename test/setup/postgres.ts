import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { findEmbedded, startCluster } from './cluster.ts';
import { dropTemplates } from './templates.ts';

/** What every test file is told about the servers of this run. */
export interface TestServers {
  /** PostgreSQL 18, superuser; or why there is none. */
  readonly postgres: { readonly url: string } | { readonly unavailable: string };
  /** Folder of this run, for snapshots of PGlite. */
  readonly folder: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    servers: TestServers;
  }
}

/**
 * Vitest's global set-up: one PostgreSQL 18 for the whole run. `TEST_PG_URL` names a running one instead (superuser;
 * databases and roles are made in it); `TEST_DATABASES=pglite` needs none.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await sweepFolders();
  const cluster = await choose();
  const folder = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
  const postgres = 'unavailable' in cluster ? cluster : { url: cluster.url };
  project.provide('servers', { postgres, folder });
  // In watch mode the migrations may have changed.
  project.onTestsRerun(async () => await dropTemplates(folder, 'url' in postgres ? postgres.url : undefined));
  return async () => {
    if ('stop' in cluster) await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  };
}

const PREFIX = 'supasaasy-test-';

/** Removes the folders of runs that were killed. */
async function sweepFolders(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : Number.NaN;
    if (!Number.isNaN(pid) && !isAlive(pid)) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function choose() {
  const url = process.env['TEST_PG_URL'];
  if (url) return { url };
  const wanted = process.env['TEST_DATABASES'];
  if (wanted !== undefined && !wanted.split(',').includes('postgres'))
    return { unavailable: `TEST_DATABASES=${wanted}` };
  const binaries = findEmbedded();
  return typeof binaries === 'string' ? { unavailable: binaries } : await startCluster(binaries);
}
