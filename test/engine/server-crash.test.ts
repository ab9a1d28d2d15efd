import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { stripe } from '../../connectors/stripe/index.ts';
import { sandboxFetch } from '../../sandbox/http/fetch.ts';
import { createStripeSandbox } from '../../sandbox/stripe/index.ts';
import { parseConfig } from '../../src/config.ts';
import type { SqlDatabase } from '../../src/engine/database.ts';
import { createEngine } from '../../src/engine/engine.ts';
import { applyMigrations } from '../../src/engine/migrate.ts';
import { readMigrations } from '../../src/runtime/node/migration-files.ts';
import { createPostgres } from '../../src/runtime/node/postgres.ts';
import { type Cluster, findEmbedded, startCluster } from '../setup/cluster.ts';

const CUSTOMERS = 3_000;
/** As PostgreSQL has them by default, but for the pause between two writes of the log: here nothing is written unasked. */
const DURABLE = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  wal_writer_delay: '10s',
  wal_writer_flush_after: '0',
  restart_after_crash: 'on',
};

const binaries = findEmbedded();

describe.skipIf(typeof binaries === 'string')(
  'a server that falls in the middle of a run',
  { timeout: 120_000 },
  () => {
    let cluster: Cluster;
    beforeAll(async () => {
      if (typeof binaries === 'string') return;
      cluster = await startCluster({ ...binaries, settings: DURABLE });
    }, 120_000);
    afterAll(() => cluster?.stop());

    /** One backend that is killed takes the server's memory with it, and the log that was not yet written. */
    async function fell(): Promise<void> {
      const client = new pg.Client({ connectionString: cluster.url });
      client.on('error', () => {});
      await client.connect();
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      const gone = new Promise((resolve) => client.once('end', resolve));
      process.kill(rows[0]!.pid, 'SIGKILL');
      await gone;
    }

    function openShop(database: SqlDatabase) {
      const sandbox = createStripeSandbox({ size: { customers: CUSTOMERS } });
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
        ports: { fetch: sandboxFetch(sandbox), log: () => {} },
        settings: { leaseSeconds: 1, retryBaseMs: 20, maxAttempts: 20 },
      });
      return { engine, sandbox };
    }

    /** Works a run to its end, as a server does: what fails because the database is away is tried again. */
    async function workToTheEnd(engine: ReturnType<typeof createEngine>, runId: string): Promise<void> {
      for (;;) {
        try {
          await engine.work({ filter: { run_id: runId } });
          if ((await engine.getRun(runId))?.state !== 'running') return;
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    }

    it.each([3, 9, 17])(
      'A18 I3 I6 forgets pages, never half of one: after page %i it is killed, and in the end every row is there',
      async (fatal) => {
        const admin = createPostgres({ connectionString: cluster.url, max: 1 });
        await admin.script(`drop database if exists crash_${fatal}`).catch(() => {});
        await admin.query(`create database crash_${fatal}`);
        await admin.close();
        const address = new URL(cluster.url);
        address.pathname = `/crash_${fatal}`;
        const database = createPostgres({ connectionString: address.href });
        onTestFinished(() => database.close());
        await applyMigrations(database, await readMigrations([stripe]));
        let pages = 0;
        let forgotten = 0;
        const { engine, sandbox } = openShop({
          ...database,
          async call<T>(name: string, args: Readonly<Record<string, unknown>>): Promise<T> {
            const result = await database.call<T>(name, args);
            if (name === 'ingest_page') {
              pages += 1;
              const { records, created } = result as { records: number; created: number };
              if (records === 0 && created === 0) forgotten += 1;
              if (pages === fatal) await fell();
            }
            return result;
          },
        });
        const { runId } = await engine.startRun('shop', 'full');
        await workToTheEnd(engine, runId);
        expect(pages).toBeGreaterThan(fatal);
        const rows = await database.query<{ external_id: string; raw_payload: unknown }>(
          `select external_id, raw_payload from supasaasy.entities where deleted_at is null order by external_id`,
        );
        const truth = [...sandbox.objects('customer')].map(({ id, json }) => [id, JSON.parse(json)] as const);
        expect(rows.map((row) => [row.external_id, row.raw_payload])).toEqual(
          truth.sort(([a], [b]) => (a < b ? -1 : 1)),
        );
        expect(
          await database.query(
            'select count(*)::int as n, count(distinct external_id)::int as of from supasaasy.changes',
          ),
        ).toEqual([{ n: truth.length, of: truth.length }]);
        expect(await engine.getRun(runId)).toMatchObject({ state: 'completed' });
        console.log(`killed after page ${fatal}: ${forgotten} readers were further than the database`);
      },
    );
  },
);
