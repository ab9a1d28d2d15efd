import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { beforeAll, expect, it, vi } from 'vitest';
import type { Change } from '../../src/engine/feed/change.ts';
import { changes } from '../../src/engine/feed/database-source.ts';
import { type Consumer, defineConsumer } from '../../src/engine/feed/define-consumer.ts';
import { createFeed } from '../../src/engine/feed/feed.ts';
import { createFeedStore } from '../../src/engine/feed/feed-store.ts';
import { definePush } from '../../src/engine/feed/push.ts';
import { consumerRoutes } from '../../src/engine/http/consumers.ts';
import { queryRoutes } from '../../src/engine/http/query-routes.ts';
import { defaultPorts } from '../../src/engine/ports.ts';
import { queryMirror } from '../../src/engine/query.ts';
import { parseJson, stringifyJson, valueAt } from '../../src/kit/index.ts';
import { natsSink } from '../../src/runtime/nats/nats-sink.ts';
import { createRestDatabase } from '../../src/runtime/supabase/rest-database.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { postgrestFetch } from '../supabase/postgrest.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { jsonNumber, valueOfNumber } from '../support/json-numbers.ts';
import { createMirror } from '../support/mirror.ts';
import { PROPERTY_TIMEOUT_MS, runs } from '../support/runs.ts';

vi.setConfig({ testTimeout: PROPERTY_TIMEOUT_MS });

const ports = defaultPorts();
const AUTH = { authorization: 'Bearer key' };
const SECRET = `whsec_${Buffer.from('a secret of twenty-four b').toString('base64')}`;
const numbers = fc.array(jsonNumber, { minLength: 20, maxLength: 20 }).map((list) => ['9007199254740993', ...list]);

/** The values of the numbers in `{"values": […]}`, as they are written in a text. */
function written(text: string): string[] {
  const list = /"values"\s*:\s*\[([^\]]*)\]/.exec(text)?.[1];
  return (list ?? 'none').split(',').map((one) => valueOfNumber(one.trim()));
}

/** Runs consumers until `done`. */
async function consume(db: TestDatabase, consumer: Consumer, done: () => boolean): Promise<void> {
  const controller = new AbortController();
  const host = { ports, consumers: [consumer], startRun: async () => ({ runId: '', resumed: false }) };
  const ended = createFeed({ ...host, database: db.database }).run({ signal: controller.signal });
  await vi.waitFor(() => expect(done()).toBe(true), { timeout: 120_000, interval: 10 });
  controller.abort();
  await ended;
}

