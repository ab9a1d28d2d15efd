import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Proxy {
  readonly port: number;
  /** From now on nothing passes on the connections that there are; new ones work. No side hears of it. */
  silence(): void;
  /** Connections are reset, and new ones refused, until `up`. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** New connections go there. */
  target(port: number): void;
  count(): number;
}

/** Stands between an engine and a server, as a network does. Closed when the test ends. */
export async function startProxy(targetPort: number): Promise<Proxy> {
  let to = targetPort;
  const pairs = new Set<{ readonly ends: readonly [Socket, Socket]; silent: boolean }>();
  const server = createServer((client) => {
    const upstream = connect(to, '127.0.0.1');
    const pair = { ends: [client, upstream] as const, silent: false };
    pairs.add(pair);
    for (const [from, other] of [pair.ends, [upstream, client]] as const) {
      from.on('data', (bytes) => {
        if (!pair.silent) other.write(bytes);
      });
      from.on('error', () => {});
      from.on('close', () => {
        pairs.delete(pair);
        // The other side finds out in the end, by its own means.
        setTimeout(() => other.destroy(), pair.silent ? 1_500 : 0).unref();
      });
    }
  });
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => resolve());
    });
  const close = () => {
    for (const { ends } of pairs) for (const end of ends) end.destroy();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  await listen(0);
  const { port } = server.address() as { port: number };
  onTestFinished(close);
  return {
    port,
    silence() {
      for (const pair of pairs) pair.silent = true;
    },
    down: close,
    up: () => listen(port),
    target(next) {
      to = next;
    },
    count: () => pairs.size,
  };
}

/** The same address, by way of another port. */
export function through(url: string, port: number | string, host = '127.0.0.1'): string {
  return url.replace(/@[^/]+\//, `@${host}:${port}/`);
}
