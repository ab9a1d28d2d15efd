import type { AddressInfo } from 'node:net';
import { type ServerType, serve as serveHttp } from '@hono/node-server';
import type { Engine } from '../../engine/engine.ts';
import { createHttp } from '../../engine/http/create-http.ts';
import { ConfigError } from '../../errors.ts';
import { type Live, startLive } from './live.ts';

export interface ServeOptions {
  /** 0: any free port. */
  readonly port: number;
  readonly host: string;
  /** Keys of the admin routes. */
  readonly adminKeys: () => readonly string[];
  readonly signal: AbortSignal;
  /** Told once the server listens. */
  readonly onListening?: (url: string) => void;
}

/**
 * HTTP, inbox, worker and schedules in one process, until the signal aborts. Then, in order: no new connection, requests
 * under way are answered, tasks stop between pages and give their leases back.
 */
export async function serve(engine: Engine, options: ServeOptions): Promise<void> {
  const live = startLive(engine, options.signal);
  let server: ServerType | undefined;
  try {
    server = await listen(engine, options, live);
    const { port } = server.address() as AddressInfo;
    options.onListening?.(`http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`);
    await live.ended;
  } finally {
    live.stop();
    await Promise.all([live.ended, server === undefined ? undefined : close(server)]);
  }
}

function listen(engine: Engine, options: ServeOptions, live: Live): Promise<ServerType> {
  const app = createHttp(engine, { adminKeys: options.adminKeys, afterAccept: live.ring });
  return new Promise((resolve, reject) => {
    const server = serveHttp({ fetch: app.fetch, port: options.port, hostname: options.host }, () => resolve(server));
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE')
        reject(
          new ConfigError(
            `port ${options.port} is in use: end what has it, or choose another with --port (0: any free one)`,
            [],
            { cause: error },
          ),
        );
      else if (error.code === 'EACCES')
        reject(
          new ConfigError(`port ${options.port} may not be used by this user: choose one above 1023 with --port`, [], {
            cause: error,
          }),
        );
      else
        reject(
          new ConfigError(`cannot listen on ${options.host}:${options.port}: ${error.message}`, [], { cause: error }),
        );
    });
  });
}

const LONGEST_GOODBYE_MS = 5_000;

async function close(server: ServerType): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  if ('closeIdleConnections' in server) server.closeIdleConnections();
  const late = setTimeout(() => 'closeAllConnections' in server && server.closeAllConnections(), LONGEST_GOODBYE_MS);
  await closed;
  clearTimeout(late);
}