describeEachDatabase('the numbers of a provider', (make, kind) => {
  let db: TestDatabase;
  let serial = 0;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });

  it('C31: arrive as they were written, on every way out', async () => {
    await fc.assert(
      fc.asyncProperty(numbers, async (list) => {
        const expected = list.map(valueOfNumber);
        const mirror = createMirror(db, { resources: ['note'] });
        mirror.api.meddle = () =>
          new Response(
            `{"data":[{"id":"n","created":1,"updated":1,"values":[${list.join()}],"text":"9007199254740993"}],"next":null}`,
          );
        await mirror.full();

        const [row] = await mirror.query<{ text: string; json: unknown }>(
          'select raw_payload::text as text, raw_payload as json from supasaasy.entities where app_key = $1',
          [mirror.key],
        );
        expect(written(row?.text ?? '')).toEqual(expected);
        expect(written(stringifyJson(row?.json))).toEqual(expected);

        const sql = `select raw_payload from entities where app_key = '${mirror.key}'`;
        expect(written(await queryMirror(db.database, { sql, limit: 1 }))).toEqual(expected);
        const cells = parseJson(await queryMirror(db.database, { sql, limit: 1, cells: true }));
        expect(written(String(valueAt(cells, ['rows', '0', '0'])))).toEqual(expected);
        const overHttp = await queryRoutes(db.database, { adminKeys: () => ['key'] }).request('/query', {
          method: 'POST',
          headers: AUTH,
          body: JSON.stringify({ sql }),
        });
        expect(written(await overHttp.text())).toEqual(expected);

        // The feed: in a handler, through it to NATS and to a topic; over HTTP and PostgREST; as a push.
        serial += 1;
        const source = changes({ apps: [mirror.key] });
        const handled: Change[] = [];
        const messages: string[] = [];
        const sink = natsSink({
          jetstream: {
            publish: async (_subject, payload) => {
              messages.push(new TextDecoder().decode(payload as Uint8Array));
              return { stream: 's', seq: 1, duplicate: false };
            },
          },
        });
        await consume(
          db,
          defineConsumer({
            name: `handler-${serial}`,
            source,
            start: 'start',
            poll: 20,
            async handler(change, context) {
              await sink(change, context);
              await context.api.publish(`numbers${serial}`, { id: change.id, payload: change.after });
              handled.push(change);
            },
          }),
          () => handled.length === 1,
        );
        const values = valueAt(handled[0]?.after, ['values']) as unknown[];
        expect(values.map((value) => valueOfNumber(String(value).replace('e+', 'e')))).toEqual(expected);
        expect(values[0]).toBe(9007199254740993n);
        expect(written(messages.join())).toEqual(expected);

        const rest = createRestDatabase({
          url: 'https://project.supabase.co',
          key: 'key',
          fetch: postgrestFetch(db.database, 'key'),
        });
        for (const [name, on, declared] of [
          ['changes', db.database, { kind: 'changes', filter: { apps: [mirror.key] } }],
          ['topic', db.database, { kind: 'messages', topic: `numbers${serial}` }],
          ['rest', rest, { kind: 'changes', filter: { apps: [mirror.key] } }],
        ] as const) {
          const store = createFeedStore(on);
          const consumer = `${name}-${serial}`;
          await store.declare([{ name: consumer, start: 'start', ...declared }], false);
          const feed = { store, consumers: [], metrics: () => '' } as unknown as ReturnType<typeof createFeed>;
          const routes = consumerRoutes({ feed, ports }, { adminKeys: () => ['key'] });
          const answer = await routes.request(`/consumers/${consumer}/recv`, { method: 'POST', headers: AUTH });
          expect(written(await answer.text()), name).toEqual(expected);
        }
        const published = await createFeedStore(rest).publish(`again${serial}`, [{ payload: { values } }]);
        expect(published.accepted).toBe(1);
        const [stored] = await db.query<{ text: string }>(
          'select payload::text as text from supasaasy.messages where topic = $1',
          [`again${serial}`],
        );
        expect(written(stored?.text ?? '')).toEqual(expected);

        expect(written((await pushed(db, mirror.key)).join())).toEqual(expected);
      }),
      runs(kind === 'pglite' ? 3 : 5),
    );
  });

  it('C31: are ids and cursors digit by digit', async () => {
    const mirror = createMirror(db, { resources: ['note'] });
    const ids = ['9007199254740993', '18446744073709551615', '12345678901234567890.5'];
    mirror.api.meddle = ({ query, path }) => {
      if (path !== '/notes') return new Response('{}', { status: 404 });
      const after = query.get('after');
      const record = (id: string | undefined) => `{"id":${id},"created":1,"updated":1}`;
      if (after === null) return new Response(`{"data":[${record(ids[0])}],"next":9007199254740995}`);
      if (after === '9007199254740995') return new Response(`{"data":[${ids.slice(1).map(record)}],"next":null}`);
      return new Response(`{"error":"no cursor ${after}"}`, { status: 500 });
    };
    await mirror.full();
    expect((await mirror.rows('note')).map((row) => row.external_id)).toEqual([...ids].sort());
    const event = '{"id":"ev_numbers","type":"note.deleted","created":5,"object":{"id":9007199254740993}}';
    await mirror.accept({ body: event.replace('9007199254740993', '"9007199254740993"') });
    await mirror.engine.drain();
    expect((await mirror.row('note', '9007199254740993'))?.deleted).toBe(true);
  });
});

/** The bodies that a receiver gets. */
async function pushed(db: TestDatabase, app: string): Promise<string[]> {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks).toString());
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await consume(
      db,
      definePush({
        name: `push-${app.replaceAll('_', '-')}`,
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
        source: changes({ apps: [app] }),
        start: 'start',
        poll: 20,
        secretEnv: 'SECRET',
        env: { SECRET },
        allowPrivate: true,
      }),
      () => bodies.length === 1,
    );
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  return bodies;
}
