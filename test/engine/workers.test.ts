import { beforeAll, expect, it } from 'vitest';
import type { Database } from '../../src/engine/database.ts';
import { createPostgres } from '../../src/runtime/node/postgres.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { json } from '../support/acme-api.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { createMirror, type Mirror, type MirrorOptions } from '../support/mirror.ts';
import { expectFeedToReplay, expectNothingOpen } from '../support/story.ts';

describeEachDatabase('workers', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });
  const open = (options?: MirrorOptions) => createMirror(db, options);
  const fill = ({ account }: Mirror, kind: string, count: number) =>
    Array.from({ length: count }, (_, n) => {
      account.tick();
      return account.create(kind, { n }).id;
    });
  const pagesAsked = (mirror: Mirror, path: string) => mirror.api.requests.filter((one) => one.startsWith(path)).length;

  it("A19 a worker that lost its lease cannot write: its page is refused, the new owner's stands", async () => {
    // Else the answer may come before the page in front of it is written, and that renews the lease.
    const mirror = open({ settings: { readAhead: false } });
    fill(mirror, 'thing', 9);
    const { engine } = mirror;
    const { runId } = await engine.startRun(mirror.key, 'full');
    let taken = false;
    mirror.api.afterAnswer = async ({ path, query }) => {
      if (path !== '/things' || !query.has('after') || taken) return;
      taken = true;
      await mirror.expireLeases();
      await open({ key: mirror.key, account: mirror.account }).engine.work({ slots: 1, filter: { run_id: runId } });
    };
    await engine.work({ slots: 1, filter: { run_id: runId } });
    expect(taken).toBe(true);
    expect(await engine.getRun(runId)).toMatchObject({
      state: 'completed',
      resources: { thing: { created: 9, pages: 3, errors: 0 } },
    });
    await mirror.expectTruth();
  });

  it('A19 a stale token is refused by every operation that writes', async () => {
    const mirror = open();
    fill(mirror, 'thing', 2);
    const { store } = mirror.engine;
    await mirror.engine.startRun(mirror.key, 'full');
    const [task] = await store.claimTasks(1, 60, { app_key: mirror.key });
    if (task === undefined) throw new Error('nothing to claim');
    const late = { ...task, lease_token: task.lease_token - 1 };
    const spec = mirror.engine.app(mirror.key).spec('thing');
    const page = { spec, started_at: new Date().toISOString(), version: 1, version_until: 2, next: { style: 'none' } };
    const lost = { code: 'lease_lost' };
    await expect(store.ingestPage(late, '{"data":[]}', page)).rejects.toMatchObject(lost);
    await expect(store.ingestRetrieved(late, '{"id":"x"}', page)).rejects.toMatchObject(lost);
    await expect(store.ingestRetrieved(late, null, page)).rejects.toMatchObject(lost);
    await expect(
      store.ingestChanges(late, '{}', {
        groups: [],
        cursor: null,
        version: 1,
        records: 0,
        requests: 1,
        purge: false,
        lease_seconds: 1,
      }),
    ).rejects.toMatchObject(lost);
    await expect(
      store.sweep(late, {
        spec,
        share: 1,
        floor: 1,
        allow: true,
        confirm: 0,
        hides_archived: false,
        batch: 10,
        purge: false,
        lease_seconds: 1,
      }),
    ).rejects.toMatchObject(lost);
    await expect(store.fanOut(late, 'acme_thing', spec, 10, 1)).rejects.toMatchObject(lost);
    expect(await store.releaseTask(late, 'fail', 'late', 0, 0, 1)).toBeNull();
    expect(await store.loseCursor(late, true)).toBe(false);
    expect(await store.becomeFanout(late, 'thing')).toBe(false);
    expect(await store.loseParent(late, spec, spec)).toBe(false);
    expect(await store.extendLease(late, 60)).toBe(false);
    expect(await store.extendLease(task, 60)).toBe(true);
    expect(await mirror.rows('thing')).toEqual([]);
  });

  it('A19 deliveries whose lease ran out are settled once, by their new owner', async () => {
    const mirror = open();
    fill(mirror, 'thing', 1);
    await mirror.accept(mirror.account.log.at(-1) ?? { body: '' });
    const { store } = mirror.engine;
    const [late] = await store.claimInbox(10, 60, { app_key: mirror.key });
    await mirror.expireLeases();
    const [owner] = await store.claimInbox(10, 60, { app_key: mirror.key });
    expect(owner?.lease_token).not.toBe(late?.lease_token);
    const settle = (token: number) =>
      store.ingestEvents(mirror.key, token, [], [{ id: owner?.id ?? 0, state: 'processed', reason: null }], {
        source: 'event',
        origin: 'webhook',
        priority: 0,
        purge: false,
      });
    await expect(settle(late?.lease_token ?? 0)).rejects.toMatchObject({ code: 'lease_lost' });
    await settle(owner?.lease_token ?? 0);
    await expect(settle(owner?.lease_token ?? 0)).rejects.toMatchObject({ code: 'lease_lost' });
  });

  it('A18 a run whose worker died after its last task and before its end is ended by the next worker', async () => {
    const dying = (database: Database): Database => ({
      ...database,
      call: (name, args) => (name === 'advance_run' ? Promise.reject(new Error('killed')) : database.call(name, args)),
    });
    const mirror = open({ resources: ['tag'] });
    fill(mirror, 'tag', 3);
    mirror.restart(dying);
    const { runId } = await mirror.engine.startRun(mirror.key, 'full');
    await mirror.engine.work({ slots: 1, filter: { app_key: mirror.key } }).catch(() => {});
    expect(await mirror.engine.getRun(runId)).toMatchObject({ state: 'running', open_tasks: 0 });
    mirror.restart((database) => database);
    await mirror.engine.work({ filter: { app_key: mirror.key }, once: true });
    expect(await mirror.engine.getRun(runId)).toMatchObject({ state: 'completed' });
    await expectNothingOpen(mirror);
  });

  it('A18 a task that takes its worker with it, time after time, fails in the end', async () => {
    const mirror = open({ resources: ['tag'] });
    const { runId } = await mirror.engine.startRun(mirror.key, 'full');
    const { store } = mirror.engine;
    let claims = 0;
    while ((await store.claimTasks(1, 60, { app_key: mirror.key })).length > 0 && claims < 20) {
      claims += 1;
      await mirror.expireLeases();
    }
    expect(claims).toBe(8);
    await mirror.engine.work({ filter: { app_key: mirror.key }, once: true });
    expect(await mirror.engine.getRun(runId)).toMatchObject({
      state: 'failed',
      error: expect.stringContaining('its worker died'),
    });
  });

  it('a second wish for the same thing joins the run that is on its way; another wish does not', async () => {
    const mirror = open();
    const start = async (...args: Parameters<typeof mirror.engine.startRun>) => await mirror.engine.startRun(...args);
    const [first, second] = await Promise.all([start(mirror.key, 'full'), start(mirror.key, 'full')]);
    expect(second.runId).toBe(first.runId);
    expect([first.resumed, second.resumed].sort()).toEqual([false, true]);
    expect((await start(mirror.key, 'full', { limit: 1 })).runId).not.toBe(first.runId);
    expect((await start(mirror.key, 'incremental')).runId).not.toBe(first.runId);
  });

  it('a cancelled run writes no more and moves no watermark; the next one is new', async () => {
    const mirror = open({ settings: { readAhead: false } });
    fill(mirror, 'thing', 9);
    const { engine } = mirror;
    const { runId } = await engine.startRun(mirror.key, 'full');
    mirror.api.afterAnswer = async ({ query }) => {
      if (query.has('after')) await engine.store.cancelRun(runId, 'enough');
    };
    await engine.work({ slots: 1, filter: { run_id: runId } });
    mirror.api.afterAnswer = () => {};
    expect(await engine.getRun(runId)).toMatchObject({ state: 'cancelled', error: 'enough', open_tasks: 0 });
    expect((await mirror.rows('thing')).length).toBe(4);
    expect(await mirror.watermark('thing')).toBeNull();
    expect((await mirror.full()).id).not.toBe(runId);
    await mirror.expectTruth();
  });

  it('A18 a reader that is further than a database which fell and forgot its pages goes on where the database stands', async () => {
    const mirror = open({ settings: { readAhead: false } });
    fill(mirror, 'thing', 9);
    let forgot = false;
    mirror.api.afterAnswer = async ({ path, query }) => {
      if (path !== '/things' || !query.has('after') || forgot) return;
      forgot = true;
      for (const table of ['entities', 'changes'])
        await mirror.query(`delete from supasaasy.${table} where app_key = $1 and collection_key = 'acme_thing'`, [
          mirror.key,
        ]);
      await mirror.query(
        `with task as (
           update supasaasy.tasks set cursor = null, cursor_created = null, first_created = null, pages = 0, records = 0, created = 0, requests = 0
           where app_key = $1 and resource = 'thing' and kind = 'list' returning pass_id
         ) delete from supasaasy.pass_pages where pass_id in (select pass_id from task)`,
        [mirror.key],
      );
    };
    expect(await mirror.full()).toMatchObject({ resources: { thing: { created: 9, deleted: 0 } } });
    expect(forgot).toBe(true);
    await mirror.expectTruth();
  });

  it('a worker stops between pages when its time is up, and the next one goes on there', async () => {
    let clock = 0;
    const mirror = open({ ports: { monotonic: () => clock } });
    fill(mirror, 'thing', 14);
    mirror.api.afterAnswer = () => {
      clock += 10;
    };
    const { runId } = await mirror.engine.startRun(mirror.key, 'full');
    for (const pages of [1, 2, 3, 4]) {
      await mirror.engine.work({ slots: 1, once: true, filter: { app_key: mirror.key }, deadline: clock + 5 });
      expect(pagesAsked(mirror, '/things?')).toBe(pages);
    }
    await mirror.engine.work({ slots: 1, once: true, filter: { app_key: mirror.key }, deadline: clock + 5 });
    expect(await mirror.engine.getRun(runId)).toMatchObject({ state: 'completed' });
    await mirror.expectTruth();
  });

  it('an aborted worker gives its tasks back at once, and they cost no attempt', async () => {
    const mirror = open();
    fill(mirror, 'thing', 9);
    const controller = new AbortController();
    mirror.api.meddle = ({ nth }) => {
      if (nth === 2) controller.abort();
      return undefined;
    };
    const { runId } = await mirror.engine.startRun(mirror.key, 'full');
    await mirror.engine.work({ slots: 1, filter: { run_id: runId }, signal: controller.signal });
    const tasks = await mirror.query(`select state, attempts, lease_until from supasaasy.tasks where run_id = $1`, [
      runId,
    ]);
    expect(tasks).toEqual([{ state: 'ready', attempts: 0, lease_until: null }]);
    await mirror.full();
    await mirror.expectTruth();
  });

  it('A25 a failed task waits longer each time and is reported after its last attempt', async () => {
    const mirror = open({ settings: { retryBaseMs: 60_000, maxAttempts: 8 }, ports: { random: () => 1 } });
    mirror.api.meddle = () => json({}, 500);
    const { runId } = await mirror.engine.startRun(mirror.key, 'full');
    const waits: number[] = [];
    for (let i = 0; i < 3; i++) {
      await mirror.engine.work({ once: true, filter: { app_key: mirror.key } });
      const [task] = await mirror.query<{ wait: string }>(
        `update supasaasy.tasks t set not_before = clock_timestamp() from supasaasy.tasks o
         where t.run_id = $1 and o.id = t.id returning extract(epoch from o.not_before - clock_timestamp()) as wait`,
        [runId],
      );
      waits.push(Math.round(Number(task?.wait)));
    }
    expect(waits).toEqual([60, 60, 60]);
    await mirror.engine.store.cancelRun(runId, 'the test is over');
  });

  it('an object asked for again while its answer was under way is read once more', async () => {
    const mirror = open();
    const [id = ''] = fill(mirror, 'thing', 1);
    await mirror.full();
    const touched = () => mirror.account.announce('thing.touched', { id });
    const first = touched();
    let asked = 0;
    mirror.api.afterAnswer = async ({ path }) => {
      if (path !== `/things/${id}` || ++asked > 1) return;
      mirror.account.update('thing', id, { n: 77 });
      await mirror.accept(touched());
      await mirror.engine.drain();
    };
    await mirror.deliver(first);
    expect(asked).toBe(2);
    await mirror.expectTruth();
  });

  it('what a webhook asks to read again waits for no long list', async () => {
    const mirror = open({ resources: ['thing'] });
    const [id = ''] = fill(mirror, 'thing', 9);
    await mirror.full();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    mirror.api.meddle = async ({ path, query }) => {
      if (path === '/things' && query.has('after')) await held;
      return undefined;
    };
    const { runId } = await mirror.engine.startRun(mirror.key, 'full');
    // Every slot holds a list.
    const backfill = mirror.engine.work({ slots: 1, filter: { app_key: mirror.key } });
    await expect.poll(() => mirror.api.requests.at(-1)).toContain('after=');
    mirror.account.tick(10);
    mirror.account.update('thing', id, { n: 'new' });
    await mirror.accept(mirror.account.announce('thing.touched', { id }));
    await mirror.engine.drain();
    const urgent = { app_key: mirror.key, urgent: true } as const;
    expect(await mirror.engine.work({ slots: 1, filter: urgent, once: true })).toEqual({ tasks: 1 });
    expect((await mirror.row('thing', id))?.raw_payload).toMatchObject({ n: 'new' });
    expect((await mirror.engine.getRun(runId))?.state).toBe('running');
    release();
    await backfill;
    expect((await mirror.engine.getRun(runId))?.state).toBe('completed');
    await expectNothingOpen(mirror);
  });

  it('the log of changes does not have read again what was read since', async () => {
    // As if the way to the database were long: the worker's idea of the database's clock is half a second late.
    const wrap = (database: Database): Database => ({
      ...database,
      call: async <T>(name: string, args: Record<string, unknown>) => {
        const answer = await database.call<T>(name, args);
        return name === 'clock' ? (new Date(new Date(String(answer)).getTime() - 500).toISOString() as T) : answer;
      },
    });
    const mirror = open({ resources: ['thing'], wrap });
    const [id = ''] = fill(mirror, 'thing', 2);
    await mirror.full();
    const retrieved = () => pagesAsked(mirror, `/things/${id}`);
    mirror.account.tick(10);
    mirror.account.update('thing', id, { n: 'first' });
    const told = mirror.account.announce('thing.touched', { id });
    mirror.account.tick(10);
    await mirror.deliver(told);
    expect(retrieved()).toBe(1);
    mirror.account.tick(10);
    await mirror.incremental();
    expect(retrieved()).toBe(1);
    // What happened after that is.
    mirror.account.update('thing', id, { n: 'second' });
    mirror.account.announce('thing.touched', { id });
    mirror.account.tick(10);
    await mirror.incremental();
    expect(retrieved()).toBe(2);
    await mirror.expectTruth();
  });

  it('a list of children asked for again while it was under way is read once more', async () => {
    const mirror = open();
    const part = (n: number, text = 0) => ({ id: `${mirror.key}_${n}`, text });
    const { id } = mirror.account.create('thing', { parts: Array.from({ length: 9 }, (_, i) => part(i)) });
    let pages = 0;
    mirror.api.afterAnswer = async ({ path }) => {
      if (!path.endsWith('/parts') || ++pages !== 2) return;
      mirror.account.tick(2);
      // One that the first page has shown, and that no event shows.
      mirror.account.update('thing', id, { parts: Array.from({ length: 9 }, (_, i) => part(i, i === 3 ? 1 : 0)) });
      await mirror.accept(mirror.account.log.at(-1) ?? { body: '' });
      await mirror.engine.drain();
    };
    await mirror.deliver(...mirror.account.log.slice(-1));
    await mirror.expectTruth();
    await expectNothingOpen(mirror);
  });

  it('a list per parent waits for its parents, and an idle worker does not spin meanwhile', async () => {
    const mirror = open({ resources: ['thing', 'card'] });
    fill(mirror, 'thing', 3);
    mirror.account.create('thing', { cards: [{ id: `${mirror.key}_c` }] });
    const { store } = mirror.engine;
    const { runId } = await mirror.engine.startRun(mirror.key, 'full');
    const [things] = (await store.claimTasks(1, 60, { run_id: runId })) ?? [];
    expect(things?.resource).toBe('thing');
    // The cards' list is refused and becomes one per thing; the things are still being read, by somebody else.
    await mirror.engine.work({ slots: 1, once: true, filter: { run_id: runId } });
    const wait = await store.nextTaskIn({ run_id: runId });
    expect(wait).toBeGreaterThan(1_000);
    await mirror.expireLeases();
    await mirror.engine.work({ filter: { run_id: runId } });
    expect(await mirror.engine.getRun(runId)).toMatchObject({ state: 'completed' });
    await mirror.expectTruth('thing', 'card');
  });
});

