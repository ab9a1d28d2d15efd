import { createHmac } from 'node:crypto';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import type { Hono } from 'hono';
import { beforeAll, describe, expect, it } from 'vitest';
import { DatabaseError } from '../../src/errors.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { customerEvent, ENV, host, SECRET, seconds, signature } from './hosted.ts';

async function post(http: Hono, path: string, body: string | Uint8Array, headers: Record<string, string>) {
  return await http.request(path, { method: 'POST', body: body as BodyInit, headers });
}

describeEachDatabase('POST /webhook/:app_key', (make) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await make({ template: 'both connectors' });
  });
  const inbox = async (event: string) =>
    await database.query('select state, deliveries, reason from supasaasy.inbox where event_id = $1', [event]);

  it('I4: answers 200 when the delivery is in the inbox, and rings', async () => {
    const rung: string[] = [];
    const { http } = host(database.database, { ring: (what) => void rung.push(what) });
    const body = customerEvent('evt_accepted');
    const answer = await post(http, '/webhook/stripe_main', body, signature(body));
    expect(answer.status).toBe(200);
    expect(await inbox('evt_accepted')).toMatchObject([{ state: 'ready', deliveries: 1 }]);
    expect(rung).toEqual(['delivery']);
  });

  it('A1: keeps and acknowledges verified events that mean nothing here, or cannot be read', async () => {
    const { http } = host(database.database);
    const unknown = customerEvent('evt_future', { object: 'quantum' }, 'quantum.entangled');
    expect((await post(http, '/webhook/stripe_main', unknown, signature(unknown))).status).toBe(200);
    expect(await inbox('evt_future')).toMatchObject([{ state: 'ignored' }]);
    const upcoming = customerEvent('evt_upcoming', { id: undefined, object: 'invoice' }, 'invoice.upcoming');
    expect((await post(http, '/webhook/stripe_main', upcoming, signature(upcoming))).status).toBe(200);
    const prose = 'no JSON at all';
    expect((await post(http, '/webhook/stripe_main', prose, signature(prose))).status).toBe(200);
    expect(await database.query(`select state from supasaasy.inbox where event_type = 'unreadable'`)).toEqual([
      { state: 'dead' },
    ]);
    const ping = JSON.stringify({
      type: 'notification_event',
      topic: 'ping',
      id: 'notif_1',
      created_at: seconds(),
      data: { item: { message: 'hi' } },
    });
    const hub = `sha1=${createHmac('sha1', ENV.INTERCOM_SECRET).update(ping).digest('hex')}`;
    expect((await post(http, '/webhook/intercom_main', ping, { 'x-hub-signature': hub })).status).toBe(200);
  });

  it('A6: ten deliveries of one event at once are one row', async () => {
    const { http, engine } = host(database.database);
    const body = customerEvent('evt_ten', { id: 'cus_ten' });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => post(http, '/webhook/stripe_main', body, signature(body))),
    );
    expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(200));
    const [row] = await database.query<{ deliveries: number }>(
      `select deliveries from supasaasy.inbox where event_id = 'evt_ten'`,
    );
    expect(row?.deliveries).toBeGreaterThanOrEqual(1);
    await engine.drain();
    expect(await database.query(`select operation from supasaasy.changes where external_id = 'cus_ten'`)).toHaveLength(
      1,
    );
  });

  it('A8: takes a burst of 2,000 valid deliveries, and writes nothing for forged ones', async () => {
    const { http } = host(database.database);
    const bodies = Array.from({ length: 2000 }, (_, i) => customerEvent(`evt_burst_${i}`));
    const statuses = await Promise.all(
      bodies.map(async (body) => (await post(http, '/webhook/stripe_main', body, signature(body))).status),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(
      await database.query(`select count(*)::int as n from supasaasy.inbox where event_id like 'evt_burst_%'`),
    ).toEqual([{ n: 2000 }]);
    const forged = await Promise.all(
      bodies
        .slice(0, 50)
        .map(
          async (body) =>
            (await post(http, '/webhook/stripe_main', body.replaceAll('evt_burst', 'evt_forged'), signature(body)))
              .status,
        ),
    );
    expect(new Set(forged)).toEqual(new Set([401]));
    expect(await inbox('evt_forged_1')).toEqual([]);
  });

  it('A9: refuses what the secret did not sign with 401 and no detail', async () => {
    const { http } = host(database.database);
    const body = customerEvent('evt_refused');
    const changed = new TextEncoder().encode(body);
    changed[20] = (changed[20] ?? 0) ^ 1;
    const attempts: [string, string | Uint8Array, Record<string, string>][] = [
      ['stripe_main', body, {}],
      ['stripe_main', body, { 'stripe-signature': 'nonsense' }],
      ['stripe_main', body, signature(body, 'whsec_wrong')],
      ['stripe_main', body, signature(body, SECRET, seconds() - 3600)],
      ['stripe_main', changed, signature(body)],
      ['stripe_main', `${body} `, signature(body)],
      ['stripe_main', '', signature(body)],
      ['stripe-2', body, signature(body)],
      ['intercom_main', body, signature(body)],
    ];
    for (const [app, bytes, headers] of attempts) {
      const answer = await post(http, `/webhook/${app}`, bytes, headers);
      expect([app, answer.status, await answer.json()]).toEqual([
        app,
        401,
        { error: { code: 'unauthorized', message: 'unauthorized' } },
      ]);
    }
    expect(await inbox('evt_refused')).toEqual([]);
  });

  it('A9: takes both secrets while they are rotated', async () => {
    const { http } = host(database.database, { env: { ...ENV, STRIPE_SECRET_NEXT: 'whsec_next' } });
    for (const secret of [SECRET, 'whsec_next']) {
      const body = customerEvent(`evt_rotated_${secret}`);
      expect((await post(http, '/webhook/stripe_main', body, signature(body, secret))).status).toBe(200);
    }
  });

  it('A9: tells malformed keys, unknown apps and wrong methods apart', async () => {
    const { http } = host(database.database);
    for (const key of ['UPPER', 'a.b', 'x'.repeat(65), '%00', '..%2f', 'a%20b'])
      expect([key, (await post(http, `/webhook/${key}`, '{}', {})).status]).toEqual([key, 400]);
    expect((await post(http, '/webhook/nobody', '{}', {})).status).toBe(404);
    for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const answer = await http.request('/webhook/stripe_main', { method });
      expect([method, answer.status, answer.headers.get('allow')]).toEqual([method, 405, 'POST']);
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
    expect((await http.request('/webhook/stripe_main/more', { method: 'POST' })).status).toBe(404);
  });

  it("A2: answers Intercom's HEAD with 200, and says that it may", async () => {
    const { http } = host(database.database);
    expect((await http.request('/webhook/intercom_main', { method: 'HEAD' })).status).toBe(200);
    expect((await http.request('/webhook/stripe_main', { method: 'HEAD' })).status).toBe(405);
    expect((await http.request('/webhook/intercom_main')).headers.get('allow')).toBe('POST, HEAD');
  });

  it('A27: takes a body of 5 MB', async () => {
    const { http } = host(database.database);
    const body = customerEvent('evt_large', { description: 'x'.repeat(5 * 1024 * 1024) });
    expect((await post(http, '/webhook/stripe_main', body, signature(body))).status).toBe(200);
  });

  it('A9: refuses a body over the limit with 413 as soon as it is known, whatever its header says', async () => {
    const { http } = host(database.database, { maxBodyBytes: 10_000 });
    expect((await post(http, '/webhook/stripe_main', 'x'.repeat(10_001), signature('x'))).status).toBe(413);
    let pulled = 0;
    const endless = new ReadableStream({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(4_000));
      },
    });
    const answer = await http.request('/webhook/stripe_main', {
      method: 'POST',
      headers: signature('x'),
      body: endless,
      duplex: 'half',
    } as RequestInit);
    expect(answer.status).toBe(413);
    expect(pulled).toBeLessThan(10);
  });

  it('answers 503 when no secret is set, and names the variable in the log only', async () => {
    const { http, logged } = host(database.database, { env: {} });
    const body = customerEvent('evt_unset');
    const answer = await post(http, '/webhook/stripe_main', body, signature(body));
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toContain('STRIPE');
    expect(logged.join('\n')).toContain('STRIPE_SECRET');
  });
});

