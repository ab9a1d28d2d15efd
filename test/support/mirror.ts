import { expect } from 'vitest';
import { type ConfigInput, parseConfig } from '../../src/config.ts';
import type { Database } from '../../src/engine/database.ts';
import { createEngine } from '../../src/engine/engine.ts';
import type { Ports } from '../../src/engine/ports.ts';
import type { Run, RunMode, RunOptions } from '../../src/engine/store.ts';
import type { SyncSettings } from '../../src/engine/sync/context.ts';
import { hmacHex } from '../../src/kit/index.ts';
import type { TestDatabase } from '../setup/database.ts';
import { type AcmeAccount, type AcmeEvent, createAcmeAccount } from './acme-account.ts';
import { ACME_KEY, type AcmeApi, createAcmeApi } from './acme-api.ts';
import { acme } from './acme-connector.ts';

type AppInput = NonNullable<ConfigInput['apps']>[number];

export interface MirrorOptions {
  readonly resources?: readonly string[];
  readonly connector?: string;
  readonly app?: Partial<Pick<AppInput, 'sync_from' | 'on_delete' | 'feed'>> & { readonly account?: string };
  readonly settings?: Partial<SyncSettings>;
  readonly account?: AcmeAccount;
  readonly ports?: Partial<Ports>;
  /** Between the engine and its database: to let it crash. */
  readonly wrap?: (database: Database) => Database;
  /** Tasks at one time. One by default: then a story has one course. */
  readonly slots?: number;
  readonly key?: string;
}

export interface Row {
  readonly external_id: string;
  readonly raw_payload: Record<string, unknown> | null;
  readonly parent_id: string | null;
  readonly deleted: boolean;
  readonly archived: boolean;
  readonly version: string;
  readonly updated_at: Date;
}

export const WEBHOOK_SECRET = 'acme_webhook_secret';
let mirrors = 0;

