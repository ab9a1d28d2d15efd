import { describe, expect, it } from 'vitest';
import { changes, inbox, table, topic } from '../../src/engine/feed/database-source.ts';
import { createFeed } from '../../src/engine/feed/feed.ts';
import { memory } from '../../src/engine/feed/memory-source.ts';
import type { Source } from '../../src/engine/feed/source.ts';
import { consumerRoutes } from '../../src/engine/http/consumers.ts';
import { defaultPorts } from '../../src/engine/ports.ts';
import { type SourceUnderTest, sourceConformance } from '../../src/testing/source-conformance.ts';
import { describeEachDatabase, type MakeDatabase, type TestDatabase } from '../setup/database.ts';
import { write } from './writers.ts';

const ports = defaultPorts();
type SeededEvent = Parameters<SourceUnderTest['write']>[0][number];

/** Each case against a source of its own. */
function conforms(name: string, make: () => Promise<SourceUnderTest>): void {
  describe(name, () => {
    for (const one of sourceConformance) {
      it(one.title, async (context) => {
        const source = await make();
        const reason = one.skip(source);
        if (reason !== undefined) context.skip(reason);
        await one.run(source);
      });
    }
  });
}

conforms('S3-06, S3-07, S3-08, S3-17: the memory source', async () => {
  const source = memory();
  return {
    open: (settings) => source.open({ settings, ports }),
    write: async (events) => source.push(...events),
    cannot: { filter: 'it delivers all; the consumer has a filter' },
  };
});

conforms('a source whose events arrive one by one', async () => {
  const source = memory();
  return {
    open: (settings) => source.open({ settings, ports }),
    async write(events) {
      void (async () => {
        for (const event of events) {
          await new Promise((resolve) => setTimeout(resolve, 3));
          source.push(event);
        }
      })();
    },
    cannot: {
      filter: 'it delivers all',
      seek: 'what is on its way has no place yet',
      rescale: 'a reader may come before the events',
    },
  };
});

/** One database for the suite; each case begins with an empty log. */
function inDatabase(
  make: MakeDatabase,
  source: Source,
  writeOne: (database: TestDatabase, event: SeededEvent) => Promise<void>,
  limits: Pick<SourceUnderTest, 'unwantedType' | 'cannot'>,
) {
  let made: Promise<TestDatabase> | undefined;
  return async (): Promise<SourceUnderTest> => {
    made ??= make({ template: 'engine' });
    const database = await made;
    await database.query(`delete from supasaasy.consumers`);
    for (const name of ['changes', 'messages', 'entities', 'inbox', 'dead_letters'])
      await database.query(`delete from supasaasy.${name}`);
    await database.query(
      `create table if not exists public.things (id bigint generated always as identity, key text, event text, type text)`,
    );
    return {
      open: (settings) => source.open({ settings, ports, database: database.database }),
      async write(events) {
        for (const event of events) await writeOne(database, event);
      },
      ...limits,
    };
  };
}

describeEachDatabase(
  'sources',
  (make) => {
    conforms(
      'S3-18: changes',
      inDatabase(
        make,
        withEventIds(changes({ types: ['create', 'update'] })),
        async (database, { id, key, type }) => {
          // The change is an archiving one where it is unwanted.
          if (type === 'thing.ignored')
            await database.query(
              `insert into supasaasy.changes (app_key, collection_key, external_id, operation, origin, origin_id, version) values ('acme', 'stripe_customer', $1, 'archive', 'sync', $2, 1)`,
              [key, id],
            );
          else await write(database.database, key ?? '', { event_id: id });
        },
        { unwantedType: 'thing.ignored' },
      ),
    );
    conforms(
      'S3-24: a topic that events are pushed into over HTTP',
      inDatabase(
        make,
        withEventIds(topic('things', { types: ['thing.changed'] })),
        async ({ database }, { id, ...event }) => {
          const startRun = async () => ({ runId: '', resumed: false });
          const feed = createFeed({ database, ports, consumers: [], startRun });
          const answer = await consumerRoutes({ feed, ports }, { adminKeys: () => ['key'] }).request('/topics/things', {
            method: 'POST',
            headers: { authorization: 'Bearer key' },
            body: JSON.stringify({ ...event, id: `${id}-${crypto.randomUUID()}`, headers: { event_id: id } }),
          });
          expect(answer.status).toBe(200);
        },
        { unwantedType: 'thing.ignored' },
      ),
    );
    conforms(
      'S3-24: the inbox of webhooks',
      inDatabase(
        make,
        withEventIds(inbox({ types: ['thing.changed'] })),
        async ({ database }, { id, type }) => {
          const body = JSON.stringify({ event_id: id });
          await database.call('accept_deliveries', {
            deliveries: [
              {
                app_key: 'acme',
                event_id: id,
                event_type: type,
                occurred_at: null,
                body,
                state: 'ready',
                reason: null,
              },
            ],
          });
        },
        { unwantedType: 'thing.ignored', cannot: { keys: 'each delivery is an entity of its own' } },
      ),
    );
    conforms(
      'S3-26: a table',
      inDatabase(
        make,
        withEventIds(table('things', { key: 'key', types: ['things.inserted'] })),
        async (database, { id, key, type }) => {
          await database.query(`select supasaasy.watch_table('public.things', 'key')`);
          const insert = () =>
            database.query(`insert into public.things (key, event, type) values ($1, $2, $3)`, [key, id, type]);
          if (type !== 'thing.ignored') return void (await insert());
          // The change is an update where it is unwanted.
          await database.query(`select supasaasy.unwatch_table('public.things')`);
          await insert();
          await database.query(`select supasaasy.watch_table('public.things', 'key')`);
          await database.query(`update public.things set type = 'again' where event = $1`, [id]);
        },
        { unwantedType: 'thing.ignored' },
      ),
    );
  },
  { kinds: ['pglite', 'postgres', 'pg15'] },
);

/** Where the event's own id is: in the payload, or a header. */
function withEventIds(source: Source): Source {
  return {
    ...source,
    async open(context) {
      const receiver = await source.open(context);
      return {
        ...receiver,
        async recv(limit, signal) {
          const batch = await receiver.recv(limit, signal);
          return {
            ...batch,
            changes: batch.changes.map((change) => {
              const after = change.after as { event_id?: string; event?: string } | null;
              const id = change.headers['event_id'] ?? after?.event_id ?? after?.event ?? change.id;
              return { ...change, headers: { ...change.headers, event_id: id } };
            }),
          };
        },
      };
    },
  };
}
