import { expect, it } from 'vitest';
import { defineConfig } from '../../src/config.ts';
import { createEngine } from '../../src/engine/engine.ts';
import type { Batch } from '../../src/engine/feed/change.ts';
import { topic } from '../../src/engine/feed/database-source.ts';
import { createFeed } from '../../src/engine/feed/feed.ts';
import { consumerRoutes } from '../../src/engine/http/consumers.ts';
import { createHttp } from '../../src/engine/http/create-http.ts';
import { answerError } from '../../src/engine/http/http-error.ts';
import { defaultPorts } from '../../src/engine/ports.ts';
import { describeEachDatabase, type MakeDatabase } from '../setup/database.ts';
import { write } from './writers.ts';

async function host(make: MakeDatabase) {
  const { database } = await make({ template: 'engine' });
  const ports = defaultPorts();
  const feed = createFeed({ database, ports, consumers: [], startRun: async () => ({ runId: '', resumed: false }) });
  await database.call('declare_consumers', { consumers: [{ name: 'reader', start: 'start' }] });
  const app = consumerRoutes({ feed, ports }, { adminKeys: () => ['key'] });
  app.onError((error, c) => answerError(c, error, ports.log));
  const post = async (path: string, body: unknown, init: RequestInit = {}) =>
    await app.request(path, {
      method: 'POST',
      headers: { authorization: 'Bearer key' },
      body: JSON.stringify(body),
      ...init,
    });
  const get = async (path: string) => await app.request(path, { headers: { authorization: 'Bearer key' } });
  return {
    database,
    feed,
    app,
    post,
    get,
    json: async <T>(path: string, body: unknown = {}) => (await (await post(path, body)).json()) as T,
  };
}

