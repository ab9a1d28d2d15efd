import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SandboxServer, serveSandbox } from '../../sandbox/http/serve.ts';
import { createStripeSandbox, type StripeSandbox } from '../../sandbox/stripe/index.ts';
import { configText, createFolder, removeFolder, run } from './cli.ts';

const CONFIG = configText(`{
  apps: [
    { app_key: 'shop', connector: 'stripe', config: {
      api_key_env: 'SHOP_KEY', webhook_secret_env: 'SHOP_SECRET', base_url: process.env.SHOP_URL || undefined } },
    { app_key: 'desk', connector: 'intercom', config: { api_key_env: 'DESK_KEY', webhook_secret_env: 'DESK_SECRET' } },
  ],
  schedules: [{ app_key: 'shop', cron: '*/5 * * * *' }],
}`);

interface Finding {
  readonly check: string;
  readonly level: string;
  readonly app_key?: string;
  readonly resource?: string;
  readonly message: string;
  readonly remedy?: string;
}

describe('A44: supasaasy doctor', { timeout: 120_000 }, () => {
  let sandbox: StripeSandbox;
  let server: SandboxServer;
  let folder: string;
  let env: Record<string, string>;
  beforeAll(async () => {
    sandbox = createStripeSandbox({ seed: 5, size: { customers: 16 } });
    server = await serveSandbox(sandbox);
    folder = createFolder(CONFIG);
    env = { SHOP_KEY: sandbox.apiKey, SHOP_URL: server.url };
  });
  afterAll(async () => {
    await server.close();
    removeFolder(folder);
  });
  const doctor = async () => {
    const { code, stdout } = await run(['doctor', '--json'], { cwd: folder, env });
    return { code, findings: (JSON.parse(stdout) as { findings: Finding[] }).findings };
  };

  it('names every missing secret, permission, migration, schedule and endpoint, and what mends it', async () => {
    sandbox.settings.denied = ['/v1/disputes', '/v1/payouts'];
    const { code, findings } = await doctor();
    sandbox.settings.denied = [];
    expect(code).toBe(1);
    const find = (check: string, text: string) =>
      findings.find(
        (each) => each.check === check && each.level !== 'ok' && `${each.message} ${each.remedy}`.includes(text),
      );
    expect(find('migrations', 'supasaasy migrate')).toBeDefined();
    expect(find('secret', 'SHOP_SECRET')).toMatchObject({ app_key: 'shop' });
    expect(find('secret', 'DESK_KEY')).toMatchObject({ app_key: 'desk' });
    expect(find('secret', 'DESK_SECRET')).toBeDefined();
    expect(find('permission', '"dispute"')).toMatchObject({ app_key: 'shop', resource: 'dispute', level: 'error' });
    expect(find('permission', '"payout"')).toBeDefined();
    expect(findings.filter(({ check, level }) => check === 'permission' && level === 'error')).toHaveLength(2);
    expect(find('schedule', 'desk')).toMatchObject({ app_key: 'desk' });
    expect(find('webhook', 'supasaasy webhooks register shop')).toBeDefined();
    for (const { level, remedy } of findings) if (level !== 'ok') expect(remedy).toBeTruthy();
  });

  it('is content with what its remedies mend', async () => {
    expect((await run(['migrate'], { cwd: folder, env })).code).toBe(0);
    const registered = await run(
      ['webhooks', 'register', 'shop', '--url', 'https://mirror.test', '--write-env', '--json'],
      { cwd: folder, env },
    );
    expect(JSON.parse(registered.stdout)).toMatchObject({
      url: 'https://mirror.test/webhook/shop',
      created: true,
      written: true,
      secret_env: 'SHOP_SECRET',
    });
    expect(registered.stdout + registered.stderr).not.toContain('whsec_');
    const again = await run(['webhooks', 'register', 'shop', '--url', 'https://mirror.test/webhook/shop'], {
      cwd: folder,
      env,
    });
    expect(again.stdout).toContain('reused');
    env = { ...env, DESK_KEY: 'never-asked', DESK_SECRET: 'x'.repeat(20) };
    const offline = await run(['doctor', '--offline', '--json'], { cwd: folder, env });
    expect(offline.code).toBe(0);
    const { findings } = await doctor();
    for (const check of ['migrations', 'secret', 'webhook', 'permission', 'key', 'account'])
      expect(
        findings.filter((each) => each.check === check && each.app_key !== 'desk').every(({ level }) => level === 'ok'),
        check,
      ).toBe(true);
  });
});
