import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Outcome, Sandbox } from './exchange.ts';
import type { SandboxProvider, SandboxRequest } from './provider.ts';
import { createSandbox, type SandboxOptions } from './sandbox.ts';

export interface ServeOptions extends SandboxOptions {
  /** 0, the default: any free port. */
  readonly port?: number;
  readonly host?: string;
}

export interface SandboxServer {
  readonly url: string;
  /** The same as the control routes, without HTTP. */
  readonly control: Sandbox;
  close(): Promise<void>;
}

/** Serves an emulated provider over HTTP. */
export async function serveSandbox(provider: SandboxProvider, options: ServeOptions = {}): Promise<SandboxServer> {
  const control = createSandbox(provider, options);
  const sockets = new Set<Socket>();
  const server = createServer({ keepAliveTimeout: 30_000, noDelay: true }, (message, response) => {
    receive(message, (body) => {
      const exchange = control.exchange(requestOf(message, body));
      response.once('close', exchange.end);
      const { outcome } = exchange;
      if (outcome.kind === 'hang') return;
      if (outcome.latencyMs > 0) setTimeout(() => respond(response, outcome, control.nowMs()), outcome.latencyMs);
      else respond(response, outcome, control.nowMs());
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(options.port ?? 0, host, done);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    control,
    async close() {
      control.close();
      const closed = new Promise<void>((done) => server.close(() => done()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function receive(message: IncomingMessage, handle: (body: string) => void): void {
  if (message.method === 'GET' || message.method === 'HEAD') {
    message.resume();
    handle('');
    return;
  }
  const chunks: Buffer[] = [];
  message.on('data', (chunk: Buffer) => chunks.push(chunk));
  message.on('end', () => handle(Buffer.concat(chunks).toString('utf8')));
}

function requestOf(message: IncomingMessage, body: string): SandboxRequest {
  const target = message.url ?? '/';
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  return {
    method: message.method ?? 'GET',
    path: path.includes('%') ? decodePath(path) : path,
    query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
    headers: message.headers as Record<string, string>,
    body,
  };
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function respond(response: ServerResponse, outcome: Exclude<Outcome, { kind: 'hang' }>, nowMs: number): void {
  if (outcome.kind === 'reset') {
    const { socket } = response;
    if (socket && 'resetAndDestroy' in socket) socket.resetAndDestroy();
    else response.destroy();
    return;
  }
  const { answer } = outcome;
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
  response.writeHead(answer.status, {
    'content-type': 'application/json',
    ...answer.headers,
    date: new Date(nowMs).toUTCString(),
    'content-length': body.length,
  });
  if (!outcome.truncated) {
    response.end(body);
    return;
  }
  response.write(body.subarray(0, body.length >> 1), () => response.destroy());
}
