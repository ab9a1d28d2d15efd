import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Change } from '../../src/engine/feed/change.ts';
import { changes } from '../../src/engine/feed/database-source.ts';
import { defineConsumer } from '../../src/engine/feed/define-consumer.ts';
import { createFeed } from '../../src/engine/feed/feed.ts';
import { defaultPorts } from '../../src/engine/ports.ts';
import { natsSink } from '../../src/runtime/nats/nats-sink.ts';
import { natsSource } from '../../src/runtime/nats/nats-source.ts';
import { type SourceUnderTest, sourceConformance } from '../../src/testing/source-conformance.ts';
import { createTestDatabase } from '../setup/database.ts';
import { write } from './writers.ts';

const there = spawnSync('nats-server', ['--version']).status === 0;
const title = 'S3-18, S3-25: NATS JetStream';
const ports = defaultPorts();

describe.skipIf(!there)(there ? title : `${title} (no nats-server: apt-get install nats-server)`, () => {
  let server: ChildProcess;
  let folder: string;
  let connection: NatsConnection;
  let dial: () => Promise<NatsConnection>;
  let streams = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'supasaasy-nats-'));
    const port = await freePort();
    server = spawn('nats-server', ['-js', '-a', '127.0.0.1', '-p', String(port), '-sd', folder], { stdio: 'ignore' });
    dial = () => connect({ servers: `127.0.0.1:${port}`, reconnect: false, timeout: 60_000 });
    connection = await vi.waitFor(dial, { timeout: 60_000, interval: 50 });
  });
  afterAll(async () => {
    await connection?.close();
    server?.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  async function stream() {
    streams += 1;
    const name = `S${streams}`;
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name, subjects: [`${name}.>`] });
    return { name, manager, js: jetstream(connection) };
  }

  const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

  async function underTest(): Promise<SourceUnderTest> {
    const { name, manager, js } = await stream();
    const source = natsSource({
      jetstream: js,
      manager,
      stream: name,
      translate: (message) => {
        const event = message.json<{ id: string; key: string; type: string }>();
        return event.type === 'thing.ignored' ? undefined : event;
      },
    });
    return {
      open: (settings) => source.open({ settings, ports }),
      async write(events) {
        for (const event of events) await js.publish(`${name}.things`, encode(event));
      },
      unwantedType: 'thing.ignored',
    };
  }

  for (const one of sourceConformance) {
    it(one.title, async (context) => {
      const source = await underTest();
      const reason = one.skip(source);
      if (reason !== undefined) context.skip(reason);
      await one.run(source);
    });
  }

  it('takes up, in order, what a process left behind when it died, before anything newer', async () => {
    const { name, manager, js } = await stream();
    const settings = defineConsumer({ name: 'dying', source: changes(), handler() {}, lease: 1000, start: 'start' });
    const open = async (on: NatsConnection) =>
      await natsSource({
        jetstream: jetstream(on),
        manager: await jetstreamManager(on),
        stream: name,
        translate: (message) => message.json(),
      }).open({ settings, ports });
    const publish = async (id: string) => void (await js.publish(`${name}.x`, encode({ id, key: 'k', type: 't' })));
    for (const id of ['e0', 'e1', 'e2', 'e3']) await publish(id);
    const doomed = await dial();
    const first = await open(doomed);
    const batch = await vi.waitFor(async () => {
      const taken = await first.recv(10);
      expect(taken.changes).toHaveLength(4);
      return taken;
    }, 60_000);
    await first.ack(batch.token ?? 0, batch.changes.slice(0, 1));
    // Killed: nothing is given back.
    await doomed.close();
    await publish('e4');
    const next = await open(connection);
    const got: string[] = [];
    await expect
      .poll(async () => {
        const { token, changes: taken } = await next.recv(10);
        got.push(...taken.map((change) => change.id));
        if (token !== null) await next.ack(token, taken);
        return got;
      })
      .toEqual(['e1', 'e2', 'e3', 'e4']);
    await next.close();
    expect((await manager.consumers.info(name, 'dying')).num_ack_pending).toBe(0);
  });

  it('sets a change aside that is larger than the server takes, and the rest of the feed goes on', async () => {
    const database = await createTestDatabase('pglite', { template: 'engine' });
    const { name, manager, js } = await stream();
    const feed = createFeed({
      database: database.database,
      ports,
      startRun: async () => ({ runId: '', resumed: false }),
      consumers: [
        defineConsumer({
          name: 'to-nats',
          source: changes(),
          start: 'start',
          handler: natsSink({ jetstream: js, subject: (change) => `${name}.${change.type}` }),
        }),
      ],
    });
    await write(database.database, 'big', { text: 'x'.repeat(2 ** 20) });
    await write(database.database, 'small', {});
    expect(await feed.runOnce()).toBe(2);
    expect(await feed.store.deadLetters('to-nats', 10, null)).toMatchObject([
      { entity: 'acme/stripe_customer/big', attempts: 1, error: expect.stringMatching(/larger than the server takes/) },
    ]);
    expect((await manager.streams.info(name)).state.messages).toBe(1);
    await database.close();
  });

  it('carries the feed of one database to readers without one', async () => {
    const database = await createTestDatabase('pglite', { template: 'engine' });
    const { name, manager, js } = await stream();
    const got: Change[] = [];
    const controller = new AbortController();
    const startRun = async () => ({ runId: '', resumed: false });
    const sending = createFeed({
      database: database.database,
      ports,
      startRun,
      consumers: [
        defineConsumer({
          name: 'to-nats',
          source: changes(),
          start: 'start',
          poll: 20,
          handler: natsSink({ jetstream: js, subject: (change) => `${name}.${change.type}` }),
        }),
      ],
    });
    const reading = createFeed({
      database: { call: () => Promise.reject(new Error('none')), close: async () => {} },
      ports,
      startRun,
      consumers: [
        defineConsumer({
          name: 'from-nats',
          source: natsSource({ jetstream: js, manager, stream: name }),
          start: 'start',
          poll: 20,
          handler: (change) => void got.push(change),
        }),
      ],
    });
    const ended = Promise.all([sending.run({ signal: controller.signal }), reading.run({ signal: controller.signal })]);
    await write(database.database, 'a', { n: 1 });
    await write(database.database, 'a', { n: 2 });
    await expect.poll(() => got.length).toBe(2);
    expect(got[1]).toMatchObject({
      type: 'stripe.customer.updated',
      foreign_id: 'acme/stripe_customer/a',
      external_id: 'a',
      before: { n: 1 },
      after: { n: 2 },
      changed_fields: ['n'],
      attempt: 1,
    });
    controller.abort();
    await ended;
    await database.close();
  });
});

async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
