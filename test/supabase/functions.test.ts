import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type SandboxServer, serveSandbox } from '../../sandbox/http/serve.ts';
import { createStripeSandbox, type StripeSandbox } from '../../sandbox/stripe/index.ts';
import { customerEvent, signature } from '../http/hosted.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';

const ROOT = join(import.meta.dirname, '../..');
const ADMIN = 'sb_secret_of_the_tests';
const SECRET = 'whsec_edge';
const FUNCTIONS = ['webhook', 'sync', 'worker', 'status'] as const;

interface EdgeFunction {
  readonly url: string;
  readonly child: ChildProcess;
  readonly output: string[];
}

async function freePort(): Promise<number> {
  return await new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** One function in a real Deno, as `supabase functions serve` would run it: its own deno.json, no network but ours. */
async function runFunction(name: string, env: Record<string, string>): Promise<EdgeFunction> {
  const port = await freePort();
  const child = spawn(
    join(ROOT, 'node_modules/.bin/deno'),
    [
      'run',
      '--allow-net',
      '--allow-env',
      '--allow-read',
      '--allow-sys',
      '--no-remote',
      '--no-lock',
      '--node-modules-dir=manual',
      '--config',
      `supabase/functions/${name}/deno.json`,
      `supabase/functions/${name}/index.ts`,
    ],
    {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: process.env['HOME'] ?? '/',
        DENO_DIR: join(ROOT, 'node_modules/.cache/deno'),
        DENO_NO_UPDATE_CHECK: '1',
        DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${port}`,
        ...env,
      },
    },
  );
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => output.push(text));
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries += 1) {
    try {
      await fetch(`${url}/${name}/nowhere`);
      return { url, child, output };
    } catch (error) {
      if (tries > 300 || child.exitCode !== null)
        throw new Error(`${name} does not answer: ${output.join('')}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

describeEachDatabase(
  'the Edge Functions under Deno',
  (make) => {
    let database: TestDatabase;
    let stripe: StripeSandbox;
    let provider: SandboxServer;
    const functions = {} as Record<(typeof FUNCTIONS)[number], EdgeFunction>;

    beforeAll(async () => {
      database = await make({ template: 'both connectors' });
      stripe = createStripeSandbox({ seed: 11, size: { customers: 40 } });
      provider = await serveSandbox(stripe, { port: 0 });
      const env = {
        SUPABASE_DB_URL: database.connectionString ?? '',
        SUPABASE_SECRET_KEYS: JSON.stringify({ default: ADMIN }),
        SUPABASE_ANON_KEY: 'sb_publishable_of_the_tests',
        STRIPE_API_KEY: stripe.apiKey,
        STRIPE_WEBHOOK_SECRET: SECRET,
        STRIPE_BASE_URL: provider.url,
      };
      const started = await Promise.all(FUNCTIONS.map(async (name) => [name, await runFunction(name, env)] as const));
      for (const [name, fn] of started) functions[name] = fn;
    }, 120_000);
    afterAll(async () => {
      for (const fn of Object.values(functions)) fn.child.kill('SIGKILL');
      await provider?.close();
    });

    const admin = { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' };
    const until = async (sql: string, wanted: unknown) =>
      await expect.poll(async () => await database.query(sql), { timeout: 60_000, interval: 50 }).toEqual(wanted);

    it('webhook: verifies, commits, answers, and works the delivery after its answer', async () => {
      const body = customerEvent('evt_edge', { id: 'cus_edge', email: 'edge@example.com' });
      const post = async (headers: Record<string, string>) =>
        await fetch(`${functions.webhook.url}/webhook/stripe_main`, { method: 'POST', body, headers });
      expect((await post(signature(body, 'whsec_wrong'))).status).toBe(401);
      const answer = await post(signature(body, SECRET));
      expect([answer.status, await answer.json()]).toEqual([
        200,
        { received: true, event_id: 'evt_edge', state: 'ready' },
      ]);
      await until(`select state from supasaasy.inbox where event_id = 'evt_edge'`, [{ state: 'processed' }]);
      await until(`select email from supasaasy.stripe_customers where id = 'cus_edge'`, [
        { email: 'edge@example.com' },
      ]);
      expect((await fetch(`${functions.webhook.url}/functions/v1/webhook/UPPER`, { method: 'POST' })).status).toBe(400);
      expect((await fetch(`${functions.webhook.url}/webhook/stripe_main`)).status).toBe(405);
      expect((await fetch(`${functions.webhook.url}/webhook/intercom_main`, { method: 'HEAD' })).status).toBe(200);
    });

    it('webhook: refuses a chunked body over the limit', async () => {
      const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024)) });
      const header = `t=${Math.floor(Date.now() / 1000)},v1=${'0'.repeat(64)}`;
      const answer = fetch(`${functions.webhook.url}/webhook/stripe_main`, {
        method: 'POST',
        headers: { 'stripe-signature': header },
        body: endless,
        duplex: 'half',
      } as RequestInit);
      // Deno may close the connection before the client has read the answer.
      expect(
        await answer.then(
          (a) => a.status,
          () => 413,
        ),
      ).toBe(413);
    });

    it('A40: sync, worker and status want the admin key; the publishable one opens nothing', async () => {
      const body = JSON.stringify({ app_key: 'stripe_main', mode: 'full' });
      for (const authorization of [undefined, 'Bearer sb_publishable_of_the_tests', 'Bearer x']) {
        const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
        const statuses = [
          (await fetch(`${functions.sync.url}/sync`, { method: 'POST', body, headers })).status,
          (await fetch(`${functions.worker.url}/worker`, { method: 'POST', headers })).status,
          (await fetch(`${functions.status.url}/status`, { headers })).status,
        ];
        expect([authorization, statuses]).toEqual([authorization, [401, 401, 401]]);
      }
      expect(await database.query('select from supasaasy.runs')).toEqual([]);
    });

    it('sync: starts a run, works it after the answer with the worker, and tells how it ended', async () => {
      const answer = await fetch(`${functions.sync.url}/sync`, {
        method: 'POST',
        headers: admin,
        body: JSON.stringify({ app_key: 'stripe_main', mode: 'full', resources: ['customer', 'product', 'price'] }),
      });
      expect(answer.status).toBe(202);
      const { run_id } = (await answer.json()) as { run_id: string };
      const slice = await fetch(`${functions.worker.url}/worker`, { method: 'POST', headers: admin, body: '{}' });
      expect(slice.status).toBe(200);
      await until(`select state from supasaasy.runs where id = '${run_id}'`, [{ state: 'completed' }]);
      const told = await fetch(`${functions.sync.url}/sync/runs/${run_id}`, { headers: admin });
      expect(await told.json()).toMatchObject({ run_id, status: 'completed' });
      const { customer } = stripe.counts();
      expect(
        await database.query(`select count(*)::int as n from supasaasy.stripe_customers where id <> 'cus_edge'`),
      ).toEqual([{ n: customer }]);
    });

    it('status: tells how everything stands, and whether it is healthy', async () => {
      const status = await fetch(`${functions.status.url}/status`, { headers: admin });
      expect(status.status).toBe(200);
      expect((await fetch(`${functions.status.url}/status/health`)).status).toBe(200);
      const config = await fetch(`${functions.status.url}/status/health/config`, { headers: admin });
      expect(config.status).toBe(503);
      expect(await config.json()).toMatchObject({
        apps: [{ missing: [] }, { missing: ['INTERCOM_API_KEY', 'INTERCOM_CLIENT_SECRET'] }],
      });
    });

    it('A45: no secret is in what they have logged', () => {
      const logged = Object.values(functions)
        .flatMap((fn) => fn.output)
        .join('');
      for (const secret of [ADMIN, SECRET, stripe.apiKey]) expect(logged).not.toContain(secret);
    });

    it('a function without a database says so in its log, and answers 503', async () => {
      const fn = await runFunction('status', {});
      const answer = await fetch(`${fn.url}/status/health`);
      expect([answer.status, await answer.json()]).toMatchObject([503, { error: { code: 'not_ready' } }]);
      expect(fn.output.join('')).toContain('SUPABASE_DB_URL');
      fn.child.kill('SIGKILL');
    });
  },
  { kinds: ['postgres'] },
);
