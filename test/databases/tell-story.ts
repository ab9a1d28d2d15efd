import { expect, onTestFinished } from 'vitest';
import type { SqlDatabase } from '../../src/engine/database.ts';
import { changes } from '../../src/engine/feed/database-source.ts';
import { defineConsumer } from '../../src/engine/feed/define-consumer.ts';
import { createFeed } from '../../src/engine/feed/feed.ts';
import { applyMigrations } from '../../src/engine/migrate.ts';
import { outlast } from '../../src/engine/outlast.ts';
import { defaultPorts } from '../../src/engine/ports.ts';
import { queryMirror } from '../../src/engine/query.ts';
import { readMigrations } from '../../src/runtime/node/migration-files.ts';
import { createPostgres, type PostgresOptions } from '../../src/runtime/node/postgres.ts';
import type { TestDatabase } from '../setup/database.ts';
import { createAcmeAccount } from '../support/acme-account.ts';
import { acme } from '../support/acme-connector.ts';
import { createMirror } from '../support/mirror.ts';
import { expectNothingOpen } from '../support/story.ts';

export interface StoryOptions extends Omit<PostgresOptions, 'connectionString'> {
  readonly url: string;
  /** Happens while the second page of the full sync is on its way to the database. */
  readonly disturb?: () => Promise<void> | void;
  /** How far this host's clock is off. */
  readonly skewMs?: number;
  /** No role can be made: queries are left out. */
  readonly noQueries?: boolean;
}

const THINGS = 250;

export function openStory(options: Pick<StoryOptions, 'url' | 'max' | 'timing'>): TestDatabase {
  const { url, max, timing } = options;
  const database: SqlDatabase = createPostgres({
    connectionString: url,
    ...(max === undefined ? {} : { max }),
    ...(timing === undefined ? {} : { timing }),
  });
  onTestFinished(() => database.close());
  return {
    kind: 'postgres',
    database,
    query: (sql, params = []) => outlast(defaultPorts(), () => database.query(sql, params)),
    close: () => database.close(),
  };
}

/** What everybody does with a mirror: migrate, a full sync, live webhooks, a consumer, a query. */
export async function tellStory(options: StoryOptions): Promise<void> {
  const db = openStory(options);
  const ports = defaultPorts();
  await applyMigrations(db.database, await readMigrations([acme]));
  await db.database.call('grant_access', {});

  const account = createAcmeAccount();
  const mirror = createMirror(db, {
    slots: 8,
    resources: ['thing', 'part', 'tag', 'note'],
    settings: { leaseSeconds: 5 },
    account,
    ports: { now: () => account.now() + (options.skewMs ?? 0) },
  });
  const { api } = mirror;
  for (let i = 0; i < THINGS; i += 1) account.create('thing', { value: i, active: true, parts: [] });
  account.create('tag', { value: 1 });
  account.create('note', { value: 1 });

  const seen = new Set<string>();
  const feed = createFeed({
    database: db.database,
    ports,
    consumers: [
      defineConsumer({
        name: 'reader',
        source: changes(),
        start: 'start',
        poll: 50,
        handler: (change) => void seen.add(`${change.external_id} ${change.operation}`),
      }),
    ],
    startRun: async () => ({ runId: '', resumed: false }),
  });
  const controller = new AbortController();
  const reading = feed.run({ signal: controller.signal });
  try {
    let answers = 0;
    api.afterAnswer = async () => {
      answers += 1;
      if (answers === 2) await options.disturb?.();
    };
    await mirror.full();
    api.afterAnswer = () => {};
    await mirror.expectTruth('thing', 'tag', 'note');

    // Many at one time, as after a pause of the provider.
    account.tick();
    const before = account.log.length;
    for (const id of account.ids('thing').slice(0, 20)) account.update('thing', id, { value: -1 });
    const removed = account.ids('thing').at(-1) ?? '';
    account.remove('thing', removed);
    await Promise.all(account.log.slice(before).map((event) => outlast(ports, () => mirror.accept(event))));
    await outlast(ports, () => mirror.settle());
    await mirror.expectTruth('thing', 'tag', 'note');
    await expect.poll(() => seen.has(`${removed} delete`), { timeout: 60_000, interval: 20 }).toBe(true);
    await expect.poll(() => seen.size, { timeout: 60_000, interval: 20 }).toBe(THINGS + 2 + 20 + 1);
    await expectNothingOpen(mirror);
  } finally {
    controller.abort();
    await reading;
  }
  if (options.noQueries === true) return;
  const answer = await outlast(ports, () =>
    queryMirror(db.database, {
      sql: `select count(*) as n from entities where deleted_at is null and collection_key = 'acme_thing'`,
      limit: 1,
    }),
  );
  expect(answer).toContain(`"n":${THINGS - 1}`);
}
