import process from 'node:process';
import { type Engine, partsOf } from './create-engine.ts';
import { startLive } from './live.ts';
import { serve as serveParts } from './serve.ts';

export interface ServerOptions {
  /** 0, the default: any free port. */
  readonly port?: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Keys that open the admin routes. Default: `SUPASAASY_ADMIN_KEY`. */
  readonly adminKeys?: () => readonly string[];
}

export interface RunningServer {
  readonly url: string;
  /** Stops in order: no new connection, then the requests and the tasks that are under way end. */
  stop(): Promise<void>;
  /** Settles when the server has stopped; rejects when it failed. */
  readonly ended: Promise<void>;
}

/** HTTP, inbox, worker, consumers and schedules in this process. Resolves when the server listens. */
export function serve(engine: Engine, options: ServerOptions = {}): Promise<RunningServer> {
  const { port = 0, host = '127.0.0.1', adminKeys = keysOfEnvironment } = options;
  const { inner, database } = partsOf(engine);
  const controller = new AbortController();
  return new Promise((resolve, reject) => {
    const ended = serveParts(
      { engine: inner, database, dataDir: undefined },
      {
        port,
        host,
        adminKeys,
        signal: controller.signal,
        onListening: (url) =>
          resolve({
            url,
            ended,
            stop() {
              controller.abort();
              return ended;
            },
          }),
      },
    );
    ended.catch(reject);
  });
}

/** Inbox, worker, consumers and schedules without HTTP. Any number of workers may share one database. */
export function startWorker(engine: Engine): Pick<RunningServer, 'stop' | 'ended'> {
  const controller = new AbortController();
  const { ended } = startLive(partsOf(engine).inner, controller.signal);
  return {
    ended,
    stop() {
      controller.abort();
      return ended;
    },
  };
}

const keysOfEnvironment = () =>
  (process.env['SUPASAASY_ADMIN_KEY'] ?? '')
    .split(',')
    .map((key) => key.trim())
    .filter((key) => key !== '');
