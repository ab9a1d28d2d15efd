import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ServerType, serve } from '@hono/node-server';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { defaultPorts } from '../../src/engine/ports.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { customerEvent, ENV, host, signature } from './hosted.ts';

const MB = 1024 * 1024;

describeEachDatabase('C26: bodies of senders that are not known', (make) => {
  let database: TestDatabase;
  let server: ServerType;
  let port: number;
  const letTimePass: (() => void)[] = [];

  beforeEach(async () => {
    database ??= await make({ template: 'both connectors' });
    letTimePass.length = 0;
    const { sleep } = defaultPorts();
    const { http } = host(database.database, {
      ports: {
        sleep: (ms, signal) =>
          ms === 30_000 ? new Promise((resolve) => letTimePass.push(resolve)) : sleep(ms, signal),
      },
    });
    server = serve({ fetch: http.fetch, port: 0, hostname: '127.0.0.1' });
    await new Promise((resolve) => server.once('listening', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterEach(async () => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  /** Sends the head of a delivery and nothing of its body. */
  function begin(headers: Record<string, string>, path = '/webhook/stripe_main') {
    const sent: ClientRequest = request({ port, host: '127.0.0.1', path, method: 'POST', agent: false, headers });
    const answer = new Promise<{ status: number; retryAfter: string | undefined }>((resolve, reject) => {
      sent.once('response', (message: IncomingMessage) => {
        message.resume();
        resolve({ status: message.statusCode ?? 0, retryAfter: message.headers['retry-after'] });
      });
      sent.once('error', reject);
    });
    answer.catch(() => {});
    sent.flushHeaders();
    return { sent, answer };
  }
  const length = (bytes: number) => ({ 'content-length': String(bytes) });

  it('C26: of 80 deliveries of 19 MB at one time three are read, the others are answered 503 before a byte of them is', async () => {
    const forged = signature('something else', 'whsec_of_a_stranger');
    const all = Array.from({ length: 80 }, () => begin({ ...forged, ...length(19 * MB) }));
    let answered = 0;
    const refused = await new Promise<{ status: number; retryAfter: string | undefined }[]>((resolve) => {
      const answers: { status: number; retryAfter: string | undefined }[] = [];
      for (const { answer } of all)
        void answer.then((one) => {
          answers.push(one);
          answered += 1;
          if (answered === 77) resolve([...answers]);
        });
    });
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([503]));
    expect(refused.every(({ retryAfter }) => Number(retryAfter) > 0)).toBe(true);
    // A usual delivery finds its place beside them.
    const usual = customerEvent('evt_beside');
    const beside = begin({ ...signature(usual), ...length(usual.length) });
    beside.sent.end(usual);
    expect((await beside.answer).status).toBe(200);
    // The three are read and refused for their signature; then there is place again.
    const waiting = await Promise.all(
      all.map(async (one) => ((await Promise.race([one.answer, Promise.resolve()])) === undefined ? [one] : [])),
    );
    const held = waiting.flat();
    expect(held).toHaveLength(3);
    for (const { sent } of held) sent.end(Buffer.alloc(19 * MB, 120));
    for (const { answer } of held) expect((await answer).status).toBe(401);
    const large = customerEvent('evt_large', { description: 'x'.repeat(15 * MB) });
    const last = begin({ ...signature(large), ...length(Buffer.byteLength(large)) });
    last.sent.end(large);
    expect((await last.answer).status).toBe(200);
  });

  it('C26: a delivery without a signature, with a malformed or an old one is refused before its body is read', async () => {
    const old = signature('x', ENV.STRIPE_SECRET, Math.floor(Date.now() / 1000) - 3600);
    const refused: [Record<string, string>, string?][] = [
      [{}],
      [{ 'stripe-signature': 'nonsense' }],
      [{ 'stripe-signature': `t=${Math.floor(Date.now() / 1000)},v1=short` }],
      [old],
      [{}, '/webhook/intercom_main'],
      [{ 'x-hub-signature': 'sha1=short' }, '/webhook/intercom_main'],
    ];
    for (const [headers, path] of refused)
      expect((await begin({ ...headers, ...length(1000) }, path).answer).status).toBe(401);
  });

  it('C26: a body that does not arrive is given up, and its place is free', async () => {
    const slow = begin({ ...signature('x'), ...length(19 * MB) });
    const chunked = begin({ ...signature('x'), 'transfer-encoding': 'chunked' });
    slow.sent.write('{');
    chunked.sent.write('{');
    await expect.poll(() => letTimePass.length, { timeout: 60_000 }).toBe(2);
    for (const pass of letTimePass) pass();
    expect((await slow.answer).status).toBe(408);
    expect((await chunked.answer).status).toBe(408);
  });
});