/** An account at Acme, and an engine that mirrors it into `db` under an app_key of its own. */
export function createMirror(db: TestDatabase, options: MirrorOptions = {}) {
  const key = options.key ?? `acme_${process.pid}_${++mirrors}`;
  const account = options.account ?? createAcmeAccount();
  const api: AcmeApi = createAcmeApi(account);
  const { account: accountSetting, ...app } = options.app ?? {};
  const config = parseConfig({
    apps: [
      {
        app_key: key,
        connector: options.connector ?? acme.metadata.name,
        config: {
          api_key_env: 'KEY',
          webhook_secret_env: 'SECRET',
          sync_resources: [...(options.resources ?? ['thing', 'part'])],
          ...(accountSetting === undefined ? {} : { account: accountSetting }),
        },
        ...app,
      },
    ],
  });
  const slots = options.slots ?? 1;
  const env: Record<string, string> = { KEY: ACME_KEY, SECRET: WEBHOOK_SECRET };
  const start = (wrap = options.wrap ?? ((database: Database) => database), isDead = () => false) =>
    createEngine({
      config,
      database: wrap(db.database),
      env,
      ports: {
        fetch: async (...request: Parameters<typeof fetch>) => {
          if (isDead()) throw new Error('this process is dead');
          return await api.fetch(...request);
        },
        now: account.now,
        ...options.ports,
      },
      settings: { retryBaseMs: 0, maxAttempts: 3, ...options.settings },
    });
  let engine = start();
  const query = db.query;

  const mirror = {
    key,
    account,
    api,
    env,
    config,
    query,
    get engine() {
      return engine;
    },
    /** A new process over the same database; one that is dead asks nothing of the provider any more. */
    restart(wrap?: (database: Database) => Database, isDead?: () => boolean) {
      engine = start(wrap, isDead);
    },
    async run(mode: RunMode, runOptions: RunOptions = {}): Promise<Run> {
      await engine.store.resumeApp(key);
      const { runId } = await engine.startRun(key, mode, runOptions);
      await engine.work({ slots, filter: { run_id: runId } });
      const run = await engine.getRun(runId);
      if (run === null) throw new Error(`no run ${runId}`);
      return run;
    },
    /** A run that must end well. */
    async full(runOptions: RunOptions = {}): Promise<Run> {
      return completed(await mirror.run('full', runOptions));
    },
    async incremental(runOptions: RunOptions = {}): Promise<Run> {
      return completed(await mirror.run('incremental', runOptions));
    },
    /** A run that reads everything and leaves records in quarantine: it has failed, by their resource. */
    async partial(mode: RunMode = 'full'): Promise<Run> {
      const run = await mirror.run(mode);
      expect(run).toMatchObject({ state: 'failed', error: expect.stringMatching(/in quarantine/) });
      return run;
    },
    /** Signs and delivers, in this order, each to its end; then asks what was left to be asked. */
    async deliver(...events: readonly AcmeEvent[]): Promise<void> {
      for (const event of events) {
        await mirror.accept(event);
        await engine.drain({ retryBaseMs: 0 });
      }
      await mirror.settle();
    },
    async accept(event: Pick<AcmeEvent, 'body'>, secret = WEBHOOK_SECRET) {
      const body = new TextEncoder().encode(event.body);
      const headers = new Headers({ 'acme-signature': await hmacHex('SHA-256', secret, body) });
      return await engine.acceptor.accept(engine.app(key), body, headers);
    },
    /** Works whatever is due, inbox and tasks. */
    async settle(): Promise<void> {
      await engine.drain({ retryBaseMs: 0 });
      await engine.work({ slots, filter: { app_key: key } });
    },
    async rows(kind: string): Promise<Row[]> {
      return await query<Row>(
        `select external_id, raw_payload, parent_id, deleted_at is not null as deleted, archived_at is not null as archived,
           version, updated_at
         from supasaasy.entities where app_key = $1 and collection_key = $2 order by external_id`,
        [key, `acme_${kind}`],
      );
    },
    async row(kind: string, id: string): Promise<Row | undefined> {
      return (await mirror.rows(kind)).find((row) => row.external_id === id);
    },
    /** What the mirror shows: living objects by id. */
    async held(kind: string): Promise<Map<string, Record<string, unknown> | null>> {
      const rows = await mirror.rows(kind);
      return new Map(rows.filter((row) => !row.deleted).map((row) => [row.external_id, row.raw_payload]));
    },
    async expectTruth(...kinds: readonly string[]): Promise<void> {
      for (const kind of kinds.length > 0 ? kinds : (config.apps[0]?.resources ?? [])) {
        const sorted = (map: ReadonlyMap<string, unknown>) =>
          Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
        expect(sorted(await mirror.held(kind)), `${kind} as Acme has it`).toEqual(sorted(account.truth(kind)));
      }
    },
    async changes(): Promise<{ external_id: string; operation: string; collection_key: string }[]> {
      return await query(
        'select external_id, operation, collection_key from supasaasy.changes where app_key = $1 order by seq',
        [key],
      );
    },
    async inbox(): Promise<{ event_id: string; state: string; deliveries: number; reason: string | null }[]> {
      return await query(
        'select event_id, state, deliveries, reason from supasaasy.inbox where app_key = $1 order by id',
        [key],
      );
    },
    async quarantine(): Promise<{ external_id: string | null; reason: string; raw: string; resolved: boolean }[]> {
      return await query(
        `select external_id, reason, raw, resolved_at is not null as resolved from supasaasy.quarantine where app_key = $1 order by id`,
        [key],
      );
    },
    async watermark(kind: string): Promise<number | null> {
      const state = await engine.store.syncState(key);
      return state[`acme_${kind}`]?.watermark ?? null;
    },
    /** Leases of workers that no longer live run out. */
    async expireLeases(): Promise<void> {
      await query(
        `with tasks as (
           update supasaasy.tasks set lease_until = clock_timestamp() - interval '1 second' where app_key = $1 and state = 'running'
         )
         update supasaasy.inbox set lease_until = clock_timestamp() - interval '1 second' where app_key = $1 and state = 'running'`,
        [key],
      );
    },
  };
  return mirror;
}

export type Mirror = ReturnType<typeof createMirror>;

function completed(run: Run): Run {
  expect({ state: run.state, error: run.error, resources: run.resources }).toMatchObject({
    state: 'completed',
    error: null,
  });
  return run;
}
