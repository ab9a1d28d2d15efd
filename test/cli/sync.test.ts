import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SandboxServer, serveSandbox } from '../../sandbox/http/serve.ts';
import { createStripeSandbox, type StripeSandbox } from '../../sandbox/stripe/index.ts';
import { ask, createMigratedFolder, dataDir, ONE_APP, removeFolder, run, start } from './cli.ts';

const SECRET = 'sk_test_canary_4242424242';

/** Everything that the engine keeps, as one number per table. */
const FINGERPRINT = `select jsonb_object_agg(t, n order by t) as state from (
  select c.relname as t, (xpath('/row/n/text()', query_to_xml(format('select count(*) || ''/'' || coalesce(md5(string_agg(x::text, ''|'' order by x::text)), '''') as n from supasaasy.%I x', c.relname), false, true, '')))[1]::text as n
  from pg_class c where c.relnamespace = 'supasaasy'::regnamespace and c.relkind in ('r', 'p')) x`;

// Each command is a process that loads everything: seconds, on a busy machine.
describe('supasaasy sync', { timeout: 120_000 }, () => {
  let sandbox: StripeSandbox;
  let server: SandboxServer;
  let folder: string;
  let env: Record<string, string>;
  beforeAll(async () => {
    sandbox = createStripeSandbox({ seed: 5, size: { customers: 320 }, apiKey: SECRET });
    server = await serveSandbox(sandbox);
    folder = await createMigratedFolder(ONE_APP);
    env = { SHOP_KEY: SECRET, SHOP_SECRET: 'whsec_canary_4242', SHOP_URL: server.url };
  });
  afterAll(async () => {
    await server.close();
    removeFolder(folder);
  });
  const sync = (...args: string[]) => run(['sync', 'shop', ...args], { cwd: folder, env });
  const living = async (collection: string) =>
    Number(
      (
        await ask<{ n: string }>(
          dataDir(folder),
          'select count(*) as n from supasaasy.entities where collection_key = $1 and deleted_at is null',
          [collection],
        )
      )[0]?.n,
    );

  it('A18, A46: Ctrl-C stops it in order, and the same command goes on where it stopped', async () => {
    server.control.faults.set([{ kind: 'latency', latencyMs: 400 }]);
    const first = start(['sync', 'shop', '--mode', 'full', '--json'], { cwd: folder, env });
    await expect
      .poll(() => server.control.requests()['GET /v1/customers'] ?? 0, { timeout: 60_000 })
      .toBeGreaterThan(0);
    first.child.kill('SIGINT');
    const { code, stdout } = await first.ended;
    expect(code).toBe(130);
    const stopped = JSON.parse(stdout) as { status: string; run_id: string };
    expect(stopped.status).toBe('interrupted');
    server.control.faults.set([]);
    const leased = await ask<{ n: string }>(
      dataDir(folder),
      "select count(*) as n from supasaasy.tasks where state = 'running'",
    );
    expect(leased).toEqual([{ n: '0' }]);

    const second = await sync('--mode', 'full', '--json');
    expect(second.stderr).not.toContain('error');
    expect(JSON.parse(second.stdout)).toMatchObject({ status: 'completed', run_id: stopped.run_id, resumed: true });
    expect(second.code).toBe(0);
    const { customer = 0, invoice = 0 } = server.control.provider.counts();
    expect([await living('stripe_customer'), await living('stripe_invoice')]).toEqual([customer, invoice]);
  });

  it('prints one JSON object with every count, and nothing else, on standard output', async () => {
    server.control.mutate(20);
    const { code, stdout } = await sync('--json');
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    const result = JSON.parse(stdout) as Record<string, unknown> & {
      resources: Record<string, Record<string, number>>;
    };
    expect(result).toMatchObject({
      app_key: 'shop',
      mode: 'incremental',
      status: 'completed',
      resumed: false,
      error: null,
    });
    expect(result['run_id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(result['duration_ms']).toBeGreaterThan(0);
    for (const counts of Object.values(result.resources))
      for (const name of ['created', 'updated', 'unchanged', 'archived', 'deleted', 'errors', 'pages', 'requests'])
        expect(counts[name], name).toBeTypeOf('number');
  });

  it('A30: a dry run says what it would do, and writes nothing', async () => {
    server.control.mutate(40);
    const before = await ask(dataDir(folder), FINGERPRINT);
    const { code, stdout } = await sync('--mode', 'full', '--dry-run', '--json');
    expect(code).toBe(0);
    const preview = JSON.parse(stdout) as { dry_run: boolean; resources: Record<string, Record<string, number>> };
    expect(preview.dry_run).toBe(true);
    const sums = Object.values(preview.resources).reduce(
      (sum, counts) => sum + (counts['created'] ?? 0) + (counts['updated'] ?? 0),
      0,
    );
    expect(sums).toBeGreaterThan(0);
    const incremental = await sync('--dry-run', '--json');
    expect(incremental.code).toBe(0);
    expect(await ask(dataDir(folder), FINGERPRINT)).toEqual(before);
    // And what it announced is what a real run then does.
    const real = JSON.parse((await sync('--mode', 'full', '--json')).stdout) as typeof preview;
    for (const name of ['customer', 'product', 'coupon', 'charge'])
      expect(preview.resources[name], name).toMatchObject({
        created: real.resources[name]?.['created'],
        updated: real.resources[name]?.['updated'],
      });
  });

  it('A30: a run with a limit reads so many, and deletes nothing', async () => {
    const before = await living('stripe_customer');
    const { code, stdout } = await sync('--mode', 'full', '--limit', '10', '--resource', 'customer', '--json');
    expect(code).toBe(0);
    const { resources } = JSON.parse(stdout) as { resources: Record<string, Record<string, number>> };
    expect(resources['customer']).toMatchObject({ deleted: 0, unchanged: 10, pages: 1 });
    expect(await living('stripe_customer')).toBe(before);
  });

  it('A16, A26: a resource that is refused fails by name, the others are stored, and the exit code says so', async () => {
    sandbox.settings.denied = ['/v1/charges'];
    const { code, stdout, stderr } = await sync('--mode', 'full', '--resource', 'charge,product', '--json');
    sandbox.settings.denied = [];
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'failed',
      resources: { charge: { errors: 1 }, product: { errors: 0 } },
    });
    expect(stdout + stderr).toContain('charge');
    const status = await run(['status', '--json'], { cwd: folder, env });
    expect(status.code).toBe(1);
    expect(JSON.parse(status.stdout)).toMatchObject({ status: 'attention', apps: [{ app_key: 'shop' }] });
  });

  it('C11, A45: a key that is refused while another one worked last pauses nothing, is named by its variable, and shows no secret', async () => {
    const wrong = { ...env, SHOP_KEY: 'sk_test_wrong_987654321' };
    const { code, stdout, stderr } = await run(['sync', 'shop', '--json'], { cwd: folder, env: wrong });
    expect(code).toBe(1);
    const result = JSON.parse(stdout) as { status: string; error: string };
    expect(result.status).toBe('refused');
    expect(result.error).toContain('SHOP_KEY');
    for (const secret of [SECRET, 'sk_test_wrong_987654321', 'whsec_canary_4242'])
      expect(stdout + stderr).not.toContain(secret);
    const resumed = await run(['resume', 'shop', '--json'], { cwd: folder, env });
    expect(JSON.parse(resumed.stdout)).toEqual({ app_key: 'shop', resumed: false });
  });

  it('kill -9 in the middle: the same command ends with the same rows, without waiting for dead leases', async () => {
    server.control.mutate(30);
    const before = server.control.requests()['GET /v1/customers'] ?? 0;
    server.control.faults.set([{ kind: 'latency', latencyMs: 300 }]);
    const first = start(['sync', 'shop', '--mode', 'full', '--json'], { cwd: folder, env });
    await expect
      .poll(() => server.control.requests()['GET /v1/customers'] ?? 0, { timeout: 60_000 })
      .toBeGreaterThan(before);
    first.child.kill('SIGKILL');
    await first.ended;
    server.control.faults.set([]);
    const second = await sync('--mode', 'full', '--json');
    expect(JSON.parse(second.stdout)).toMatchObject({ status: 'completed' });
    const { customer = 0, product = 0 } = server.control.provider.counts();
    expect([await living('stripe_customer'), await living('stripe_product')]).toEqual([customer, product]);
  });
});
