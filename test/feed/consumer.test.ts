import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Change } from '../../src/engine/feed/change.ts';
import { changes, declarationOf, topic } from '../../src/engine/feed/database-source.ts';
import {
  byType,
  type Consumer,
  type ConsumerInput,
  defineConsumer,
  type HandlerContext,
} from '../../src/engine/feed/define-consumer.ts';
import { createFeed } from '../../src/engine/feed/feed.ts';
import { createFeedStore } from '../../src/engine/feed/feed-store.ts';
import { memory, toChange } from '../../src/engine/feed/memory-source.ts';
import { formatMetrics } from '../../src/engine/feed/metrics.ts';
import { defaultPorts, type Ports } from '../../src/engine/ports.ts';
import { NonRetriableError, RetryAfterError } from '../../src/errors.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { write } from './writers.ts';

const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((stop) => stop()));
});

/** Runs consumers until the test ends; `stop` waits until they have stopped. */
function run(database: TestDatabase, consumers: readonly Consumer[], ports: Partial<Ports> = {}, lagCheckMs?: number) {
  const startRun = vi.fn(async () => ({ runId: 'run-1', resumed: false }));
  const feed = createFeed({
    database: database.database,
    ports: defaultPorts(ports),
    consumers,
    startRun,
    ...(lagCheckMs === undefined ? {} : { lagCheckMs }),
  });
  const controller = new AbortController();
  const ended = feed.run({ signal: controller.signal });
  const stop = async () => {
    controller.abort();
    await ended;
  };
  running.push(stop);
  return { feed, startRun, stop };
}

const consumer = (input: Partial<ConsumerInput> & Pick<ConsumerInput, 'handler'>) =>
  defineConsumer({ name: 'reader', source: changes(), start: 'start', poll: 20, errBackOff: 1, ...input });

const CONTEXT = { name: 'reader' };

