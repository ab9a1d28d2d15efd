import { spawn } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { findDoor } from '../../src/runtime/node/door.ts';

export interface Account {
  /** `stripe`, `intercom` */
  readonly name: string;
  /** Asks a control route of the emulator; with a body, by POST. */
  control(path: string, body?: unknown): Promise<unknown>;
  /** Every living object of a resource, as the provider would answer for it. */
  objects(resource: string): Promise<readonly { readonly id: string; readonly [field: string]: unknown }[]>;
}

export interface RunningDemo {
  readonly accounts: readonly Account[];
  query<Row extends object>(sql: string): Promise<Row[]>;
  /** Resolves when every delivery has arrived and was worked, and what was asked again was answered. */
  settle(): Promise<void>;
  /** One run of every app, to its end. */
  sync(mode: 'full' | 'incremental'): Promise<void>;
  /** Ctrl-C; the exit code. */
  stop(): Promise<number | null>;
  errors(): string;
}

const FIRST_SYNC_MS = 300_000;
const SETTLE_MS = 120_000;

/** `npm start` in a folder, in a process of its own, without any key. Resolves when it is live. */
export async function startDemo(folder: string): Promise<RunningDemo> {
  const bin = new URL('../../bin/supasaasy.js', import.meta.url).pathname;
  const child = spawn(process.execPath, [bin, 'start', '--port', '0'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`not live within ${FIRST_SYNC_MS / 1000} s\n${stderr}`)),
      FIRST_SYNC_MS,
    );
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      if (!stdout.includes('Ctrl-C ends.')) return;
      clearTimeout(timer);
      resolve();
    });
    void ended.then((code) => reject(new Error(`it ended with code ${code}\n${stdout}\n${stderr}`)));
  });
  const door = findDoor(join(folder, '.supasaasy', 'demo', 'pglite'));
  if (door === undefined) throw new Error('the demo did not say where it can be asked');

  async function post<T>(route: string, body: unknown): Promise<T> {
    const response = await fetch(`${door?.url}/${route}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${door?.key}` },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as T & { error?: { message: string } };
    if (!response.ok) throw new Error(`${route}: ${answer.error?.message}`);
    return answer;
  }

  const demo: RunningDemo = {
    accounts: [...stdout.matchAll(/emulated (\w+): (http:\S+)/g)].map(([, name = '', url = '']) =>
      accountAt(name, url),
    ),
    async query<Row>(sql: string) {
      const answer = await post<{ rows: Row[]; truncated: boolean }>('query', { sql, limit: 100_000 });
      if (answer.truncated) throw new Error(`too many rows: ${sql}`);
      return answer.rows;
    },
    async sync(mode) {
      for (const { name } of demo.accounts) await post('sync', { app_key: `demo_${name}`, mode });
      await demo.settle();
      const runs = await demo.query<{ state: string; error: string | null }>(
        `select distinct on (app_key) state, error from runs where mode = '${mode}' order by app_key, created_at desc`,
      );
      for (const { state, error } of runs)
        if (state !== 'completed') throw new Error(`a ${mode} run is ${state}: ${error}`);
    },
    async settle() {
      const until = performance.now() + SETTLE_MS;
      for (;;) {
        const waiting = await Promise.all(
          demo.accounts.map(
            async (each) => ((await each.control('deliver')) as { stats: { waiting: number } }).stats.waiting,
          ),
        );
        const [open] = await demo.query<{ deliveries: number; tasks: number }>(
          `select (select count(*) from inbox where state in ('ready', 'running')) as deliveries,
             (select count(*) from tasks where state in ('ready', 'running')) + (select count(*) from runs where state = 'running') as tasks`,
        );
        if (waiting.every((count) => count === 0) && open?.deliveries === 0 && open.tasks === 0) return;
        if (performance.now() > until)
          throw new Error(`not at rest within ${SETTLE_MS / 1000} s: ${JSON.stringify({ waiting, open })}`);
        await new Promise((done) => setTimeout(done, 250));
      }
    },
    stop() {
      child.kill('SIGINT');
      return ended;
    },
    errors: () => stderr,
  };
  if (demo.accounts.length === 0) throw new Error(`no emulated account was named:\n${stdout}`);
  return demo;
}

function accountAt(name: string, url: string): Account {
  return {
    name,
    async control(path, body) {
      const response = await fetch(
        `${url}/_sandbox/${path}`,
        body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) },
      );
      return await response.json();
    },
    async objects(resource) {
      const lines = (await (await fetch(`${url}/_sandbox/truth/${resource}`)).text()).split('\n');
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
    },
  };
}
