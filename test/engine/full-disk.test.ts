import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { stripe } from '../../connectors/stripe/index.ts';
import { sandboxFetch } from '../../sandbox/http/fetch.ts';
import { createStripeSandbox } from '../../sandbox/stripe/index.ts';
import { parseConfig } from '../../src/config.ts';
import type { SqlDatabase } from '../../src/engine/database.ts';
import { createEngine } from '../../src/engine/engine.ts';
import { applyMigrations } from '../../src/engine/migrate.ts';
import { readMigrations } from '../../src/runtime/node/migration-files.ts';
import { createPglite } from '../../src/runtime/node/pglite.ts';
import '../http/hosted.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';

/** Left when a sync begins: a third of what it brings. */
const LEFT_MB = 3;
/** PostgreSQL's log is written in files of 16 MB. */
const LESS_THAN_A_LOG_FILE_MB = 14;
const CUSTOMERS = 4_000;
const LEFT = 'select id, state, (select count(*)::int from supasaasy.entities) as rows from supasaasy.runs';
const FULL =
  /^warn shop: the database's disk is full: free some space; what is stored is safe, and the work goes on where it stopped .*trying again$/;

/** A first sync writes 7 MB of log: more than is left of the file, and no file is in reserve. */
async function fillMostOfALogFile(database: SqlDatabase): Promise<void> {
  const megabyte = `select pg_logical_emit_message(false, 'test', repeat('x', 1000000))`;
  const position = `select ((pg_current_wal_insert_lsn() - '0/0') % (16 * 1024 * 1024) / 1000000)::int as mb,
    (select count(*)::int from pg_ls_waldir() where name ~ '^[0-9A-F]{24}$' and name > pg_walfile_name(pg_current_wal_insert_lsn())) as spare`;
  for (;;) {
    const [at] = await database.query<{ mb: number; spare: number }>(position);
    if (at?.mb === 12 && at.spare === 0) return;
    await database.query(megabyte);
  }
}

/** An account whose customers do not fit, and an engine that mirrors them. */
function openShop(database: SqlDatabase, diskIsFull: () => void = () => {}) {
  const sandbox = createStripeSandbox({ size: { customers: CUSTOMERS } });
  const said: string[] = [];
  const config = {
    api_key_env: 'KEY',
    sync_resources: ['customer'],
    requests_per_second: 10_000,
    requests_per_second_per_endpoint: 10_000,
  };
  const engine = createEngine({
    config: parseConfig({ apps: [{ app_key: 'shop', connector: stripe.metadata.name, config }] }),
    database,
    env: { KEY: sandbox.apiKey },
    ports: {
      fetch: sandboxFetch(sandbox),
      log(level, message) {
        said.push(`${level} ${message}`);
        if (message.includes('disk is full')) diskIsFull();
      },
    },
    settings: { leaseSeconds: 2, retryBaseMs: 20, maxAttempts: 3 },
  });
  return {
    engine,
    said,
    async expectTruth() {
      const rows = await database.query<{ external_id: string; raw_payload: unknown }>(
        `select external_id, raw_payload from supasaasy.entities
         where app_key = 'shop' and collection_key = 'stripe_customer' and deleted_at is null order by external_id`,
      );
      const truth = [...sandbox.objects('customer')].map(({ id, json }) => [id, JSON.parse(json)] as const);
      expect(rows.map((row) => [row.external_id, row.raw_payload])).toEqual(truth.sort(([a], [b]) => (a < b ? -1 : 1)));
    },
  };
}

const WHOLE = { state: 'completed', error: null, resources: { customer: { created: CUSTOMERS, errors: 0 } } };

function diskOf(context: TestContext, disk: SmallDisk | string): SmallDisk {
  if (typeof disk === 'string') context.skip(disk);
  return disk as SmallDisk;
}

