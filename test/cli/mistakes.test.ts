import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ask, configText, dataDir, ONE_APP, run, start, temporaryFolder, temporaryMigratedFolder } from './cli.ts';

const secrets = { SHOP_KEY: 'sk_test_1234567890', SHOP_SECRET: 'whsec_1234567890' };

describe('a mistake gives one clear message', { timeout: 120_000 }, () => {
  it('without a configuration: what to run', async () => {
    const { code, stderr, stdout } = await run(['status'], { cwd: temporaryFolder() });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('supasaasy init');
    expect(stderr).not.toContain('    at ');
  });

  it('every mistake of a configuration at once, each with its path; a literal secret is not repeated', async () => {
    const folder = temporaryFolder(
      configText(`{
        sync_from: 'yesterday',
        apps: [
          { app_key: 'Shop!', connector: 'stripe', config: { api_key_env: 'sk_live_literal_secret' } },
          { app_key: 'crm', connector: 'salesforce' },
        ],
        schedules: [{ app_key: 'shop', cron: 'now and then' }],
      }`),
    );
    const { code, stderr, stdout } = await run(['status', '--json'], { cwd: folder });
    expect(code).toBe(2);
    for (const path of [
      'sync_from',
      'apps[0].app_key',
      'apps[0].config.api_key_env',
      'apps[1].connector',
      'schedules[0].cron',
    ])
      expect(stderr).toContain(path);
    expect(stderr + stdout).not.toContain('sk_live_literal_secret');
    expect(JSON.parse(stdout)).toMatchObject({ status: 'error', error: { code: 'config_invalid' } });
  });

  it('a configuration that cannot be compiled names the file; the trace comes with --verbose only', async () => {
    const folder = temporaryFolder('export default {{{');
    const quiet = await run(['status'], { cwd: folder });
    expect(quiet.code).toBe(2);
    expect(quiet.stderr).toContain('supasaasy.config.ts');
    expect(quiet.stderr).not.toContain('    at ');
    const verbose = await run(['status', '--verbose'], { cwd: folder });
    expect(verbose.stderr).toContain('    at ');
  });

  it('C11: a missing secret is code 2, and is named, with where it goes', async () => {
    const { code, stderr } = await run(['sync', 'shop'], { cwd: await temporaryMigratedFolder(ONE_APP) });
    expect(code).toBe(2);
    expect(stderr).toMatch(/SHOP_KEY.*\.env/);
  });

  it('C11: a worker without the key of any app is code 2, and leaves what is due to others', async () => {
    const schedules = ONE_APP.replace('apps:', "schedules: [{ app_key: 'shop', cron: '* * * * *' }], apps:");
    const cwd = await temporaryMigratedFolder(schedules);
    await ask(
      dataDir(cwd),
      `insert into supasaasy.schedules (app_key, schedule, mode, cron, declared_at)
       values ('shop', 'incremental * * * * *', 'incremental', '* * * * *', now() - interval '1 hour')`,
    );
    const { code, stderr } = await run(['worker', '--once', '--json'], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('SHOP_KEY');
    expect(await ask(dataDir(cwd), 'select from supasaasy.schedule_runs')).toEqual([]);
  });

  it('.env beside the configuration is read; what is set already wins', async () => {
    const folder = temporaryFolder(ONE_APP);
    writeFileSync(join(folder, '.env'), 'SHOP_KEY=from-the-file\nDATABASE_URL=mysql://nowhere\n');
    const { code, stderr } = await run(['status', '--config', join(folder, 'supasaasy.config.ts')], { cwd: '/' });
    expect(code).toBe(2);
    expect(stderr).toContain('DATABASE_URL must look like postgresql://');
    const other = await run(['status'], {
      cwd: folder,
      env: { DATABASE_URL: 'postgresql://u:hidden-password@127.0.0.1:1/db' },
    });
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('127.0.0.1:1/db');
    expect(other.stderr).not.toContain('hidden-password');
  });

  it('a provider that cannot be reached is retried, then named', async () => {
    const { stdout, code } = await run(['doctor', '--json'], {
      cwd: await temporaryMigratedFolder(ONE_APP),
      env: { ...secrets, SHOP_URL: 'http://127.0.0.1:1' },
    });
    expect(code).toBe(1);
    const { findings } = JSON.parse(stdout) as { findings: { check: string; message: string; level: string }[] };
    expect(findings.find(({ check }) => check === 'key')).toMatchObject({
      level: 'error',
      message: expect.stringContaining('127.0.0.1:1'),
    });
  });

  it('a provider that cannot be reached by a run is named while it is tried again', async () => {
    const sync = start(['sync', 'shop', '--mode', 'full', '--json'], {
      cwd: await temporaryMigratedFolder(ONE_APP),
      env: { ...secrets, SHOP_URL: 'http://127.0.0.1:1' },
    });
    await sync.until(/warning: shop: 127\.0\.0\.1:1 cannot be reached.*; trying again\n/);
    sync.child.kill('SIGINT');
    const { code, stderr } = await sync.ended;
    expect(code).toBe(130);
    // Once, not for each resource and attempt.
    expect(stderr.match(/trying again/g)).toHaveLength(1);
  });

  it('a port in use names the port and the option', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((done) => server.once('listening', done));
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await run(['serve', '--port', String(port)], {
      cwd: await temporaryMigratedFolder(ONE_APP),
      env: secrets,
    });
    expect(code).toBe(2);
    expect(stderr).toContain(`port ${port} is in use`);
    expect(stderr).toContain('--port');
  });

  it('a record that is not in quarantine is not retried without a word', async () => {
    const { code, stdout } = await run(['quarantine', 'retry', '99'], { cwd: temporaryFolder(ONE_APP) });
    expect([code, stdout]).toEqual([1, expect.stringContaining('99 is refused: no such record is in quarantine')]);
  });

  it('a wrong option or command is code 2, with where to read on', async () => {
    const folder = await temporaryMigratedFolder(ONE_APP);
    for (const args of [
      ['frobnicate'],
      ['sync'],
      ['sync', 'shop', '--mode', 'all'],
      ['sync', 'shop', '--limit', '-1'],
    ]) {
      const { code, stderr } = await run(args, { cwd: folder });
      expect(code, args.join(' ')).toBe(2);
      expect(stderr).toContain('--help');
    }
    expect((await run(['sync', 'other'], { cwd: folder, env: secrets })).stderr).toContain('apps: shop');
  });
});
