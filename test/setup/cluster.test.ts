import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { findEmbedded } from './cluster.ts';

const binaries = findEmbedded();

/** A process that starts a server, tells its address and data folder, and does nothing more. */
const OWNER = `
  import { findEmbedded, startCluster } from ${JSON.stringify(fileURLToPath(new URL('cluster.ts', import.meta.url)))};
  import pg from 'pg';
  const { url } = await startCluster(findEmbedded());
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query('show data_directory');
  await client.end();
  console.log(JSON.stringify({ url, data: rows[0].data_directory }));
  setInterval(() => {}, 1000);
`;

describe.skipIf(typeof binaries === 'string')('a server', () => {
  it.each(['SIGKILL', 'SIGINT'] as const)('ends and leaves nothing when its owner gets %s', async (signal) => {
    const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', OWNER], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    const { url, data } = await told(owner);
    expect(await answers(url)).toBe(true);
    // To the whole group, as a terminal does with Ctrl-C.
    process.kill(-(owner.pid ?? Number.NaN), signal);
    await expect.poll(() => existsSync(data), { timeout: 60_000, interval: 50 }).toBe(false);
    expect(await answers(url)).toBe(false);
  });
});

async function told(owner: ChildProcess): Promise<{ url: string; data: string }> {
  let text = '';
  for await (const chunk of owner.stdout ?? []) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  return JSON.parse(text);
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}
