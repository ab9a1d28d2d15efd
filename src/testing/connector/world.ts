import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { parseConfig } from '../../config.ts';
import type { SqlDatabase } from '../../engine/database.ts';
import { createEngine, type Engine } from '../../engine/engine.ts';
import { applyMigrations } from '../../engine/migrate.ts';
import type { Run, RunOptions, SyncMode } from '../../engine/store.ts';
import { parseJson } from '../../kit/json.ts';
import { readMigrations } from '../../runtime/node/migration-files.ts';
import { createPglite } from '../../runtime/node/pglite.ts';
import { type ConnectorSubject, collectionOf, type Json, type TrialAccount, type TrialDelivery } from './subject.ts';

/** How closely mirror and account are compared: ids alone, payloads as lists show them, or as far as events tell. */
export type Aspect = 'ids' | 'list' | 'news';

/** An account, and an engine that mirrors it under an app of its own. */
export interface World {
  readonly app: string;
  readonly account: TrialAccount;
  readonly engine: Engine;
  readonly resources: readonly string[];
  /** Every request that was sent, as method, path and query. */
  readonly requests: string[];
  /** Stands between engine and account. */
  between: (url: URL, init: RequestInit | undefined, go: typeof fetch) => Promise<Response>;
  query<Row>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  sync(mode: SyncMode, options?: RunOptions): Promise<Run>;
  deliver(deliveries: readonly TrialDelivery[]): Promise<void>;
  /** Living ids of the mirror. */
  ids(resource: string): Promise<string[]>;
  /** What of these resources differs from the account; empty when nothing does. */
  differences(what: Aspect, resources?: readonly string[]): Promise<string[]>;
  /** How many entries the feed has of this app. */
  changes(): Promise<number>;
}

const databases = new WeakMap<ConnectorSubject, Promise<SqlDatabase>>();
let worlds = 0;

export function databaseOf(subject: ConnectorSubject): Promise<SqlDatabase> {
  const database = databases.get(subject) ?? subject.database?.() ?? migrated(subject);
  databases.set(subject, database);
  return database;
}

async function migrated({ connector }: ConnectorSubject): Promise<SqlDatabase> {
  const database = await createPglite();
  await applyMigrations(database, await readMigrations([connector]));
  for (const { collection } of Object.values(connector.resources))
    await database.query('select supasaasy.ensure_collection($1)', [collection]);
  return database;
}

/** `few`: at most so many of the resources that can be listed; all unless told. */
export async function createWorld(
  subject: ConnectorSubject,
  options: { few?: number; apiKey?: string } = {},
): Promise<World> {
  const database = await databaseOf(subject);
  const { connector } = subject;
  const account = subject.account();
  worlds += 1;
  const app = `trial_${Date.now().toString(36)}_${worlds}`;
  const wanted = subject.resources ?? Object.keys(connector.resources);
  const chosen =
    options.few === undefined ? wanted : wanted.filter((name) => connector.resources[name]?.list).slice(0, options.few);
  const config = parseConfig({
    apps: [
      {
        app_key: app,
        connector: connector.metadata.name,
        config: { ...subject.settings, api_key_env: 'KEY', webhook_secret_env: 'SECRET', sync_resources: [...chosen] },
      },
    ],
  });
  const requests: string[] = [];
  const engine = createEngine({
    config,
    database,
    env: { KEY: options.apiKey ?? account.apiKey, SECRET: account.webhookSecret },
    settings: { retryBaseMs: 0, auditGraceMs: 0 },
    ports: {
      now: () => account.now?.() ?? Date.now(),
      async fetch(input, init) {
        const url = new URL(String(input));
        requests.push(`${init?.method ?? 'GET'} ${url.pathname}${url.search} ${String(init?.body ?? '')}`);
        return await world.between(url, init, account.fetch);
      },
    },
  });
  const resources = config.apps[0]?.resources ?? [];
  const world: World = {
    app,
    account,
    engine,
    resources,
    requests,
    between: (url, init, go) => go(url, init),
    query: (sql, values) => database.query(sql, values),
    async sync(mode, runOptions = {}) {
      return await engine.sync(app, mode, runOptions);
    },
    async deliver(deliveries) {
      for (const { body, sign } of deliveries) {
        const headers = new Headers(sign(body, engine.ports.now()));
        await engine.acceptor.accept(engine.app(app), new TextEncoder().encode(body), headers);
      }
      await engine.drain({ retryBaseMs: 0 });
      await engine.work({ filter: { app_key: app } });
    },
    async ids(resource) {
      const rows = await database.query<{ id: string }>(
        `select external_id as id from supasaasy.entities
         where app_key = $1 and collection_key = $2 and deleted_at is null and archived_at is null order by 1`,
        [app, collectionOf(connector, resource)],
      );
      return rows.map(({ id }) => id);
    },
    async differences(what, names = resources) {
      const capped = new Set(
        Object.values(connector.resources).flatMap(({ children }) =>
          (children ?? []).filter(({ replace }) => replace === false).map((child) => child.resource),
        ),
      );
      const wrong: string[] = [];
      for (const name of names) {
        const rows = await database.query<{ id: string; payload: Json; archived: boolean }>(
          `select external_id as id, raw_payload as payload, archived_at is not null as archived from supasaasy.entities
           where app_key = $1 and collection_key = $2 and deleted_at is null`,
          [app, collectionOf(connector, name)],
        );
        const held = new Map(rows.map((row) => [row.id, row]));
        for (const { id, json } of account.objects(name)) {
          const ours = held.get(id);
          held.delete(id);
          if (ours === undefined) {
            if (subject.hidden?.includes(name) !== true) wrong.push(`${name} ${id} is missing`);
          } else if (what !== 'ids') {
            const see = (object: Json) => subject.see?.(name, object, what) ?? object;
            if (!isDeepStrictEqual(see(ours.payload), see(parseJson(json) as Json)))
              wrong.push(`${name} ${id} differs`);
          }
        }
        // Archived objects are kept where no list shows them any more.
        // So are children that a capped list no longer shows.
        for (const [id, { archived }] of held)
          if (!archived && !capped.has(name)) wrong.push(`${name} ${id} is too many`);
      }
      return wrong;
    },
    async changes() {
      const [row] = await database.query<{ n: number }>(
        'select count(*)::int as n from supasaasy.changes where app_key = $1',
        [app],
      );
      return row?.n ?? 0;
    },
  };
  return world;
}

export function assertCompleted(run: Run): void {
  assert.deepEqual({ state: run.state, error: run.error }, { state: 'completed', error: null });
}

export async function assertTrue(world: World, what: Aspect, resources?: readonly string[]): Promise<void> {
  const wrong = await world.differences(what, resources);
  assert.equal(wrong.length, 0, `${wrong.length} differ: ${wrong.slice(0, 10).join(', ')}`);
}

const shared = new WeakMap<ConnectorSubject, Map<string, Promise<World>>>();

/** A world that several cases look at: made once for each subject. */
export function sharedWorld(subject: ConnectorSubject, name: string, make: () => Promise<World>): Promise<World> {
  const known = shared.get(subject) ?? new Map<string, Promise<World>>();
  shared.set(subject, known);
  const world = known.get(name) ?? make();
  known.set(name, world);
  return world;
}
