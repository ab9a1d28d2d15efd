/**
 * How fast the sandbox serves: list pages of 100 over HTTP from a server process of its own.
 * Run: npx tsx bench/sandbox-speed.ts [customers] [seconds]
 * The client reads bytes without parsing, so that the server is what is measured; `server CPU` tells how busy it was.
 */
import { fork } from 'node:child_process';
import { connect } from 'node:net';
import { serveSandbox } from '../sandbox/http/serve.ts';
import { createStripeSandbox } from '../sandbox/stripe/index.ts';

const customers = Number(process.argv[2] ?? 1_000_000);
const seconds = Number(process.argv[3] ?? 5);
const CONNECTIONS = 4;
const PATHS = [
  '/v1/customers?limit=100',
  '/v1/customers?limit=100&created[gte]=1',
  '/v1/charges?limit=100',
  '/v1/subscriptions?limit=100&status=all',
  '/v1/invoices?limit=100',
];

if (process.env['SANDBOX_SPEED_SERVER'] === '1') {
  const server = await serveSandbox(createStripeSandbox({ size: { customers } }));
  process.send?.(server.url);
  process.on('message', () => process.send?.({ cpu: process.cpuUsage(), rss: process.memoryUsage.rss() }));
} else {
  const child = fork(new URL(import.meta.url), process.argv.slice(2), {
    env: { ...process.env, SANDBOX_SPEED_SERVER: '1' },
  });
  const url = new URL(await new Promise<string>((done) => child.once('message', (message) => done(String(message)))));
  const usage = () =>
    new Promise<{ cpu: NodeJS.CpuUsage; rss: number }>((done) => {
      child.once('message', (message) => done(message as { cpu: NodeJS.CpuUsage; rss: number }));
      child.send('usage');
    });
  for (const path of PATHS) {
    await measure(path, 1);
    const before = await usage();
    const { pages, bytes, elapsedS } = await measure(path, seconds);
    const after = await usage();
    const cpuS = (after.cpu.user + after.cpu.system - before.cpu.user - before.cpu.system) / 1e6;
    console.log(
      `${path}: ${Math.round(pages / elapsedS)} pages/s, ${Math.round(bytes / pages / 1000)} kB each, server CPU ${Math.round((cpuS / elapsedS) * 100)} %, ${Math.round(after.rss / 1e6)} MB resident`,
    );
  }
  child.kill();

  async function measure(path: string, forS: number): Promise<{ pages: number; bytes: number; elapsedS: number }> {
    const started = performance.now();
    const until = started + forS * 1000;
    const each = await Promise.all(Array.from({ length: CONNECTIONS }, () => walk(path, until)));
    return {
      pages: each.reduce((sum, one) => sum + one.pages, 0),
      bytes: each.reduce((sum, one) => sum + one.bytes, 0),
      elapsedS: (performance.now() - started) / 1000,
    };
  }

  /** Asks for page after page on one connection; the cursor is the last id of the page before. */
  function walk(path: string, until: number): Promise<{ pages: number; bytes: number }> {
    return new Promise((done, fail) => {
      const socket = connect(Number(url.port), url.hostname);
      let pages = 0;
      let bytes = 0;
      let missing = 0;
      let chunks: Buffer[] = [];
      const ask = (cursor: string) =>
        socket.write(
          `GET ${path}${cursor && `&starting_after=${cursor}`} HTTP/1.1\r\nhost: ${url.host}\r\nauthorization: Bearer sk_test_sandbox\r\n\r\n`,
        );
      socket.on('connect', () => ask(''));
      socket.on('error', fail);
      socket.on('data', (chunk) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (missing === 0) {
          const head = chunk.toString('latin1');
          const end = head.indexOf('\r\n\r\n');
          if (!head.startsWith('HTTP/1.1 200')) fail(new Error(head.slice(0, 500)));
          missing = Number(/content-length: (\d+)/i.exec(head)?.[1]) + end + 4;
        }
        missing -= chunk.length;
        if (missing > 0) return;
        pages++;
        if (performance.now() >= until) {
          socket.destroy();
          done({ pages, bytes });
          return;
        }
        ask(lastId(Buffer.concat(chunks.slice(-4)).toString('latin1')));
        chunks = [];
      });
    });
  }

  /** Objects at depth one begin with their id after a comma between objects of the page. */
  function lastId(tail: string): string {
    const ids = [
      ...tail.matchAll(
        /\{"id":"((?:cus|ch|sub|in)_[A-Za-z0-9]{14})","object":"(?:customer|charge|subscription|invoice)"/g,
      ),
    ];
    return ids.at(-1)?.[1] ?? '';
  }
}