describeEachDatabase(
  'a disk that is full under the tables',
  (make) => {
    let db: TestDatabase;
    let disk: SmallDisk | string = process.env['TEST_PG_URL'] ? 'the server of TEST_PG_URL has its own disks' : '';
    const moveTo = async (from: string, to: string) => {
      for (const kind of ['table', 'index'])
        await db.query(`alter ${kind} all in tablespace ${from} set tablespace ${to}`);
    };

    beforeAll(async () => {
      if (disk === '') disk = mountSmallDisk(48);
      if (typeof disk === 'string') return;
      db = await make({ template: 'both connectors' });
      await db.query(`create tablespace small_disk location '${disk.path}'`);
      await moveTo('pg_default', 'small_disk');
    });
    afterAll(async () => {
      if (typeof disk === 'string') return;
      disk.free();
      await moveTo('small_disk', 'pg_default');
      await db.query('drop tablespace small_disk');
      disk.remove();
    });

    it('is said in one message, with what to do; once there is space, the same run goes on to its end', async (context) => {
      const small = diskOf(context, disk);
      small.fill(LEFT_MB);
      const shop = openShop(db.database, () => small.free());
      expect(await shop.engine.sync('shop', 'full')).toMatchObject(WHOLE);
      expect(shop.said.filter((line) => line.includes('full'))).toEqual([expect.stringMatching(FULL)]);
      await shop.expectTruth();
    });

    it('and stays so when the work is interrupted: nothing of what was stored is lost, and the same run goes on', async (context) => {
      const small = diskOf(context, disk);
      for (const name of ['entities', 'changes', 'runs', 'sync_state'])
        await db.query(`truncate supasaasy.${name} cascade`);
      small.fill(LEFT_MB);
      const interrupt = new AbortController();
      const shop = openShop(db.database, () => interrupt.abort());
      // Where not even that can be written which an interruption leaves behind, it says so.
      const ended = await shop.engine.sync('shop', 'full', { signal: interrupt.signal }).catch((error: Error) => error);
      if (ended instanceof Error) expect(ended.message).toContain('disk is full');
      const [left] = await db.query<{ id: string; state: string; rows: number }>(LEFT);
      expect(left).toMatchObject({ state: 'running', rows: expect.toSatisfy((rows) => rows > 0 && rows < CUSTOMERS) });
      small.free();
      expect(await shop.engine.sync('shop', 'full')).toMatchObject({ ...WHOLE, id: left?.id });
      await shop.expectTruth();
    });
  },
  { kinds: ['postgres'] },
);

describe('a disk that is full under the embedded database', () => {
  let disk: SmallDisk | string;
  let database: SqlDatabase | undefined;
  beforeAll(() => {
    disk = mountSmallDisk(160);
  });
  afterAll(async () => {
    await database?.close().catch(() => {});
    if (typeof disk !== 'string') disk.remove();
  });

  it('stops it, which is said, with what to do; the next process goes on with the same run, from the last commit', async (context) => {
    const small = diskOf(context, disk);
    const folder = join(small.path, 'data');
    database = await createPglite(folder);
    await applyMigrations(database, await readMigrations([stripe]));
    await fillMostOfALogFile(database);
    small.fill(LESS_THAN_A_LOG_FILE_MB);
    const failed = await openShop(database)
      .engine.sync('shop', 'full')
      .catch((error: Error) => error);
    expect(failed).toMatchObject({
      message: expect.stringMatching(
        /^the embedded database has stopped .*No space left.*: free some space .* start again; what is stored is safe$/,
      ),
    });
    await expect(database.query('select 1')).rejects.toThrow('free some space');
    await database.close();
    small.free();
    database = await createPglite(folder);
    const [left] = await database.query<{ id: string; state: string; rows: number }>(LEFT);
    expect(left).toMatchObject({ state: 'running', rows: expect.toSatisfy((rows) => rows > 0 && rows < CUSTOMERS) });
    const shop = openShop(database);
    expect(await shop.engine.sync('shop', 'full')).toMatchObject({ ...WHOLE, id: left?.id });
    await shop.expectTruth();
  });
});
