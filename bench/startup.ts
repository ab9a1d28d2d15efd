/**
 * Medians of the time that short commands take, from the start of the process to its end: `npm run bench:startup`,
 * `npm run bench:startup -- --runs 15 --other ../other-checkout`. Runs of both are taken in turns.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findEmbedded, startCluster } from '../test/setup/cluster.ts';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '9' }, other: { type: 'string' } } });
const checkouts = [resolve(import.meta.dirname, '..'), ...(values.other === undefined ? [] : [resolve(values.other)])];
const commands = [['--version'], ['--help'], ['status', '--json']];
const folder = mkdtempSync(join(tmpdir(), 'supasaasy-startup-'));
const binaries = findEmbedded();
if (typeof binaries === 'string') throw new Error(binaries);
const cluster = await startCluster(binaries);
try {
  for (const checkout of checkouts) {
    // Each has a database of its own: `status` wants its own migrations.
    const url = new URL(cluster.url);
    url.pathname = `/startup_${checkouts.indexOf(checkout)}`;
    const { default: pg } = await import('pg');
    const admin = new pg.Client({ connectionString: cluster.url });
    await admin.connect();
    await admin.query(`create database "${url.pathname.slice(1)}"`);
    await admin.end();
    run(checkout, ['migrate', '--config', join(checkout, 'supasaasy.config.ts')], url.href);
  }
  for (const command of commands) {
    const times = checkouts.map((): number[] => []);
    for (let turn = 0; turn < Number(values.runs); turn += 1)
      for (const [i, checkout] of checkouts.entries()) {
        const url = new URL(cluster.url);
        url.pathname = `/startup_${i}`;
        const config = command[0] === 'status' ? ['--config', join(checkout, 'supasaasy.config.ts')] : [];
        times[i]?.push(run(checkout, [...command, ...config], url.href));
      }
    const medians = times.map((list) => `${Math.round(list.sort((a, b) => a - b)[list.length >> 1] ?? 0)} ms`);
    console.log(`${command.join(' ').padEnd(14)} ${medians.join('  other: ')}`);
  }
} finally {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}

function run(checkout: string, args: readonly string[], databaseUrl: string): number {
  const began = performance.now();
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], DATABASE_URL: databaseUrl };
  const ended = spawnSync(process.execPath, [join(checkout, 'bin/supasaasy.js'), ...args], { cwd: folder, env });
  // `status` of apps that never ran may ask for attention.
  if (ended.status === null || ended.status > 1) throw new Error(`${args.join(' ')}: ${ended.stderr}${ended.stdout}`);
  return performance.now() - began;
}
