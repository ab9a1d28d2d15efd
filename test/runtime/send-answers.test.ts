import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, it } from 'vitest';
import type { Outgoing } from '../../src/engine/send.ts';
import { createNodeSend } from '../../src/runtime/node/send.ts';

const servers: Server[] = [];
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

/** A server that answers in bytes; `answer` is told how often it was asked. */
async function listen(answer: (socket: Socket, n: number, request: string) => void): Promise<string> {
  let asked = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      asked += 1;
      answer(socket, asked, String(bytes));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/list`;
}

const ask = (url: string, values: Partial<Outgoing> = {}) =>
  createNodeSend()({ url, method: 'GET', headers: {}, timeoutMs: 60_000, ...values });
const head = (...lines: string[]) => ['HTTP/1.1 200 OK', ...lines, '', ''].join('\r\n');

it('answers with the whole body, its status and its headers', async () => {
  const requests: string[] = [];
  const url = await listen((socket, _, request) => {
    requests.push(request);
    socket.write(`${head('content-length: 5', 'x-one: 1', 'set-cookie: a', 'set-cookie: b')}12`);
    setImmediate(() => socket.write('345'));
  });
  const { status, bytes, header } = await ask(url, { method: 'POST', body: '{}', headers: { 'x-mine': 'yes' } });
  expect([status, String(Buffer.from(bytes)), header('X-One'), header('set-cookie'), header('missing')]).toEqual([
    200,
    '12345',
    '1',
    'a, b',
    null,
  ]);
  expect(requests.join('')).toMatch(/^POST \/list HTTP\/1\.1\r\n/);
  expect(requests.join('').toLowerCase()).toMatch(/accept-encoding: gzip\r\n(?:.*\r\n)*x-mine: yes\r\n/);
});

it.each<[string, (socket: Socket) => void]>([
  ['a length that is not reached', (socket) => socket.end(`${head('content-length: 100')}{"data": [`)],
  ['a chunk that is not the last', (socket) => socket.end(`${head('transfer-encoding: chunked')}5\r\n{"da"\r\n`)],
  [
    'a broken connection',
    (socket) => socket.write(`${head('content-length: 100')}{"data": [`, () => socket.resetAndDestroy()),
  ],
  [
    'half of what was zipped',
    (socket) => {
      const whole = gzipSync(JSON.stringify({ data: Array.from({ length: 500 }, (_, n) => ({ id: n })) }));
      const half = whole.subarray(0, whole.length / 2);
      socket.write(head(`content-length: ${half.length}`, 'content-encoding: gzip'));
      socket.end(half);
    },
  ],
])('takes no cut answer for a whole one: %s', async (_, answer) => {
  const url = await listen((socket) => answer(socket));
  await expect(ask(url)).rejects.toThrow();
});

it('unzips', async () => {
  const zipped = gzipSync('{"a": 1}');
  const url = await listen((socket) => {
    socket.write(head(`content-length: ${zipped.length}`, 'content-encoding: gzip'));
    socket.write(zipped);
  });
  expect(String(Buffer.from((await ask(url)).bytes))).toBe('{"a": 1}');
});

it('follows no redirect', async () => {
  const asked: string[] = [];
  const url = await listen((socket, _, request) => {
    asked.push(request.split(' ')[1] ?? '');
    socket.write('HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n');
  });
  expect((await ask(url)).status).toBe(302);
  expect(asked).toEqual(['/list']);
});

it('ends with a TimeoutError when there is no answer in time, and with an AbortError when its signal ends', async () => {
  const url = await listen(() => {});
  await expect(ask(url, { timeoutMs: 5 })).rejects.toMatchObject({
    name: 'TimeoutError',
    message: 'no answer within 5 ms',
  });
  await expect(ask(url, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  const controller = new AbortController();
  const silent = await listen(() => controller.abort());
  await expect(ask(silent, { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' });
});

it('asks once more on a new connection where an idle one was closed under it, but never twice for what changes something', async () => {
  const answerThenClose = async (method: string) => {
    const connections = new Set<Socket>();
    const url = await listen((socket) => {
      // The first answer is good and keeps the connection; what comes on it next finds it closed.
      if (connections.has(socket)) return socket.resetAndDestroy();
      connections.add(socket);
      socket.write(`${head('content-length: 2')}ok`);
    });
    const send = createNodeSend();
    const request = { url, method, headers: {}, timeoutMs: 60_000 };
    await send(request);
    const second = await send(request).then(
      ({ status }) => status,
      (error: Error) => error.constructor.name,
    );
    return { second, connections: connections.size };
  };
  expect(await answerThenClose('GET')).toEqual({ second: 200, connections: 2 });
  expect(await answerThenClose('POST')).toEqual({ second: 'StaleConnectionError', connections: 1 });
});
