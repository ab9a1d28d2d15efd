import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { atMost, type Bench, fixed, median, type Row } from '../harness/bench.ts';

const APPS = 200;
const STARTS = 5;
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** From the start of the command until the server listens, with many apps in one configuration. */
export const apps: Bench = {
  name: 'apps',
  what: `${APPS} apps in one configuration: from "serve" to a server that listens, against one app`,
  minutes: 1,
  async run(stage) {
    const table: Row[] = [];
    const medians: Record<string, number> = {};
    for (const database of ['PostgreSQL', 'PGlite'] as const) {
      for (const count of [1, APPS]) {
        const folder = mkdtempSync(join(tmpdir(), 'supasaasy-apps-'));
        try {
          writeFileSync(join(folder, 'supasaasy.config.ts'), configOf(count));
          const url = database === 'PostgreSQL' ? await stage.server.createDatabase() : undefined;
          await run(['migrate'], folder, url);
          const seconds: number[] = [];
          for (let turn = 0; turn < STARTS; turn += 1) seconds.push(await startSeconds(folder, url));
          medians[`${database} ${count}`] = median(seconds);
          table.push({
            database,
            apps: count,
            'median s': fixed(median(seconds), 2),
            'max s': fixed(Math.max(...seconds), 2),
          });
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      }
    }
    return {
      tables: { 'until it listens': table },
      goals: [
        atMost(`start with ${APPS} apps on PostgreSQL`, medians[`PostgreSQL ${APPS}`] ?? Infinity, 3, 's', (n) =>
          fixed(n, 2),
        ),
        atMost(`start with ${APPS} apps on PGlite`, medians[`PGlite ${APPS}`] ?? Infinity, 3, 's', (n) => fixed(n, 2)),
      ],
    };
  },
};

function configOf(count: number): string {
  const app = (index: number) =>
    `{ app_key: 'shop_${index}', connector: 'stripe', config: { api_key_env: 'SHOP_KEY', webhook_secret_env: 'SHOP_SECRET' } }`;
  const schedule = (index: number) => `{ app_key: 'shop_${index}', cron: '0 4 1 1 *', mode: 'incremental' }`;
  const each = Array.from({ length: count }, (_, index) => index);
  return `import '${ROOT}connectors/stripe/index.ts';
import { defineConfig } from '${ROOT}src/index.ts';
export default defineConfig({ apps: [${each.map(app).join(',\n')}], schedules: [${each.map(schedule).join(',\n')}] });
`;
}

function command(args: readonly string[], folder: string, databaseUrl: string | undefined) {
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, SHOP_KEY: 'sk_test_bench', SHOP_SECRET: 'whsec_bench', DATABASE_URL: databaseUrl };
  return spawn(process.execPath, [join(ROOT, 'bin/supasaasy.js'), ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

async function run(args: readonly string[], folder: string, databaseUrl: string | undefined): Promise<void> {
  const child = command(args, folder, databaseUrl);
  child.stdout.resume();
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`supasaasy ${args.join(' ')} ended with code ${code}`);
}

async function startSeconds(folder: string, databaseUrl: string | undefined): Promise<number> {
  const began = performance.now();
  const child = command(['serve', '--port', '0', '--json'], folder, databaseUrl);
  const ended = once(child, 'close').then(([code]) => {
    throw new Error(`serve ended with code ${code} before it listened`);
  });
  await Promise.race([once(child.stdout, 'data'), ended]);
  const seconds = (performance.now() - began) / 1000;
  child.kill('SIGINT');
  await ended.catch(() => {});
  return seconds;
}
