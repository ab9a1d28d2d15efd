/**
 * How fast the sandbox serves: list pages over HTTP, each provider in a process of its own.
 * Run: npx tsx bench/sandbox-speed.ts [customers] [seconds] [part of a name]
 * The client reads bytes without parsing, so that the server is what is measured. The last number is what one core can
 * do: pages per second of the server's own processor time (crowded by other processes, a core does up to half less).
 * First comes a bare server that sends the same bytes again and again: what Node and the loopback cost without any sandbox.
 */
import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { serveSandbox } from '../sandbox/http/serve.ts';
import { createIntercomSandbox } from '../sandbox/intercom/intercom-sandbox.ts';
import { createStripeSandbox } from '../sandbox/stripe/index.ts';

const customers = Number(process.argv[2] ?? 1_000_000);
const seconds = Number(process.argv[3] ?? 5);
const CONNECTIONS = 4;

interface Walk {
  readonly server: 'bare' | 'stripe' | 'intercom';
  readonly name: string;
  /** Request line and body, by what the page before ended with. */
  ask(cursor: string, number: number): readonly [line: string, body?: string];
  /** The last match of it in a page is the cursor of the next. */
  readonly cursor?: RegExp;
}

const stripe = (list: string, query = ''): Walk => ({
  server: 'stripe',
  name: `stripe ${list}${query}`,
  ask: (cursor) => [`GET /v1/${list}?limit=100${query}${cursor && `&starting_after=${cursor}`}`],
  cursor: /\{"id":"((?:cus|ch|sub|in)_[A-Za-z0-9]{14})","object":"(?:customer|charge|subscription|invoice)"/g,
});
const STARTING_AFTER = /"starting_after":"([^"]+)"/g;
const search = (list: string): Walk => ({
  server: 'intercom',
  name: `intercom ${list} search`,
  ask: (cursor) => [
    `POST /${list}/search`,
    JSON.stringify({
      query: { operator: 'AND', value: [{ field: 'updated_at', operator: '>', value: 1 }] },
      sort: { field: 'updated_at', order: 'ascending' },
      pagination: { per_page: 100, ...(cursor && { starting_after: cursor }) },
    }),
  ],
  cursor: STARTING_AFTER,
});
const WALKS: readonly Walk[] = [
  ...[73, 355].map((kB): Walk => ({ server: 'bare', name: `bare, ${kB} kB`, ask: () => [`GET /${kB}`] })),
  stripe('customers'),
  stripe('customers', '&created[gte]=1'),
  stripe('charges'),
  stripe('subscriptions', '&status=all'),
  stripe('invoices'),
  {
    server: 'intercom',
    name: 'intercom contacts',
    ask: (cursor) => [`GET /contacts?per_page=100${cursor && `&starting_after=${encodeURIComponent(cursor)}`}`],
    cursor: STARTING_AFTER,
  },
  search('contacts'),
  search('conversations'),
  search('tickets'),
  {
    server: 'intercom',
    name: 'intercom companies (60 a page)',
    ask: (_, number) => [`GET /companies?per_page=60&page=${(number % 160) + 1}`],
  },
];

interface Usage {
  readonly cpu: NodeJS.CpuUsage;
  readonly rss: number;
}

if (process.send) {
  const url = await serve(process.env['SANDBOX_SPEED_SERVER'] as Walk['server']);
  process.send(url);
  process.on('message', () => process.send?.({ cpu: process.cpuUsage(), rss: process.memoryUsage.rss() }));
} else {
  const wanted = WALKS.filter((walk) => walk.name.includes(process.argv[4] ?? ''));
  for (const server of new Set(wanted.map((walk) => walk.server)))
    await measureServer(
      server,
      wanted.filter((walk) => walk.server === server),
    );
}

async function serve(server: Walk['server']): Promise<string> {
  if (server === 'stripe') return (await serveSandbox(createStripeSandbox({ size: { customers } }))).url;
  if (server === 'intercom')
    return (await serveSandbox(createIntercomSandbox({ size: customers, accessToken: 'sk_test_sandbox' }))).url;
  const bodies = new Map<string, Buffer>();
  const bare = createServer({ noDelay: true }, ({ url = '' }, response) => {
    const body = bodies.get(url) ?? Buffer.alloc(Number(url.slice(1)) * 1000, 'a');
    bodies.set(url, body);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  });
  await new Promise<void>((done) => bare.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(bare.address() as AddressInfo).port}`;
}

async function measureServer(server: Walk['server'], walks: readonly Walk[]): Promise<void> {
  const child = fork(new URL(import.meta.url), process.argv.slice(2), {
    env: { ...process.env, SANDBOX_SPEED_SERVER: server },
  });
  const answer = <T>() => new Promise<T>((done) => child.once('message', (message) => done(message as T)));
  const url = new URL(await answer<string>());
  const usage = () => {
    const answered = answer<Usage>();
    child.send('usage');
    return answered;
  };
  for (const walk of walks) {
    await measure(url, walk, 1);
    const before = await usage();
    const { pages, bytes, elapsedS } = await measure(url, walk, seconds);
    const after = await usage();
    const cpuS = (after.cpu.user + after.cpu.system - before.cpu.user - before.cpu.system) / 1e6;
    console.log(
      `${walk.name}: ${Math.round(pages / elapsedS)} pages/s, ${Math.round(bytes / pages / 1000)} kB each, server CPU ${Math.round((cpuS / elapsedS) * 100)} %, ${Math.round(after.rss / 1e6)} MB resident; ${Math.round(pages / cpuS)} pages per second of one core`,
    );
  }
  child.kill();
}

async function measure(
  url: URL,
  walk: Walk,
  forS: number,
): Promise<{ pages: number; bytes: number; elapsedS: number }> {
  const started = performance.now();
  const until = started + forS * 1000;
  const each = await Promise.all(Array.from({ length: CONNECTIONS }, () => follow(url, walk, until)));
  return {
    pages: each.reduce((sum, one) => sum + one.pages, 0),
    bytes: each.reduce((sum, one) => sum + one.bytes, 0),
    elapsedS: (performance.now() - started) / 1000,
  };
}

/** Asks for page after page on one connection. */
function follow(url: URL, walk: Walk, until: number): Promise<{ pages: number; bytes: number }> {
  return new Promise((done, fail) => {
    const socket = connect(Number(url.port), url.hostname);
    let pages = 0;
    let bytes = 0;
    let missing = 0;
    let chunks: Buffer[] = [];
    const ask = (cursor: string) => {
      const [line, body = ''] = walk.ask(cursor, pages);
      socket.write(
        `${line} HTTP/1.1\r\nhost: ${url.host}\r\nauthorization: Bearer sk_test_sandbox\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
    };
    socket.on('connect', () => ask(''));
    socket.on('error', fail);
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (missing === 0) {
        const head = chunk.toString('latin1', 0, 2_000);
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
      ask(walk.cursor ? lastMatch(walk.cursor, chunks) : '');
      chunks = [];
    });
  });
}

/** Looks at the end of a page, and where the cursor comes before the objects at its beginning too. */
function lastMatch(cursor: RegExp, chunks: readonly Buffer[]): string {
  const inEnd = [...Buffer.concat(chunks.slice(-4)).toString('latin1').matchAll(cursor)].at(-1);
  const found = inEnd ?? [...Buffer.concat(chunks.slice(0, 1)).toString('latin1').matchAll(cursor)].at(-1);
  return found?.[1] ?? '';
}
