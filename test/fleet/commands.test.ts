import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type SandboxServer, serveSandbox } from '../../sandbox/http/serve.ts';
import { createStripeSandbox } from '../../sandbox/stripe/index.ts';
import { configText, type Ended, run } from '../cli/cli.ts';
import '../http/hosted.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { checksums } from '../support/checksums.ts';

const KEY = 'sk_test_fleet_1';
const body = (more: string) =>
  configText(`{ ${more} apps: [{ app_key: 'shop', connector: 'stripe', config: {
    api_key_env: 'SHOP_KEY', webhook_secret_env: 'SHOP_SECRET', base_url: process.env.SHOP_URL || undefined,
    sync_resources: ['product'], requests_per_second: 10000 } }] }`);

describeEachDatabase(
  'commands over a database that others use',
  (make) => {
    let db: TestDatabase;
    let server: SandboxServer;
    let folder: string;
    let env: Record<string, string>;
    beforeAll(async () => {
      db = await make({ template: 'both connectors' });
      server = await serveSandbox(createStripeSandbox({ seed: 3, size: { customers: 8 }, apiKey: KEY }));
      folder = mkdtempSync(join(tmpdir(), 'supasaasy-fleet-'));
      writeFileSync(
        join(folder, 'server.config.ts'),
        body(`deployment: 'server', schedules: [{ app_key: 'shop', cron: '*/5 * * * *' }],`).replace(
          "app_key: 'shop', connector",
          "app_key: 'shop', history: true, connector",
        ),
      );
      writeFileSync(join(folder, 'laptop.config.ts'), body(`deployment: 'laptop',`));
      env = { DATABASE_URL: db.connectionString ?? '', SHOP_URL: server.url, SHOP_KEY: KEY, SHOP_SECRET: 'whsec_1' };
      expect(await server_(['migrate'])).toMatchObject({ code: 0 });
      expect(await server_(['sync', 'shop', '--mode', 'full'])).toMatchObject({ code: 0 });
    }, 300_000);
    afterAll(async () => {
      await server?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    const cli = (config: string, args: string[], own: Record<string, string> = env): Promise<Ended> =>
      run([...args, '--config', join(folder, config)], { cwd: folder, env: own });
    const server_ = (args: string[]) => cli('server.config.ts', args);
    /** What a command may write: the shared budget of requests that it asks for. */
    const shared = async () => {
      const { 'supasaasy.rate_budgets': _, ...rest } = await checksums(db.query);
      return rest;
    };

    it('C35: one that reads writes nothing, whatever its own configuration declares', async () => {
      const before = await shared();
      for (const args of [
        ['status', '--json'],
        ['plan', 'shop', '--json'],
        ['query', 'select count(*) from entities'],
        ['webhooks', 'list', 'shop', '--json'],
        ['quarantine', 'list', '--json'],
        ['consumers', 'list', '--json'],
        ['doctor', '--offline', '--json'],
        ['sync', 'shop', '--mode', 'full', '--dry-run', '--json'],
      ]) {
        const ended = await cli('laptop.config.ts', args);
        expect([args[0], ended.code === 2 ? ended.stderr : '', await shared()]).toEqual([args[0], '', before]);
      }
    }, 600_000);

    it('C35: one that reads needs no right to write', async () => {
      await db.query(`create role fleet_watcher login bypassrls password 'w'`);
      await db.query('grant pg_read_all_data to fleet_watcher');
      await db.query('grant execute on all functions in schema supasaasy to fleet_watcher');
      try {
        const url = new URL(env['DATABASE_URL'] ?? '');
        url.username = 'fleet_watcher';
        url.password = 'w';
        for (const args of [
          ['status', '--json'],
          ['webhooks', 'list', 'shop', '--json'],
          ['quarantine', 'list', '--json'],
          ['sync', 'shop', '--mode', 'full', '--dry-run', '--json'],
        ]) {
          const { code, stdout, stderr } = await cli('laptop.config.ts', args, { ...env, DATABASE_URL: url.href });
          expect([args, code, /permission denied/.test(stdout + stderr)]).toEqual([args, expect.any(Number), false]);
          expect(stdout).not.toContain('"status":"error"');
        }
      } finally {
        await db.query('revoke execute on all functions in schema supasaasy from fleet_watcher');
        await db.query('drop role fleet_watcher');
      }
    }, 600_000);

    it('C11: one without the key is code 2, names the variable, and touches nothing', async () => {
      await db.query(
        `insert into supasaasy.inbox (app_key, event_id, event_type, body, state) values ('shop', 'e1', 'product.updated', '{}', 'dead')`,
      );
      const before = await shared();
      const { SHOP_KEY: _, ...keyless } = env;
      for (const args of [
        ['sync', 'shop'],
        ['sync', 'shop', '--dry-run'],
        ['audit', 'shop'],
        ['plan', 'shop'],
        ['webhooks', 'replay', 'shop'],
        ['webhooks', 'register', 'shop', '--url', 'https://example.com'],
        ['resume', 'shop'],
        ['worker', '--once'],
      ]) {
        const { code, stderr } = await cli('server.config.ts', args, keyless);
        expect([args, code, stderr]).toEqual([args, 2, expect.stringContaining('SHOP_KEY')]);
        expect([args, await shared()]).toEqual([args, before]);
      }
      const { SHOP_SECRET: __, ...bare } = keyless;
      const served = await cli('server.config.ts', ['serve', '--port', '0'], bare);
      expect([served.code, served.stderr]).toEqual([2, expect.stringContaining('SHOP_KEY')]);
      expect(await shared()).toEqual(before);
    }, 600_000);

    it('C12, C35: status is code 1 when a schedule is overdue, or two deployments differ; the remedy that it names helps', async () => {
      await db.query(`update supasaasy.schedules set declared_at = declared_at - interval '1 hour'`);
      await cli('laptop.config.ts', ['migrate']);
      const { code, stdout } = await cli('laptop.config.ts', ['status', '--json']);
      expect(code).toBe(1);
      const { problems } = JSON.parse(stdout) as { problems: { code: string; remedy: string }[] };
      expect(new Set(problems.map((one) => one.code))).toEqual(new Set(['schedule_overdue', 'deployments_differ']));
      const [, retire = ''] = /supasaasy (migrate --retire \S+)/.exec(problems.at(-1)?.remedy ?? '') ?? [];
      // The remedy names the other one of the two, as the laptop is the first by name.
      expect(retire).toBe('migrate --retire server');
      expect(await cli('laptop.config.ts', retire.split(' '))).toMatchObject({ code: 0 });
      const after = JSON.parse((await cli('laptop.config.ts', ['status', '--json'])).stdout) as typeof JSON;
      expect(after).toMatchObject({ problems: [] });
      expect(await cli('laptop.config.ts', ['migrate', '--retire', 'laptop'])).toMatchObject({ code: 2 });
    }, 600_000);
  },
  { kinds: ['postgres'] },
);
