import type { AddressInfo } from 'node:net';
import { type ServerType, serve as serveHttp } from '@hono/node-server';
import { createHttp } from '../../engine/http/create-http.ts';
import { queryRoutes } from '../../engine/http/query-routes.ts';
import { ConfigError } from '../../errors.ts';
import { createDoorKey, openDoor } from './door.ts';
import { type Live, startLive } from './live.ts';
import type { Project } from './project.ts';

export type Served = Pick<Project, 'engine' | 'database' | 'dataDir'>;

export interface ServeOptions {
  /** 0: any free port. */
  readonly port: number;
  readonly host: string;
  /** Keys of the admin routes. */
  readonly adminKeys: () => readonly string[];
  readonly signal: AbortSignal;
  /** Nothing is started by a schedule before this has resolved. */
  readonly schedulesAfter?: Promise<unknown>;
  /** Told once the server listens. */
  readonly onListening?: (url: string) => void;
}

/**
 * HTTP, inbox, worker and schedules in one process, until the signal aborts. Then, in order: no new connection, requests
 * under way are answered, tasks stop between pages and give their leases back.
 */
export async function serve(project: Served, options: ServeOptions): Promise<void> {
  const live = startLive(project.engine, options.signal, { schedulesAfter: options.schedulesAfter });
  const { dataDir } = project;
  const doorKey = createDoorKey();
  const adminKeys = dataDir === undefined ? options.adminKeys : () => [...options.adminKeys(), doorKey];
  let server: ServerType | undefined;
  let closeDoor = () => {};
  try {
    server = await listen(project, { ...options, adminKeys }, live);
    const { port } = server.address() as AddressInfo;
    if (dataDir !== undefined)
      closeDoor = openDoor(dataDir, { url: urlOf(ownAddress(options.host), port), key: doorKey });
    options.onListening?.(urlOf(options.host, port));
    await live.ended;
  } finally {
    closeDoor();
    live.stop();
    await Promise.all([live.ended, server === undefined ? undefined : close(server)]);
  }
}

const urlOf = (host: string, port: number) => `http://${host.includes(':') ? `[${host}]` : host}:${port}`;

/** Who listens on every address is also on this one. */
const ownAddress = (host: string) => (host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host);

function listen({ engine, database }: Served, options: ServeOptions, live: Live): Promise<ServerType> {
  const app = createHttp(engine, { adminKeys: options.adminKeys, ring: live.ring });
  app.route('/', queryRoutes(database, options));
  return new Promise((resolve, reject) => {
    const serverOptions = {
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
    };
    const server = serveHttp({ fetch: app.fetch, port: options.port, hostname: options.host, serverOptions }, () =>
      resolve(server),
    );
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

/**
 * Longer than proxies keep an idle connection (a minute): whoever closes first may lose what the other has just sent. With
 * Node's own five seconds, 3 of 60,000 deliveries met a closing connection.
 */
const KEEP_ALIVE_MS = 75_000;
/** A request must have arrived within these: who sends a byte now and then holds a connection no longer. */
const HEADERS_MS = 20_000;
const REQUEST_MS = 60_000;
const LONGEST_GOODBYE_MS = 5_000;

async function close(server: ServerType): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  if ('closeIdleConnections' in server) server.closeIdleConnections();
  const late = setTimeout(() => 'closeAllConnections' in server && server.closeAllConnections(), LONGEST_GOODBYE_MS);
  await closed;
  clearTimeout(late);
}