describeEachDatabase(
  'the feed over HTTP',
  (make) => {
    it('S3-07, S3-09: is received, acknowledged and given back', async () => {
      const { database, json } = await host(make);
      for (const id of ['a', 'b']) await write(database, id, { id });
      const batch = await json<Batch>('/consumers/reader/recv', { limit: 10 });
      expect(batch.changes.map((change) => change.external_id)).toEqual(['a', 'b']);
      const [first, second] = batch.changes;
      expect(await json('/consumers/reader/ack', { token: batch.token, seqs: [first?.seq] })).toMatchObject({
        acked: 1,
      });
      expect(await json('/consumers/reader/extend', { token: batch.token })).toEqual({ extended: true });
      expect(await json('/consumers/reader/nack', { token: batch.token, seq: second?.seq, delay_ms: 0 })).toMatchObject(
        { state: 'waiting', attempts: 1 },
      );
      const again = await json<Batch>('/consumers/reader/recv');
      expect(again.changes).toMatchObject([{ external_id: 'b', attempt: 2 }]);
      expect(await json('/consumers/reader/ack', { token: again.token })).toMatchObject({ acked: 1 });
      expect(await json('/consumers/reader/ack', { token: again.token, seqs: [second?.seq] })).toMatchObject({
        acked: 0,
        repeated: 1,
      });
    });

    it('makes a consumer for readers in any language, moves its settings and lets it go', async () => {
      const { database, app, post, json } = await host(make);
      const auth = { authorization: 'Bearer key' };
      const put = async (name: string, body: unknown) => {
        const answer = await app.request(`/consumers/${name}`, {
          method: 'PUT',
          headers: auth,
          body: JSON.stringify(body),
        });
        return [answer.status, await answer.json()];
      };
      await write(database, 'a', { n: 1 });
      await write(database, 'a', { n: 2 });
      const wanted = { start: 'start', filter: { types: ['update'] }, thin: true };
      expect(await put('python', wanted)).toEqual([200, { created: true }]);
      expect((await json<Batch>('/consumers/python/recv')).changes).toMatchObject([
        { operation: 'update', after: null },
      ]);
      expect(await put('python', { ...wanted, parallel: 2 })).toEqual([200, { created: false }]);
      expect(await put('events', { topic: 'things' })).toEqual([200, { created: true }]);
      expect(await put('No Name', {})).toMatchObject([400, { error: { code: 'body_invalid' } }]);
      expect(await put('python', { paralel: 2 })).toMatchObject([
        400,
        { error: { message: expect.stringContaining('paralel') } },
      ]);
      expect((await app.request('/consumers/x', { method: 'PUT', body: '{}' })).status).toBe(401);
      const drop = async () => (await app.request('/consumers/python', { method: 'DELETE', headers: auth })).status;
      expect([await drop(), await drop()]).toEqual([200, 404]);
      expect((await post('/consumers/python/recv', {})).status).toBe(404);
    });

    it('waits for a first change as long as it is asked to', async () => {
      const { database, json } = await host(make);
      const waiting = json<Batch>('/consumers/reader/recv', { wait_ms: 10_000 });
      await write(database, 'late', {});
      expect((await waiting).changes.map((change) => change.external_id)).toEqual(['late']);
      const empty = await json<Batch>('/consumers/reader/recv', { wait_ms: 50 });
      expect(empty).toMatchObject({ token: null, changes: [] });
    });

    it('S3-24: takes events in: 200 when they are kept, 400 when they make no sense, 408 when the request has ended', async () => {
      const { database, feed, post, json } = await host(make);
      await database.call('declare_consumers', {
        consumers: [{ name: 'things', kind: 'messages', topic: 'things', start: 'start' }],
      });
      const event = {
        id: 'e1',
        key: 'order-1',
        type: 'order.created',
        headers: { customer: 'j' },
        payload: { amount: 9 },
      };
      const answer = await post('/topics/things', event);
      expect([answer.status, await answer.json()]).toEqual([200, { accepted: 1, repeated: 0 }]);
      expect(await json('/topics/things', [event, { ...event, id: 'e2' }])).toEqual({ accepted: 1, repeated: 1 });
      for (const bad of [{ headers: { n: 1 } }, [], 'text', { unknown: 1 }])
        expect((await post('/topics/things', bad)).status).toBe(400);
      expect((await post('/topics/Not%20A%20Topic', event)).status).toBe(400);
      expect((await post('/topics/things', null, { body: '{' })).status).toBe(400);
      expect(
        (await post('/topics/things', null, { body: JSON.stringify({ payload: 'x'.repeat(6_000_000) }) })).status,
      ).toBe(413);
      const controller = new AbortController();
      controller.abort();
      expect((await post('/consumers/things/recv', {}, { signal: controller.signal })).status).toBe(408);
      const { changes } = await json<Batch>('/consumers/things/recv');
      expect(changes).toMatchObject([
        {
          id: 'e1',
          foreign_id: 'order-1',
          type: 'order.created',
          headers: { customer: 'j', topic: 'things', idempotency_key: 'e1' },
          after: { amount: 9 },
        },
        { id: 'e2' },
      ]);
      expect(topic('things').declaration).toMatchObject({ topic: 'things' });
      void feed;
    });

    it('S3-24: delivers raw webhooks from the inbox as they came', async () => {
      const { database, json } = await host(make);
      await database.call('declare_consumers', {
        consumers: [{ name: 'raw', kind: 'messages', topic: 'inbox', start: 'start' }],
      });
      await database.call('accept_deliveries', {
        deliveries: [
          {
            app_key: 'acme',
            event_id: 'evt_1',
            event_type: 'customer.created',
            occurred_at: null,
            body: '{"id":"evt_1"}',
            state: 'ready',
            reason: null,
          },
          {
            app_key: 'acme',
            event_id: 'evt_2',
            event_type: 'unreadable',
            occurred_at: null,
            body: 'no json',
            state: 'dead',
            reason: 'x',
          },
        ],
      });
      const { changes } = await json<Batch>('/consumers/raw/recv');
      expect(changes).toMatchObject([
        { type: 'customer.created', app_key: 'acme', foreign_id: 'acme/evt_1', after: { id: 'evt_1' } },
        { type: 'unreadable', after: 'no json' },
      ]);
    });

    it('answers bad requests clearly: who, what, and nothing is stuck', async () => {
      const { app, post, get, database } = await host(make);
      expect((await app.request('/consumers/reader/recv', { method: 'POST' })).status).toBe(401);
      expect((await app.request('/consumers/reader/recv', { headers: { authorization: 'Bearer key' } })).status).toBe(
        405,
      );
      const unknown = await post('/consumers/nobody/recv', {});
      expect([unknown.status, await unknown.json()]).toEqual([
        404,
        { error: { code: 'not_found', message: 'there is no consumer "nobody" (consumers: reader)' } },
      ]);
      expect((await post('/consumers/reader/recv', { limit: 0 })).status).toBe(400);
      await write(database, 'a', {});
      const batch = (await (await post('/consumers/reader/recv', { lease_ms: 50 })).json()) as Batch;
      await expect
        .poll(async () => ((await (await post('/consumers/reader/recv', {})).json()) as Batch).token)
        .not.toBe(null);
      const lost = await post('/consumers/reader/ack', { token: batch.token });
      expect([lost.status, ((await lost.json()) as { error: { code: string } }).error.code]).toEqual([
        409,
        'lease_lost',
      ]);
      expect((await post('/consumers/reader/seek', { to: 'yesterday' })).status).toBe(400);
      await database.query(`update supasaasy.feed_state set trimmed_until = now()`);
      expect((await post('/consumers/reader/seek', { to: '2020-01-01T00:00:00Z' })).status).toBe(410);
      expect((await post('/consumers/reader/seek', { to: 'start' })).status).toBe(200);
      expect((await get('/consumers/nobody')).status).toBe(404);
      expect(await (await get('/consumers/reader')).json()).toMatchObject({ name: 'reader', lag: { changes: 1 } });
    });

    it('is steered: paused, resumed, its dead letters seen and handed out again', async () => {
      const { database, json, get, post } = await host(make);
      await write(database, 'a', {});
      expect(await json('/consumers/reader/pause', { reason: 'moving' })).toEqual({ paused: true });
      expect(await json('/consumers/reader/recv')).toMatchObject({ token: null, paused: true });
      expect(await json('/consumers/reader/resume')).toEqual({ resumed: true });
      const { token, changes } = await json<Batch>('/consumers/reader/recv');
      await json('/consumers/reader/nack', { token, seq: changes[0]?.seq, error: 'no', dead: true });
      const letters = (await (await get('/consumers/reader/dead-letters?limit=1')).json()) as { id: number }[];
      expect(letters).toMatchObject([{ error: 'no', change: { external_id: 'a' } }]);
      expect((await get('/consumers/reader/dead-letters?limit=0')).status).toBe(400);
      expect((await post('/consumers/reader/redrive', {})).status).toBe(400);
      expect(await json('/consumers/reader/redrive', { ids: [letters[0]?.id] })).toEqual({ redriven: 1 });
      expect((await json<Batch>('/consumers/reader/recv')).changes).toMatchObject([{ external_id: 'a' }]);
    });

    it('is a part of the engine over HTTP', async () => {
      const { database } = await make({ template: 'engine' });
      const engine = createEngine({ config: defineConfig({}), database, env: {} });
      const app = createHttp(engine, { adminKeys: () => ['key'] });
      const headers = { authorization: 'Bearer key' };
      expect((await app.request('/metrics', { headers })).status).toBe(200);
      expect(await (await app.request('/consumers', { headers })).json()).toEqual([]);
      expect((await app.request('/metrics')).status).toBe(401);
    });

    it('S3-31: tells Prometheus', async () => {
      const { get } = await host(make);
      const answer = await get('/metrics');
      expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4');
      expect(await answer.text()).toContain('supasaasy_consumer_lag_seconds{consumer="reader"} 0');
    });
  },
  { kinds: ['pglite', 'postgres'] },
);
