import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { describeEachDatabase } from '../setup/database.ts';
import { run, start, temporaryFolder } from './cli.ts';

interface Account {
  readonly name: string;
  readonly url: string;
  readonly env: Record<string, string>;
}

/** `supasaasy sandbox`, as a user starts it beside a mirror. */
async function startSandbox(): Promise<readonly Account[]> {
  const sandbox = start(['sandbox', '--port', '0', '--people', '160', '--json'], { cwd: temporaryFolder() });
  onTestFinished(async () => {
    sandbox.child.kill('SIGINT');
    await sandbox.ended;
  });
  await sandbox.until(/\n/);
  return (JSON.parse(sandbox.stdout()) as { accounts: Account[] }).accounts;
}

async function control(account: Account, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(`${account.url}/_sandbox/${path}`, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  return (await response.json()) as Record<string, unknown>;
}

const delivered = async (account: Account) =>
  ((await control(account, 'deliver'))['stats'] as Record<string, number>) ?? {};

describeEachDatabase('supasaasy start, with keys in .env', (make, kind) => {
  it('takes what is delivered while the first sync runs, and shows it afterwards', { timeout: 240_000 }, async () => {
    const accounts = await startSandbox();
    const folder = temporaryFolder();
    const database = kind === 'pglite' ? undefined : await make({ template: 'empty' });
    const variables = {
      ...Object.assign({}, ...accounts.map(({ env }) => env)),
      ...(database && { DATABASE_URL: database.connectionString }),
    };
    writeFileSync(
      join(folder, '.env'),
      Object.entries(variables)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
    for (const account of accounts) await control(account, 'faults', [{ kind: 'latency', latencyMs: 1500 }]);

    const mirror = start(['start', '--port', '0'], { cwd: folder });
    await mirror.until(/listening on (http:\S+);/);
    const url = /listening on (http:\S+);/.exec(mirror.stderr())?.[1] ?? '';
    for (const account of accounts) {
      await control(account, 'deliver', {
        url: `${url}/webhook/${account.name}_main`,
        retryDelaysMs: [],
        timeoutMs: 60_000,
      });
      await control(account, 'mutate', { count: 20 });
    }
    for (const account of accounts) {
      await expect.poll(async () => (await delivered(account))['waiting'], { timeout: 60_000 }).toBe(0);
      expect(await delivered(account)).toMatchObject({ failed: 0, refused: 0 });
    }
    // All were accepted, and the first sync is still under way.
    expect(mirror.stdout()).not.toContain('Live on');
    for (const account of accounts) await control(account, 'faults', []);
    await mirror.until(/Live on/);
    mirror.child.kill('SIGINT');
    expect(await mirror.ended).toMatchObject({ code: 0 });

    const ask = async (sql: string) => {
      if (database !== undefined) return await database.query(sql);
      const { stdout } = await run(['query', sql, '--json'], { cwd: folder });
      return (JSON.parse(stdout) as { rows: Record<string, unknown>[] }).rows;
    };
    const [inbox] = await ask(
      `select count(*) filter (where state in ('ready', 'running'))::int as open, count(*) filter (where state = 'dead')::int as dead, count(*)::int as arrived from supasaasy.inbox`,
    );
    expect(inbox).toMatchObject({ open: 0, dead: 0 });
    expect(inbox?.['arrived']).toBeGreaterThan(40);
    const [stripe] = accounts;
    const { customer, invoice, subscription } = (stripe && (await control(stripe, 'counts'))) ?? {};
    expect(
      await ask(
        'select (select count(*)::int from supasaasy.stripe_customers) as customer, (select count(*)::int from supasaasy.stripe_invoices) as invoice, (select count(*)::int from supasaasy.stripe_subscriptions) as subscription',
      ),
    ).toEqual([{ customer, invoice, subscription }]);
  });
});