describeEachDatabase(
  'workers on several connections',
  (make) => {
    let db: TestDatabase;
    beforeAll(async () => {
      db = await make({ template: ACME_TEMPLATE, max: 20 });
    });

    it('A19 four workers and two overlapping runs never both own a task: each page is read once', async () => {
      const mirror = createMirror(db, { resources: ['thing', 'part', 'note', 'tag', 'label', 'card'] });
      for (let i = 0; i < 40; i++) {
        mirror.account.tick();
        for (const kind of ['thing', 'note', 'label'])
          mirror.account.create(kind, {
            parts: [{ id: `${mirror.key}_${i}` }],
            cards: [{ id: `${mirror.key}_c${i}` }],
          });
      }
      const databases = Array.from({ length: 4 }, () =>
        createPostgres({ connectionString: db.connectionString ?? '', max: 4 }),
      );
      const workers = databases.map((database) => {
        const other = createMirror(
          { ...db, database },
          { key: mirror.key, account: mirror.account, resources: mirror.config.apps[0]?.resources ?? [] },
        );
        Object.assign(other.api, { requests: mirror.api.requests });
        return other;
      });
      const runs = await Promise.all(
        (['full', 'incremental'] as const).map(async (mode) => await mirror.engine.startRun(mirror.key, mode)),
      );
      await Promise.all(
        workers.map(async (worker) => await worker.engine.work({ slots: 4, filter: { app_key: mirror.key } })),
      );
      for (const { runId } of runs) {
        const run = await mirror.engine.getRun(runId);
        expect(run).toMatchObject({ state: 'completed', error: null });
      }
      await mirror.expectTruth();
      await expectFeedToReplay(mirror);
      expect(await mirror.changes()).toHaveLength(200);
      await expectNothingOpen(mirror);
      await Promise.all(databases.map(async (database) => await database.close()));
    });

    it('A6 the same delivery ten times, on ten connections: one row, one change in the feed', async () => {
      const mirror = createMirror(db);
      mirror.account.create('thing', { parts: [{ id: `${mirror.key}_p` }] });
      const event = mirror.account.log.at(-1) ?? { body: '' };
      await Promise.all(
        Array.from({ length: 10 }, async () => {
          const other = createMirror(db, { key: mirror.key, account: mirror.account });
          await other.accept(event);
          await other.engine.drain();
        }),
      );
      await mirror.settle();
      expect(await mirror.changes()).toHaveLength(2);
      expect(await mirror.inbox()).toMatchObject([{ state: 'processed', deliveries: 10 }]);
    });

    it('A7 pages, events and answers that meet on ten connections end in the truth', async () => {
      const mirror = createMirror(db, { slots: 4 });
      const made = Array.from({ length: 20 }, (_, n) =>
        mirror.account.create('thing', { n, parts: [{ id: `${mirror.key}_${n}` }] }),
      );
      await mirror.full();
      for (let round = 1; round <= 5; round++) {
        if (round % 2 === 0) mirror.account.tick();
        for (const { id } of made)
          mirror.account.update('thing', id, { n: round, parts: [{ id: `${mirror.key}_${id}`, round }] });
        const events = mirror.account.log.slice(-20).reverse();
        const others = Array.from({ length: 3 }, () =>
          createMirror(db, { key: mirror.key, account: mirror.account, slots: 4 }),
        );
        await Promise.all([
          mirror.run('full'),
          ...others.map(async (other, i) => {
            for (const event of events.filter((_, n) => n % 3 === i)) await other.accept(event);
            await other.settle();
          }),
        ]);
      }
      await mirror.settle();
      await mirror.expectTruth();
      await expectFeedToReplay(mirror);
      await expectNothingOpen(mirror);
    });
  },
  { kinds: ['postgres'] },
);
