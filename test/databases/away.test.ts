import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { type SandboxServer, serveSandbox } from '../../sandbox/http/serve.ts';
import { createStripeSandbox } from '../../sandbox/stripe/index.ts';
import { createPostgres } from '../../src/runtime/node/postgres.ts';
import { createFolder, ONE_APP, removeFolder, run, start } from '../cli/cli.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { noPgbouncer, startPgbouncer } from './pgbouncer.ts';
import { startProxy, through } from './proxy.ts';

const QUICK = { connectMs: 2_000, silentMs: 200, graceMs: 100, hardMs: 2_000, widenMs: 500, listenMs: 300 };
const KEY = 'sk_test_away_4242';

describeEachDatabase(
  'a database that is away',
  (make) => {
    let db: TestDatabase;
    let url: string;
    let server: SandboxServer;
    let folder: string;
    beforeAll(async () => {
      db = await make({ template: 'empty', max: 2 });
      url = db.connectionString ?? '';
      server = await serveSandbox(createStripeSandbox({ seed: 5, size: { customers: 320 }, apiKey: KEY }));
      folder = createFolder(ONE_APP);
      const { code, stderr } = await run(['migrate'], { cwd: folder, env: env(url) });
      expect(stderr).toBe('');
      expect(code).toBe(0);
    }, 120_000);
    afterAll(async () => {
      await server.close();
      removeFolder(folder);
    });
    const env = (address: string) => ({
      SHOP_KEY: KEY,
      SHOP_SECRET: 'whsec_x',
      SHOP_URL: server.url,
      DATABASE_URL: address,
    });
    const asked = () => Object.values(server.control.requests()).reduce((sum, n) => sum + n, 0);

    it('C38: sync waits for a server that restarts, and completes', { timeout: 180_000 }, async () => {
      const proxy = await startProxy(Number(new URL(url).port));
      server.control.faults.set([{ kind: 'latency', latencyMs: 150 }]);
      const before = asked();
      const sync = start(['sync', 'shop', '--mode', 'full', '--json'], {
        cwd: folder,
        env: env(through(url, proxy.port)),
      });
      await expect.poll(() => asked() - before, { timeout: 120_000, interval: 20 }).toBeGreaterThan(12);
      await proxy.down();
      await sync.until(/the database is away/);
      server.control.faults.set([]);
      await proxy.up();
      const { code, stdout, stderr } = await sync.ended;
      expect(stderr).toContain('the database is back');
      expect(JSON.parse(stdout)).toMatchObject({ status: 'completed' });
      expect(code).toBe(0);
    });

    it('C38: what a killed process held is taken over at once by the next one', { timeout: 180_000 }, async () => {
      server.control.faults.set([{ kind: 'latency', latencyMs: 2_000 }]);
      const first = start(['sync', 'shop', '--mode', 'full', '--json'], { cwd: folder, env: env(url) });
      const held = () =>
        db.query<{ n: number; until: Date }>(
          `select count(*)::integer as n, max(lease_until) as until from supasaasy.tasks where state = 'running'`,
        );
      await expect.poll(async () => (await held())[0]?.n, { timeout: 120_000 }).toBeGreaterThan(0);
      first.child.kill('SIGKILL');
      await first.ended;
      server.control.faults.set([]);
      const [lease] = await held();
      expect(lease?.n).toBeGreaterThan(0);
      const second = await run(['sync', 'shop', '--mode', 'full', '--json'], { cwd: folder, env: env(url) });
      expect(JSON.parse(second.stdout)).toMatchObject({ status: 'completed', resumed: true });
      const [late] = await db.query<{ late: boolean }>(
        'select max(finished_at) >= $1::timestamptz as late from supasaasy.runs',
        [lease?.until],
      );
      expect(late).toEqual({ late: false });
    });

    it('C21: a listener that went silent hears again', async () => {
      const proxy = await startProxy(Number(new URL(url).port));
      const database = createPostgres({ connectionString: through(url, proxy.port), timing: QUICK });
      onTestFinished(() => database.close());
      let heard = 0;
      const listener = await database.listen?.('shop_bell', () => {
        heard += 1;
      });
      const ring = async () => {
        await db.query(`select pg_notify('shop_bell', '')`);
        return heard;
      };
      await expect.poll(ring, { timeout: 60_000 }).toBeGreaterThan(0);
      proxy.silence();
      heard = 0;
      // Once because it has missed something, then by itself.
      await expect.poll(ring, { timeout: 60_000 }).toBeGreaterThan(1);
      await listener?.close();
    });

    it('C21: a statement that only takes long is waited for', async () => {
      const database = createPostgres({ connectionString: url, max: 1, timing: QUICK });
      onTestFinished(() => database.close());
      expect(await database.query('select 1 as n from pg_sleep(1.5)')).toEqual([{ n: 1 }]);
    });

    it('C21: the server keeps no lock of a connection that went silent', async () => {
      const proxy = await startProxy(Number(new URL(url).port));
      const database = createPostgres({ connectionString: through(url, proxy.port), max: 2, timing: QUICK });
      onTestFinished(() => database.close());
      await expect(
        database.transaction(async (tx) => {
          await tx.query('select pg_advisory_xact_lock(77)');
          proxy.silence();
          await tx.query('select 1');
        }),
      ).rejects.toThrow('did not answer');
      const held = async () =>
        (await db.query(`select from pg_locks where locktype = 'advisory' and objid = 77`)).length;
      await expect.poll(held, { timeout: 60_000 }).toBe(0);
    });

    it('C20: an error about connections says how many there are and how to have more', async () => {
      const database = createPostgres({ connectionString: url, max: 1, timing: { ...QUICK, turnMs: 300 } });
      onTestFinished(() => database.close());
      await database.transaction(async () => {
        await expect(database.query('select 1')).rejects.toThrow(
          /no connection to .* was free for 0.3 s \(there are 1\): DATABASE_CONNECTIONS=4 \(or \?connection_limit=4 in DATABASE_URL\)/,
        );
      });
      const role = `narrow_${process.pid}_${db.kind}`;
      await db.query(`create role ${role} login password 'secret' connection limit 0`);
      onTestFinished(async () => void (await db.query(`drop role ${role}`)));
      const address = new URL(url);
      address.username = role;
      address.password = 'secret';
      const narrow = createPostgres({ connectionString: address.href, timing: { ...QUICK, turnMs: 300 } });
      onTestFinished(() => narrow.close());
      await expect(narrow.query('select 1')).rejects.toThrow(/no connection left for us .*DATABASE_CONNECTIONS/);
    });

    it.skipIf(noPgbouncer() !== undefined)(
      'a pooler that passes no notices on is found out, and its connection given back',
      async () => {
        const pooler = await startPgbouncer(url, 'transaction', 5);
        const database = createPostgres({ connectionString: pooler, timing: { ...QUICK, connectMs: 500 } });
        onTestFinished(() => database.close());
        await expect(database.listen?.('shop_bell', () => {})).rejects.toThrow('passes no notices on');
        const session = createPostgres({ connectionString: await startPgbouncer(url, 'session', 5), timing: QUICK });
        onTestFinished(() => session.close());
        await (await session.listen?.('shop_bell', () => {}))?.close();
      },
    );

    it.skipIf(noPgbouncer() !== undefined)(
      'C39: serializable by default behind a pooler is named, with the remedy',
      async () => {
        const [{ name } = { name: '' }] = await db.query<{ name: string }>('select current_database() as name');
        await db.query(`alter database "${name}" set default_transaction_isolation = 'serializable'`);
        onTestFinished(
          async () => void (await db.query(`alter database "${name}" reset default_transaction_isolation`)),
        );
        const database = createPostgres({
          connectionString: await startPgbouncer(url, 'transaction', 5),
          timing: QUICK,
        });
        onTestFinished(() => database.close());
        await expect(database.query('select 1')).rejects.toThrow(
          /default_transaction_isolation is "serializable".*alter role … set default_transaction_isolation = 'read committed'/,
        );
      },
    );

    it.each(['LATIN1', 'SQL_ASCII'])('C39: a database of encoding %s is named, with the remedy', async (encoding) => {
      const name = `enc_${process.pid}_${encoding.toLowerCase()}`;
      await db.query(
        `create database ${name} encoding '${encoding}' template template0 lc_collate 'C' lc_ctype 'C'${db.kind === 'pg15' ? '' : ` locale_provider libc`}`,
      );
      onTestFinished(async () => void (await db.query(`drop database ${name} with (force)`)));
      const address = new URL(url);
      address.pathname = `/${name}`;
      const database = createPostgres({ connectionString: address.href, max: 1 });
      onTestFinished(() => database.close());
      await expect(database.query('select 1')).rejects.toThrow(
        `the database has the encoding ${encoding} (server_encoding), in which not every text can be stored: make another one with "create database … encoding 'UTF8' template template0"`,
      );
    });
  },
  { kinds: ['postgres', 'pg15'] },
);