describe('POST /webhook/:app_key without a database', () => {
  const down = {
    call: async () => {
      throw new DatabaseError('the database cannot be reached: connect ECONNREFUSED 10.0.0.7:5432');
    },
    close: async () => {},
  };

  it('I4: is never acknowledged: 503, deliver again, no detail', async () => {
    const { http, logged } = host(down as never);
    const body = customerEvent('evt_lost');
    const answer = await post(http, '/webhook/stripe_main', body, signature(body));
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('10');
    expect(await answer.text()).not.toContain('10.0.0.7');
    expect(logged.join('\n')).toContain('ECONNREFUSED');
  });

  it('still refuses forged deliveries first', async () => {
    const body = customerEvent('evt_lost');
    expect((await post(host(down as never).http, '/webhook/stripe_main', body, signature(body, 'wrong'))).status).toBe(
      401,
    );
  });
});

describeEachDatabase(
  'webhooks over real HTTP',
  (make) => {
    it('A9: takes chunked bodies, and stops the ones that are too long', async () => {
      const { database } = await make({ template: 'both connectors' });
      const { http } = host(database, { maxBodyBytes: 100_000 });
      const server = serve({ fetch: http.fetch, port: 0, hostname: '127.0.0.1' });
      await new Promise((resolve) => server.once('listening', resolve));
      const { port } = server.address() as AddressInfo;

      const send = async (chunks: string[], headers: Record<string, string>) =>
        await new Promise<number | undefined>((resolve, reject) => {
          const sent = request(
            {
              port,
              host: '127.0.0.1',
              path: '/webhook/stripe_main',
              method: 'POST',
              headers: { ...headers, 'transfer-encoding': 'chunked' },
            },
            (answer) => {
              answer.resume();
              resolve(answer.statusCode);
            },
          );
          sent.on('error', reject);
          for (const chunk of chunks) sent.write(chunk);
          sent.end();
        });

      const body = customerEvent('evt_chunked', { description: 'ü'.repeat(1000) });
      expect(await send([body.slice(0, 100), body.slice(100)], signature(body))).toBe(200);
      expect(await send(Array(30).fill('y'.repeat(10_000)), signature(body))).toBe(413);
      const head = await fetch(`http://127.0.0.1:${port}/webhook/intercom_main`, { method: 'HEAD' });
      expect(head.status).toBe(200);
      await new Promise((resolve) => server.close(resolve));
    });
  },
  { kinds: ['postgres'] },
);
