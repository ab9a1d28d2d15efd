import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SandboxServer, serveSandbox } from '../../sandbox/http/serve.ts';
import { createStripeSandbox, type StripeSandbox } from '../../sandbox/stripe/index.ts';
import { createMigratedFolder, ONE_APP, removeFolder, run } from './cli.ts';

const SECRET = 'sk_test_canary_4242424242';

describe('supasaasy plan', { timeout: 120_000 }, () => {
  let sandbox: StripeSandbox;
  let server: SandboxServer;
  let folder: string;
  let env: Record<string, string>;
  beforeAll(async () => {
    sandbox = createStripeSandbox({ seed: 5, size: { customers: 320 }, apiKey: SECRET, denied: ['/v1/disputes*'] });
    server = await serveSandbox(sandbox);
    folder = await createMigratedFolder(ONE_APP);
    env = { SHOP_KEY: SECRET, SHOP_SECRET: 'whsec_canary_4242', SHOP_URL: server.url };
  });
  afterAll(async () => {
    await server.close();
    removeFolder(folder);
  });

  it('prints one JSON object: objects, requests, minutes, and the permissions that are missing (exit code 1)', async () => {
    const { code, stdout } = await run(['plan', 'shop', '--resource', 'product,dispute', '--json'], {
      cwd: folder,
      env,
    });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      app_key: 'shop',
      resources: [{ resource: 'product', how: 'exact', objects: sandbox.counts()['product'] }],
      missing_permissions: [{ resource: 'dispute' }],
      minutes: expect.any(Number),
    });
    expect(stdout).not.toContain(SECRET);
  });

  it('tells a person what the first sync will cost, and that it is an estimate', async () => {
    const { code, stdout } = await run(['plan', 'shop', '--resource', 'customer'], { cwd: folder, env });
    expect(code).toBe(0);
    expect(stdout).toMatch(/customer +\d+ +sampled: \d+ to \d+ +\d+ +parallel/);
    expect(stdout).toContain('An estimate');
  });
});
