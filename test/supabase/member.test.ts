import { App } from '@supabase/lite';
import { createPostgresConnection } from '@supabase/lite/postgres';
import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { beforeAll, expect, it, vi } from 'vitest';
import { sandboxFetch } from '../../sandbox/http/fetch.ts';
import { createStripeSandbox } from '../../sandbox/stripe/index.ts';
import { ENV, host } from '../http/hosted.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';

const PUBLISHABLE = 'sb_publishable_of_the_tests';
const SECRET = 'sb_secret_of_the_tests';

class NoSocket {}

/**
 * `@supabase/lite` answers as PostgREST and Auth, over this PostgreSQL. It (0.10.0) sends a JSON argument of `rpc` as
 * one JSON string, and turns SQLSTATEs that it does not know into `SUP`: so the engine itself is tried against
 * `postgrest.ts`, and here it is people who read.
 */
describeEachDatabase(
  'supabase-js',
  (make) => {
    let database: TestDatabase;
    let client: (key: string) => SupabaseClient;
    let customers: number;
    const member = { email: 'member@example.com', password: 'Correct-horse-1' };
    const stranger = { email: 'stranger@example.com', password: 'Correct-horse-2' };

    beforeAll(async () => {
      // The server prints whatever PostgreSQL refuses.
      vi.spyOn(console, 'error').mockImplementation(() => {});
      database = await make({ template: 'both connectors' });
      const connection = createPostgresConnection({
        url: database.connectionString ?? '',
        postgresOptions: { onnotice: () => {} },
      } as Parameters<typeof createPostgresConnection>[0]);
      const app = new App({
        connection,
        auth: {
          enabled: true,
          jwt_secret: 'a-secret-of-thirty-two-characters',
          publishable_key: PUBLISHABLE,
          secret_key: SECRET,
        },
        api: { schemas: ['public', 'supasaasy'] },
      } as never);
      await app.ensureSystemSchema();
      client = (key) =>
        createClient('http://localhost:54321', key, {
          db: { schema: 'supasaasy' },
          global: {
            fetch: (async (input: RequestInfo, init?: RequestInit) =>
              await app.fetch(new Request(input, init))) as typeof fetch,
          },
          auth: { persistSession: false, autoRefreshToken: false },
          realtime: { transport: NoSocket as unknown as typeof WebSocket },
        }) as unknown as SupabaseClient;

      const sandbox = createStripeSandbox({ seed: 4, size: { customers: 20 } });
      customers = sandbox.counts()['customer'] ?? 0;
      const { engine } = host(database.database, {
        env: { ...ENV, STRIPE_KEY: sandbox.apiKey },
        ports: { fetch: sandboxFetch(sandbox) },
      });
      await engine.store.declareApps([{ app_key: 'stripe_main', name: 'Stripe', connector: 'stripe' }]);
      await engine.store.setAuth(true);
      await engine.sync('stripe_main', 'full', { resources: ['customer', 'subscription'] });
      const { data, error } = await client(PUBLISHABLE).auth.signUp(member);
      expect(error).toBeNull();
      await database.query('insert into supasaasy.members (user_id) values ($1)', [data.user?.id]);
      await client(PUBLISHABLE).auth.signUp(stranger);
    });

    async function signIn(person: typeof member): Promise<SupabaseClient> {
      const signedIn = client(PUBLISHABLE);
      const { error } = await signedIn.auth.signInWithPassword(person);
      expect(error).toBeNull();
      return signedIn;
    }

    it('A39: a signed-in member reads typed views and tables, with filters, order and pages', async () => {
      const supabase = await signIn(member);
      const all = await supabase.from('stripe_customers').select('id, email');
      expect([all.error, all.data?.length]).toEqual([null, customers]);
      const page = await supabase
        .from('stripe_subscriptions')
        .select('id, status')
        .neq('status', 'canceled')
        .order('id')
        .range(0, 4);
      expect([page.error, page.data?.length]).toEqual([null, 5]);
      const entities = await supabase
        .from('entities')
        .select('external_id')
        .eq('collection_key', 'stripe_customer')
        .limit(3);
      expect([entities.error, entities.data?.length]).toEqual([null, 3]);
      expect((await supabase.from('apps').select('app_key')).data).toEqual([{ app_key: 'stripe_main' }]);
    });

    it('A39: somebody else who signed in reads nothing', async () => {
      const supabase = await signIn(stranger);
      for (const relation of ['stripe_customers', 'entities', 'apps'])
        expect([relation, (await supabase.from(relation).select('*')).data]).toEqual([relation, []]);
    });

    it('A39, A40: the publishable key alone is refused', async () => {
      const supabase = client(PUBLISHABLE);
      for (const relation of ['stripe_customers', 'entities', 'inbox'])
        expect([relation, (await supabase.from(relation).select('*')).error?.code]).toEqual([relation, '42501']);
      expect((await supabase.rpc('set_auth', { p_enabled: false })).error).not.toBeNull();
    });

    it('A40: a member can neither write nor read past the policies', async () => {
      const supabase = await signIn(member);
      const facts = () =>
        database.query(`select (select count(*)::int from supasaasy.runs) as runs, (select count(*)::int from supasaasy.members) as members,
          (select count(*)::int from supasaasy.entities where api_version = 'x') as spoiled, (select value from supasaasy.settings where key = 'auth_enabled') as auth`);
      const before = await facts();
      // Where PostgREST says 42501, this server may answer that no row was met: what counts is that none was.
      const attempts = [
        await supabase.from('entities').update({ api_version: 'x' }).eq('app_key', 'stripe_main').select('app_key'),
        await supabase.from('runs').delete().eq('app_key', 'stripe_main').select('id'),
        await supabase.from('members').insert({ user_id: '11111111-1111-4111-8111-111111111111' }).select(),
        await supabase.from('entities_stripe_customer').select('*'),
        await supabase.from('settings').select('*'),
        await supabase.rpc('set_auth', { p_enabled: false }),
      ];
      expect(attempts.map(({ data }) => data ?? [])).toEqual(attempts.map(() => []));
      expect(await facts()).toEqual(before);
    });

    it('A39: the secret key reads everything, and calls functions', async () => {
      const supabase = client(SECRET);
      expect((await supabase.from('stripe_customers').select('id')).data).toHaveLength(customers);
      expect((await supabase.rpc('get_status')).data).toMatchObject({ apps: [{ app_key: 'stripe_main' }] });
    });

    it('A39: set_auth(false) lets the publishable key read, set_auth(true) ends it', async () => {
      const supabase = client(PUBLISHABLE);
      await database.query('select supasaasy.set_auth(false)');
      expect((await supabase.from('stripe_customers').select('id')).data).toHaveLength(customers);
      await database.query('select supasaasy.set_auth(true)');
      expect((await supabase.from('stripe_customers').select('id')).error?.code).toBe('42501');
    });
  },
  { kinds: ['postgres'] },
);