describeEachDatabase(
  'a consumer',
  (make) => {
    let made: Promise<TestDatabase> | undefined;
    /** One database, emptied. */
    const fresh = async () => {
      made ??= make({ template: 'engine' });
      const database = await made;
      await database.database.script(`drop table if exists public.ledger; delete from supasaasy.consumers;
      delete from supasaasy.changes; delete from supasaasy.messages; delete from supasaasy.entities; delete from supasaasy.apps;
      delete from supasaasy.consumer_receipts; update supasaasy.feed_state set trimmed_until = null;
      insert into supasaasy.apps (app_key, name, connector) values ('acme', 'Acme', 'stripe');`);
      return database;
    };

    it('S3-01, S3-03, S3-05, S3-35: hands every change, with its fields and headers of strings, to its handler', async () => {
      const database = await fresh();
      const got: Change[] = [];
      run(database, [consumer({ handler: (change) => void got.push(change) })]);
      await write(database.database, 'cus_1', { id: 'cus_1', name: 'A', plan: { tier: 1 } });
      await write(database.database, 'cus_1', { id: 'cus_1', name: 'B', plan: { tier: 1 } });
      await write(database.database, 'cus_1', null, true);
      await expect.poll(() => got.length).toBe(3);
      expect(got[1]).toMatchObject({
        foreign_id: 'acme/stripe_customer/cus_1',
        type: 'stripe.customer.updated',
        app_key: 'acme',
        collection_key: 'stripe_customer',
        external_id: 'cus_1',
        operation: 'update',
        before: { id: 'cus_1', name: 'A', plan: { tier: 1 } },
        after: { id: 'cus_1', name: 'B', plan: { tier: 1 } },
        changed_fields: ['name'],
        attempt: 1,
      });
      expect(got[1]?.headers).toMatchObject({ origin: 'sync', idempotency_key: got[1]?.id });
      expect(Object.values(got[1]?.headers ?? {}).every((value) => typeof value === 'string')).toBe(true);
      expect(Date.parse(got[1]?.created_at ?? '')).toBeGreaterThan(Date.now() - 60_000);
      expect(got.map((change) => change.type.split('.')[2])).toEqual(['created', 'updated', 'deleted']);
      expect([got[0]?.before, got[2]?.after]).toEqual([null, null]);
      expect(got[2]?.before).toEqual({ id: 'cus_1', name: 'B', plan: { tier: 1 } });
      expect(new Set(got.map((change) => change.id)).size).toBe(3);
    });

    it('S3-34: leaves the payloads out where a consumer wants it thin', async () => {
      const database = await fresh();
      const got: Change[] = [];
      run(database, [consumer({ thin: true, handler: (change) => void got.push(change) })]);
      await write(database.database, 'a', { big: 'x' });
      await expect.poll(() => got.length).toBe(1);
      expect(got[0]).toMatchObject({ before: null, after: null, external_id: 'a' });
    });

    it('S3-02, S3-04, S3-11: gives the handler an interface that starts work', async () => {
      const database = await fresh();
      const orders: Change[] = [];
      const { startRun } = run(database, [
        consumer({
          async handler(change, { api }) {
            await api.startRun('acme', 'incremental', { resources: ['invoice'] });
            await api.publish('orders', {
              id: `order-${change.external_id}`,
              key: change.external_id ?? '',
              type: 'order.created',
              payload: { amount: 9 },
            });
            await api.publish('orders', { id: `order-${change.external_id}`, type: 'order.created' });
          },
        }),
        consumer({ name: 'orders', source: topic('orders'), handler: (change) => void orders.push(change) }),
      ]);
      await write(database.database, 'a', {});
      await expect.poll(() => orders.length).toBe(1);
      expect(orders[0]).toMatchObject({ id: 'order-a', foreign_id: 'a', type: 'order.created', after: { amount: 9 } });
      expect(startRun).toHaveBeenCalledWith('acme', 'incremental', { resources: ['invoice'] });
    });

    it('S3-10: dispatches by type and skips types that it does not know', async () => {
      const database = await fresh();
      const got: string[] = [];
      const { feed } = run(database, [
        consumer({ handler: byType({ 'stripe.customer.updated': (change) => void got.push(change.type) }) }),
      ]);
      await write(database.database, 'a', { n: 1 });
      await write(database.database, 'a', { n: 2 });
      await expect.poll(() => got).toEqual(['stripe.customer.updated']);
      await expect.poll(async () => (await feed.store.lag('reader')).changes).toBe(0);
    });

    it('S3-20: acknowledges what its filter leaves out, without asking the handler', async () => {
      const database = await fresh();
      const got: string[] = [];
      const { feed } = run(database, [
        consumer({
          filter: (change) => !change.external_id?.startsWith('test-'),
          handler: (change) => void got.push(change.external_id ?? ''),
        }),
      ]);
      for (const id of ['test-1', 'real', 'test-2']) await write(database.database, id, {});
      await expect.poll(async () => (await feed.store.status('reader'))[0]?.stats[0]?.processed ?? 0).toBe(3);
      expect(got).toEqual(['real']);
    });

    it('S3-21, S3-14: tries again after an error, with backoff', async () => {
      const database = await fresh();
      const attempts: number[] = [];
      const { feed } = run(database, [
        consumer({
          errBackOff: 5,
          handler(_change, { attempt }) {
            attempts.push(attempt);
            if (attempt < 4) throw new Error('not yet');
          },
        }),
      ]);
      await write(database.database, 'a', {});
      await expect.poll(() => attempts).toEqual([1, 2, 3, 4]);
      await expect
        .poll(async () => (await feed.store.status('reader'))[0])
        .toMatchObject({ held: 0, dead_letters: 0, failing_since: null });
    });

    it('S3-22: parks a change as a dead letter after maxAttempts, with error and attempts, and goes on', async () => {
      const database = await fresh();
      const got: string[] = [];
      const { feed } = run(database, [
        consumer({
          maxAttempts: 3,
          handler(change) {
            if ((change.after as { poison?: boolean }).poison === true) throw new Error('poison');
            got.push(`${change.external_id}${(change.after as { n: number }).n}`);
          },
        }),
      ]);
      await write(database.database, 'a', { poison: true });
      await write(database.database, 'a', { n: 2 });
      await write(database.database, 'b', { n: 1 });
      await expect.poll(() => [...got].sort()).toEqual(['a2', 'b1']);
      const [letter] = await feed.store.deadLetters('reader', 10, null);
      expect(letter).toMatchObject({
        error: 'poison',
        attempts: 3,
        entity: 'acme/stripe_customer/a',
        change: { after: { poison: true } },
      });
    });

    it('S3-23, S3-12: never repeats what is invalid; a parse error is told', async () => {
      const database = await fresh();
      let calls = 0;
      const { feed } = run(database, [
        consumer({
          handler(change) {
            calls += 1;
            const amount = Number((change.after as { amount: string }).amount);
            if (Number.isNaN(amount))
              throw new NonRetriableError(`invalid amount "${(change.after as { amount: string }).amount}"`);
          },
        }),
      ]);
      await write(database.database, 'a', { amount: 'ten' });
      await write(database.database, 'b', { amount: '10' });
      await expect
        .poll(async () => (await feed.store.deadLetters('reader', 10, null)).map((letter) => letter.error))
        .toEqual(['invalid amount "ten"']);
      await expect.poll(() => calls).toBe(2);
    });

    it('obeys a RetryAfterError', async () => {
      const database = await fresh();
      const times: number[] = [];
      run(database, [
        consumer({
          handler() {
            times.push(performance.now());
            if (times.length === 1) throw new RetryAfterError('busy', 300);
          },
        }),
      ]);
      await write(database.database, 'a', {});
      await expect.poll(() => times.length).toBe(2);
      expect(times[1]! - times[0]!).toBeGreaterThan(290);
    });

    it('redrives one dead letter, and under onDead: block the entity then goes on in order', async () => {
      const database = await fresh();
      const got: number[] = [];
      let broken = true;
      const { feed } = run(database, [
        consumer({
          maxAttempts: 2,
          onDead: 'block',
          handler(change) {
            const { n } = change.after as { n: number };
            if (n === 2 && broken) throw new Error('broken');
            got.push(n);
          },
        }),
      ]);
      for (const n of [1, 2, 3]) await write(database.database, 'a', { n });
      await expect.poll(async () => (await feed.store.status('reader'))[0]?.blocked).toBe(1);
      await write(database.database, 'a', { n: 4 });
      await expect.poll(() => got).toEqual([1]);
      broken = false;
      const [letter] = await feed.store.deadLetters('reader', 10, null);
      expect(await feed.store.redrive('reader', [letter!.id], null)).toBe(1);
      await expect.poll(() => got).toEqual([1, 2, 3, 4]);
      await expect.poll(async () => await feed.store.deadLetters('reader', 10, null)).toEqual([]);
    });

    it('S3-22: redrives all dead letters, even when the feed no longer has them', async () => {
      const database = await fresh();
      const got: string[] = [];
      let broken = true;
      const { feed } = run(database, [
        consumer({
          maxAttempts: 1,
          handler(change) {
            if (broken) throw new Error('broken');
            got.push(`${change.external_id}:${(change.after as { n: number }).n}:${change.attempt}`);
          },
        }),
      ]);
      for (const id of ['a', 'b', 'c']) await write(database.database, id, { n: 1 });
      await expect.poll(async () => (await feed.store.deadLetters('reader', 10, null)).length).toBe(3);
      expect(await database.database.call('trim_feed', { keep: '0 seconds' })).toMatchObject({
        changes: 3,
        held_by: [],
      });
      broken = false;
      expect(await feed.store.redrive('reader', null, null)).toBe(3);
      await expect.poll(() => got.sort()).toEqual(['a:1:1', 'b:1:1', 'c:1:1']);
    });

    it('K18: redrives dead letters by itself after redriveAfter, where that is wished for', async () => {
      const { database } = await fresh();
      const store = createFeedStore(database);
      const named = (name: string, redriveAfter?: number) =>
        declarationOf(consumer({ name, redriveAfter, handler() {} }), changes().declaration!);
      const [patient, manual] = [named('patient', 60_000), named('manual')];
      await store.declare([patient, manual], false);
      await write(database, 'a', {});
      for (const name of ['patient', 'manual']) {
        const { token, changes: got } = await store.recv(name, 10, null);
        expect(await store.nack(name, token!, got[0]!.seq, 'no', null, true)).toMatchObject({ state: 'dead' });
      }
      const early = await store.recv('patient', 10, null);
      expect(early.token).toBeNull();
      expect(early.wait_ms).toBeGreaterThan(30_000);
      expect(await database.call('consumers_wait', {})).toBe(false);
      await database.query(`update supasaasy.dead_letters set created_at = created_at - interval '1 minute'`);
      await database.query('update supasaasy.consumers set declared = true');
      expect(await database.call('consumers_wait', {})).toBe(true);
      expect(await store.recv('patient', 10, null)).toMatchObject({ changes: [{ external_id: 'a', attempt: 1 }] });
      expect(await store.recv('manual', 10, null)).toMatchObject({ token: null });
      expect(() => consumer({ redriveAfter: 60_000, source: memory([]), handler() {} })).toThrow(
        'needs a source that lives in the',
      );
    });

    it('S3-15: leaves changes alone until they are old enough', async () => {
      const database = await fresh();
      const got: number[] = [];
      run(database, [
        consumer({ consumeLag: 300, handler: (change) => void got.push(Date.now() - Date.parse(change.created_at)) }),
      ]);
      await write(database.database, 'a', {});
      await expect.poll(() => got.length).toBe(1);
      expect(got[0]).toBeGreaterThanOrEqual(299);
    });

    it('S3-16: says once that it is late, by default after 30 minutes plus consumeLag', async () => {
      expect(consumer({ handler() {}, consumeLag: 1000 }).lagAlert).toBe(30 * 60_000 + 1000);
      const database = await fresh();
      const alerts: number[] = [];
      const log = vi.fn();
      run(
        database,
        [
          consumer({
            lagAlert: 50,
            maxAttempts: 1000,
            errBackOff: 100,
            onLagAlert: (lag) => void alerts.push(lag.changes),
            handler: () => Promise.reject(new Error('no')),
          }),
        ],
        { log },
        30,
      );
      await write(database.database, 'a', {});
      await expect.poll(() => alerts).toEqual([1]);
      expect(log).toHaveBeenCalledWith('error', expect.stringMatching(/^reader is late: 1 changes wait/));
    });

    it('S3-13, S3-19: handles as many batches at one time as parallel says, and never one entity twice at once', async () => {
      const database = await fresh();
      for (let i = 0; i < 40; i += 1) await write(database.database, `c${i % 20}`, { i });
      let active = 0;
      let most = 0;
      const busy = new Set<string>();
      const got: Change[] = [];
      run(database, [
        consumer({
          parallel: 4,
          batch: 5,
          async handler(change) {
            expect(busy.has(change.foreign_id)).toBe(false);
            busy.add(change.foreign_id);
            active += 1;
            most = Math.max(most, active);
            await new Promise((resolve) => setTimeout(resolve, 10));
            active -= 1;
            busy.delete(change.foreign_id);
            got.push(change);
          },
        }),
      ]);
      await expect.poll(() => got.length).toBe(40);
      expect(most).toBe(4);
      const last = new Map<string, number>();
      for (const change of got) {
        expect(change.seq).toBeGreaterThan(last.get(change.foreign_id) ?? 0);
        last.set(change.foreign_id, change.seq);
      }
    });

    it('S3-29: commits what a handler wrote together with the acknowledgement, exactly once, whatever fails between', async () => {
      const database = await fresh();
      await database.query('create table public.ledger (id text)');
      const faults = ['before', 'after', 'none'];
      run(database, [
        consumer({
          transaction: true,
          async handler(change, { tx, api, idempotencyKey }) {
            const fault = faults.shift();
            if (fault === 'before') throw new Error('before the write');
            expect(await api.once(idempotencyKey)).toBe(true);
            await tx.query('insert into public.ledger values ($1)', [change.external_id]);
            if (fault === 'after') throw new Error('after the write');
          },
        }),
      ]);
      await write(database.database, 'a', {});
      await expect.poll(async () => await database.query('select * from public.ledger')).toEqual([{ id: 'a' }]);
      await expect.poll(() => faults).toEqual([]);
      expect(await createFeedStore(database.database).lag('reader')).toMatchObject({ changes: 0 });
    });

    it('undoes the writes of a handler whose lease somebody took over', async () => {
      const database = await fresh();
      await database.query('create table public.ledger (id text)');
      const store = createFeedStore(database.database);
      await write(database.database, 'a', {});
      let calls = 0;
      run(database, [
        consumer({
          transaction: true,
          lease: 300,
          async handler(change, { tx }) {
            calls += 1;
            // As if the lease had ended and another reader had come.
            if (calls === 1) await tx.call('consumer_seek', { name: 'reader', to: 'start' });
            await tx.query('insert into public.ledger values ($1)', [change.external_id]);
          },
        }),
      ]);
      await expect.poll(async () => await database.query('select * from public.ledger')).toEqual([{ id: 'a' }]);
      expect(calls).toBeGreaterThan(1);
      expect(await store.lag('reader')).toMatchObject({ changes: 0 });
    }, 60_000);

    it('a handler that never returns counts as failed, and is told by its signal', async () => {
      const database = await fresh();
      let aborted = 0;
      const { feed } = run(database, [
        consumer({
          timeout: 50,
          maxAttempts: 2,
          handler: (change, { signal }) =>
            change.external_id === 'b' ||
            new Promise(() => {
              signal.addEventListener('abort', () => {
                aborted += 1;
              });
            }),
        }),
      ]);
      await write(database.database, 'a', {});
      await write(database.database, 'b', {});
      await expect
        .poll(async () => (await feed.store.deadLetters('reader', 10, null))[0]?.error)
        .toBe('the handler did not return within 50 ms');
      expect(aborted).toBe(2);
    });

    it('C28: a transaction whose handler never returns ends at its timeout, and its connection is free', async () => {
      const database = await fresh();
      await database.query('create table public.ledger (id text)');
      const late: string[] = [];
      // More attempts than connections.
      const { feed } = run(database, [
        consumer({
          transaction: true,
          timeout: 100,
          maxAttempts: 12,
          async handler(change, { tx, signal }) {
            await tx.query('insert into public.ledger values ($1)', [change.external_id]);
            if (change.external_id === 'b') return;
            await new Promise((resolve) => signal.addEventListener('abort', resolve));
            // The transaction ends a moment after the signal.
            await new Promise((resolve) => setImmediate(resolve));
            await tx
              .query(`insert into public.ledger values ('late')`)
              .catch((error: Error) => late.push(error.message));
            await new Promise(() => {});
          },
        }),
      ]);
      await write(database.database, 'a', {});
      await write(database.database, 'b', {});
      await expect
        .poll(async () => (await feed.store.deadLetters('reader', 10, null))[0]?.error)
        .toBe('the handler did not return within 100 ms');
      await expect.poll(async () => await database.query('select id from public.ledger')).toEqual([{ id: 'b' }]);
      expect(new Set(late)).toEqual(new Set(['the transaction is over']));
      if (database.kind === 'pglite') return;
      await expect
        .poll(
          async () =>
            await database.query(
              `select pid from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'`,
            ),
        )
        .toEqual([]);
    });

    it('C28: shutdown ends such a transaction too, and everything else is answered', async () => {
      const database = await fresh();
      let begun = false;
      const { stop } = run(database, [
        consumer({
          transaction: true,
          timeout: 400,
          async handler(_, { tx }) {
            await tx.query('select 1');
            begun = true;
            await new Promise(() => {});
          },
        }),
      ]);
      await write(database.database, 'a', {});
      await expect.poll(() => begun).toBe(true);
      await stop();
      expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
    });

    it('S3-30: gives back on its end what it had not done', async () => {
      const database = await fresh();
      for (const id of ['a', 'b', 'c']) await write(database.database, id, {});
      let release = () => {};
      const { stop, feed } = run(database, [
        consumer({
          handler: (change) =>
            change.external_id === 'a' ||
            new Promise<void>((resolve) => {
              release = resolve;
            }),
        }),
      ]);
      await expect.poll(async () => (await feed.store.status('reader'))[0]?.in_flight ?? 0).toBe(3);
      await new Promise((resolve) => setTimeout(resolve, 50));
      const stopping = stop();
      release();
      await stopping;
      const [status] = await feed.store.status('reader');
      expect(status).toMatchObject({ in_flight: 0, readers: 0, lag: { changes: 1 } });
    });

    it('S3-31: counts processed and failed per connector and type, with a histogram, as Prometheus reads them', async () => {
      const database = await fresh();
      const { feed } = run(database, [
        consumer({
          maxAttempts: 1,
          handler(change) {
            if (change.external_id === 'b') throw new Error('no');
          },
        }),
      ]);
      for (const id of ['a', 'b', 'c']) await write(database.database, id, {});
      await expect
        .poll(async () => (await feed.store.status('reader'))[0]?.stats)
        .toMatchObject([{ processed: 2, errors: 1, dead: 1 }]);
      const text = formatMetrics(await feed.store.status(null));
      const labels = '{consumer="reader",connector="stripe",type="stripe.customer.created"}';
      expect(text).toContain(`supasaasy_consumer_processed_total${labels} 2\n`);
      expect(text).toContain(`supasaasy_consumer_errors_total${labels} 1\n`);
      expect(text).toContain(`supasaasy_consumer_duration_seconds_count${labels} 3\n`);
      expect(text).toContain('le="+Inf"} 3\n');
      expect(text).toContain('supasaasy_consumer_lag_changes{consumer="reader"} 0\n');
      for (const line of text.trimEnd().split('\n'))
        expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+\{(\w+="[^"]*",?)+\} [\d.e+-]+)$/);
    });

    it('begins where it is told: at the start, now, or at a time', async () => {
      const database = await fresh();
      await write(database.database, 'old', {});
      await new Promise((resolve) => setTimeout(resolve, 20));
      const middle = new Date();
      await new Promise((resolve) => setTimeout(resolve, 20));
      await write(database.database, 'young', {});
      const got: Record<string, string[]> = { all: [], recent: [], news: [] };
      const { feed } = run(
        database,
        (['start', middle, 'now'] as const).map((start, i) => {
          const name = ['all', 'recent', 'news'][i]!;
          return consumer({ name, start, handler: (change) => void got[name]?.push(change.external_id ?? '') });
        }),
      );
      await expect.poll(async () => (await feed.store.status(null)).length).toBe(3);
      await write(database.database, 'new', {});
      await expect.poll(() => got).toEqual({ all: ['old', 'young', 'new'], recent: ['young', 'new'], news: ['new'] });
    });

    it('keeps its place when everything else about it changes', async () => {
      const database = await fresh();
      for (const id of ['a', 'b', 'c', 'd']) await write(database.database, id, {});
      const got: string[] = [];
      const handler = (change: Change) => void got.push(change.external_id ?? '');
      const first = run(database, [consumer({ batch: 2, handler })]);
      await expect.poll(() => got.length).toBe(4);
      await first.stop();
      await write(database.database, 'e', {});
      run(database, [consumer({ parallel: 5, start: 'start', maxAttempts: 3, handler })]);
      await expect.poll(() => got).toEqual(['a', 'b', 'c', 'd', 'e']);
    });

    it('a consumer whose source fails stops no other', async () => {
      const database = await fresh();
      const got: string[] = [];
      run(database, [
        consumer({
          name: 'broken',
          source: { name: 'broken', open: () => Promise.reject(new Error('away')) },
          handler() {},
        }),
        consumer({ handler: (change) => void got.push(change.external_id ?? '') }),
      ]);
      await write(database.database, 'a', {});
      await expect.poll(() => got).toEqual(['a']);
    });

    it('I8: a failing consumer delays no other', async () => {
      const database = await fresh();
      const got: string[] = [];
      run(database, [
        consumer({ name: 'failing', handler: () => Promise.reject(new Error('always')) }),
        consumer({ handler: (change) => void got.push(change.external_id ?? '') }),
      ]);
      for (const id of ['a', 'b', 'c']) await write(database.database, id, {});
      await expect.poll(() => got).toEqual(['a', 'b', 'c']);
    });

    it('works the whole backlog in one slice, for hosts that live for a request', async () => {
      const database = await fresh();
      for (let i = 0; i < 25; i += 1) await write(database.database, `c${i}`, {});
      const got: string[] = [];
      const feed = createFeed({
        database: database.database,
        ports: defaultPorts(),
        consumers: [consumer({ batch: 10, handler: (change) => void got.push(change.id) })],
        startRun: async () => ({ runId: '', resumed: false }),
      });
      expect(await feed.runOnce()).toBe(25);
      expect(got.length).toBe(25);
    });
  },
  { kinds: ['pglite', 'postgres', 'pg15'] },
);

describe('a handler', () => {
  it('S3-27: is tested alone, with an event and a stand-in for its context', async () => {
    const handler = byType({
      'payment.completed': async (change: Change, { api }: HandlerContext) => {
        await api.publish('orders', { id: change.foreign_id, type: 'order.paid' });
      },
    });
    const publish = vi.fn(async () => ({ accepted: 1, repeated: 0 }));
    const event = toChange(
      { id: 'test-1', key: 'order-123', type: 'payment.completed', headers: { amount: '99.99' } },
      1,
      new Date(),
    );
    await handler(event, { api: { publish } } as unknown as HandlerContext);
    expect(publish).toHaveBeenCalledWith('orders', { id: 'order-123', type: 'order.paid' });
  });

  it('S3-28, S3-17: is tested with the memory source, seeded with events', async () => {
    const source = memory([
      { id: '1', key: 'order-123', type: 'order.created', headers: { customer: 'john@example.com' } },
    ]);
    const records = new Map<string, string>();
    const feed = createFeed({
      database: { call: () => Promise.reject(new Error('there is no database')), close: async () => {} },
      ports: defaultPorts(),
      consumers: [
        defineConsumer({
          ...CONTEXT,
          source,
          start: 'start',
          handler: (change) => void records.set(change.foreign_id, change.headers['customer'] ?? ''),
        }),
      ],
      startRun: async () => ({ runId: '', resumed: false }),
    });
    expect(await feed.runOnce()).toBe(1);
    expect(records.get('order-123')).toBe('john@example.com');
  });

  it('tells every mistake of a definition at once', () => {
    expect(() =>
      defineConsumer({ name: 'Not A Name', parallel: 65, source: {} as never, handler: undefined as never }),
    ).toThrow(/name: must match[\s\S]*parallel:[\s\S]*source: must be a source[\s\S]*handler: must be a function/);
  });
});
