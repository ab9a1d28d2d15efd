import { beforeAll, describe, expect, it } from 'vitest';
import { sandboxFetch } from '../../sandbox/http/fetch.ts';
import { createStripeSandbox } from '../../sandbox/stripe/index.ts';
import type { Database } from '../../src/engine/database.ts';
import { isBadData } from '../../src/engine/sql-errors.ts';
import { createStore } from '../../src/engine/store.ts';
import { DatabaseError, LeaseLostError } from '../../src/errors.ts';
import { createPostgres } from '../../src/runtime/node/postgres.ts';
import { openSupabaseDatabase } from '../../src/runtime/supabase/open-database.ts';
import { createRestDatabase } from '../../src/runtime/supabase/rest-database.ts';
import { customerEvent, ENV, host, seconds, signature } from '../http/hosted.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { postgrestFetch } from './postgrest.ts';

const KEY = 'sb_secret_x';

/** What every implementation of the database port must do, over the engine's own functions. */
function contract(open: () => Promise<{ port: Database; test: TestDatabase }>) {
  let port: Database;
  let test: TestDatabase;
  beforeAll(async () => {
    ({ port, test } = await open());
  });
  const caught = async (call: Promise<unknown>) =>
    await call.then(
      () => undefined,
      (error: unknown) => error,
    );

  it('gives null for a function without a result', async () => {
    expect((await port.call<unknown>('pause_app', { app: 'a', reason: 'because' })) || null).toBeNull();
  });

  it('gives scalars, and null for null', async () => {
    expect(await port.call('resume_app', { app: 'a' })).toBe(true);
    expect(await port.call('resume_app', { app: 'a' })).toBe(false);
    expect(await port.call('next_task_in', { filter: {} })).toBeNull();
    expect(await port.call('get_run', { run: '00000000-0000-4000-8000-000000000000' })).toBeNull();
  });

  it('takes undefined for null', async () => {
    expect(
      await port.call('learn_rate', { app: 'a', class: 'x', limited: true, retry_after_ms: undefined }),
    ).toBeFalsy();
  });

  it('carries objects, lists and every character', async () => {
    const body = JSON.stringify({ text: `'"\\\n\t{}[]$1 ü 漢 😀 \u0001 \ud800`, nul: '\u0000' });
    const delivery = {
      app_key: 'a',
      event_id: 'evt',
      event_type: "it's",
      occurred_at: null,
      body,
      state: 'ready' as const,
      reason: null,
    };
    const store = createStore(port);
    expect(await store.acceptDeliveries([delivery])).toEqual({ accepted: 1, repeated: 0 });
    const [claimed] = await store.claimInbox(10, 30, { apps: ['a'] });
    expect(claimed).toMatchObject({ app_key: 'a', event_id: 'evt', event_type: "it's", body, attempts: 1 });
    expect(
      await store.releaseDeliveries(Number(claimed?.lease_token), [Number(claimed?.id), 999_999], 'x', 0, 1, false),
    ).toEqual({ released: 1, dead: 1 });
  });

  it('tells a lost lease', async () => {
    const call = port.call('ingest_page', { task: 1, token: 1, body: '{}', page: { spec: {} } });
    expect(await caught(call)).toBeInstanceOf(LeaseLostError);
  });

  it('tells bad data by its code', async () => {
    const error = await caught(port.call('claim_occurrence', { app: 'a', schedule: 'x', due_at: 'no date' }));
    expect(error).toBeInstanceOf(DatabaseError);
    expect([isBadData(error), (error as DatabaseError).sqlState]).toEqual([true, '22007']);
  });

  it('says what to do when a function is not there', async () => {
    expect(String(await caught(port.call('no_such_function', { x: 1 })))).toMatch(/lacks no_such_function.*migrate/s);
  });

  it('serves callers at one time', async () => {
    const all = await Promise.all(
      Array.from({ length: 30 }, () =>
        port.call('take_tokens', { app: 'b', class: 'c', want: 1, priority: 0, ceiling: 1, burst: 20 }),
      ),
    );
    expect(all.reduce((sum: number, answer) => sum + (answer as { granted: number }).granted, 0)).toBe(20);
  });

  it('carries a whole run and a delivery', async () => {
    const sandbox = createStripeSandbox({ seed: 2, size: { customers: 25 } });
    const { engine, http } = host(port as never, {
      env: { ...ENV, STRIPE_KEY: sandbox.apiKey },
      ports: { fetch: sandboxFetch(sandbox) },
    });
    const run = await engine.sync('stripe_main', 'full', { resources: ['customer', 'invoice', 'product'] });
    expect(run.state).toBe('completed');
    const body = customerEvent('evt_port', { id: 'cus_port' }, 'customer.updated', seconds() + 60);
    expect(
      (await http.request('/webhook/stripe_main', { method: 'POST', body, headers: signature(body) })).status,
    ).toBe(200);
    expect(await engine.drain()).toBe(1);
    const { customer = 0, invoice } = sandbox.counts();
    expect(
      await test.query(
        `select (select count(*)::int from supasaasy.stripe_customers) as customers, (select count(*)::int from supasaasy.stripe_invoices) as invoices`,
      ),
    ).toEqual([{ customers: customer + 1, invoices: invoice }]);
  });
}

describeEachDatabase('the database port', (make) => {
  contract(async () => {
    const test = await make({ template: 'both connectors' });
    return { port: test.database, test };
  });
});

describeEachDatabase(
  'the database port by REST',
  (make) => {
    contract(async () => {
      const test = await make({ template: 'both connectors' });
      return {
        port: createRestDatabase({ url: 'http://rest.test', key: KEY, fetch: postgrestFetch(test.database, KEY) }),
        test,
      };
    });

    it('says that the key is refused', async () => {
      const { database } = await make({ template: 'both connectors' });
      const rest = createRestDatabase({
        url: 'http://rest.test',
        key: 'sb_publishable_x',
        fetch: postgrestFetch(database, KEY),
      });
      await expect(rest.call('clock', {})).rejects.toThrow(/refuses the key for clock/);
    });
  },
  { kinds: ['postgres'] },
);

describe('a database that cannot be reached', () => {
  const refused: typeof fetch = async () => {
    throw new TypeError('fetch failed');
  };
  it.each([
    ['pg', () => createPostgres({ connectionString: 'postgres://x:y@127.0.0.1:1/z' })],
    ['REST', () => createRestDatabase({ url: 'http://rest.test', key: KEY, fetch: refused })],
  ])('is told as such by %s, without its password', async (_, open) => {
    const database = open();
    const error = (await database.call('clock', {}).catch((e: unknown) => e)) as DatabaseError;
    expect(error).toBeInstanceOf(DatabaseError);
    expect([error.sqlState, error.message]).toEqual([undefined, expect.stringContaining('cannot be reached')]);
    await database.close();
  });

  it('is asked for by name when the environment names none', () => {
    expect(() => openSupabaseDatabase({})).toThrow(/SUPABASE_DB_URL/);
  });
});
