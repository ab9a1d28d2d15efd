import pg from 'pg';
import type { SyncMode } from '../../src/engine/store.ts';
import { type Child, startChild } from './child.ts';
import type { EngineCalls, EngineOrder, SyncResult } from './engine-process.ts';
import { type Server, startServer } from './postgres.ts';
import type { SandboxCalls, SandboxOrder } from './sandbox-process.ts';
import { DIGEST_FUNCTION, digestSql, mustEqual } from './verify.ts';

/** What the benches play on: one PostgreSQL, sandboxes and engines as processes. All of it ends with `close`. */
export interface Stage {
  readonly server: Server;
  /** An emulated Stripe account. */
  sandbox(order: SandboxOrder): Promise<Sandbox>;
  /** The engine as the command line runs it (TypeScript through tsx), in a process of its own. */
  engine(order: EngineOrder, options?: { readonly env?: NodeJS.ProcessEnv }): Promise<Child<EngineCalls>>;
  /** A connection of our own; closed with the stage. */
  connect(databaseUrl: string): Promise<pg.Client>;
  /** Ended when the stage closes, however that comes. */
  onClose(end: () => Promise<void>): void;
  close(): Promise<void>;
}

export interface Sandbox extends Child<SandboxCalls> {
  readonly url: string;
}

export async function openStage(settings?: Readonly<Record<string, string>>): Promise<Stage> {
  const ends: (() => Promise<void>)[] = [];
  const server = await startServer(settings);
  const child = <Calls extends Record<string, (argument: never) => unknown>>(name: string, env?: NodeJS.ProcessEnv) => {
    const made = startChild<Calls>(new URL(`./${name}`, import.meta.url), env === undefined ? {} : { env });
    ends.push(made.stop);
    return made;
  };
  return {
    server,
    async sandbox(order) {
      const made = child<SandboxCalls>('sandbox-process.ts');
      return { ...made, url: await made.call('start', order) };
    },
    async engine(order, { env } = {}) {
      const made = child<EngineCalls>('engine-process.ts', env);
      await made.call('open', order);
      return made;
    },
    async connect(connectionString) {
      const client = new pg.Client({ connectionString });
      await client.connect();
      ends.push(() => client.end());
      return client;
    },
    onClose: (end) => void ends.push(end),
    async close() {
      for (const end of ends.reverse()) await end().catch(() => {});
      await server.stop();
    },
  };
}

export interface Trial {
  readonly databaseUrl: string;
  readonly client: pg.Client;
  readonly engine: Child<EngineCalls>;
  /** One run to its end, measured from outside too, and its rows compared with the source. */
  sync(mode: SyncMode): Promise<Measured>;
  end(): Promise<void>;
}

export interface Measured extends SyncResult {
  readonly rows: number;
  readonly rowsPerSecond: number;
  readonly requests: number;
  /** CPU seconds of PostgreSQL and of the sandbox meanwhile. */
  readonly postgresCpu: number;
  readonly sandboxCpu: number;
}

/** An empty database and an engine of its own for it. */
export async function startTrial(
  stage: Stage,
  sandbox: Sandbox,
  order: Omit<EngineOrder, 'databaseUrl' | 'sandboxUrl'>,
): Promise<Trial> {
  const databaseUrl = await stage.server.createDatabase();
  const engine = await stage.engine({ ...order, databaseUrl, sandboxUrl: sandbox.url });
  const client = await stage.connect(databaseUrl);
  await client.query(DIGEST_FUNCTION);
  return {
    databaseUrl,
    client,
    engine,
    async sync(mode) {
      const before = { requests: await sandbox.call('requests', null), cpu: await sandbox.call('cpu', null) };
      const postgres = stage.server.cpuSeconds();
      const result = await engine.call('sync', { mode });
      const postgresCpu = stage.server.cpuSeconds() - postgres;
      const requests = (await sandbox.call('requests', null)) - before.requests;
      const sandboxCpu = (await sandbox.call('cpu', null)) - before.cpu;
      if (result.run.state !== 'completed') throw new Error(`the run ${result.run.state}: ${result.run.error}`);
      const rows = await verifyRows(client, sandbox, order.resources);
      return { ...result, rows, rowsPerSecond: rows / result.seconds, requests, postgresCpu, sandboxCpu };
    },
    async end() {
      await engine.stop();
      await client.end();
      await stage.server.dropDatabase(databaseUrl);
    },
  };
}

/** Count and digest of the ids of each resource, against the source's. Returns how many rows there are. */
export async function verifyRows(client: pg.Client, sandbox: Sandbox, resources: readonly string[]): Promise<number> {
  let rows = 0;
  for (const resource of resources) {
    const truth = await sandbox.call('truth', resource);
    const sql = digestSql(
      'supasaasy.entities',
      'external_id',
      `collection_key = 'stripe_${resource}' and deleted_at is null`,
    );
    mustEqual(resource, (await client.query<{ count: number; digest: string }>(sql)).rows[0], truth);
    rows += truth.count;
  }
  return rows;
}
