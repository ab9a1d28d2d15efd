import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createStore, type Store, type Task } from '../../src/engine/store.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { fromNow, insertEntity, insertRow, readRows, type Values } from '../support/row-view.ts';

const RETRIEVABLE = { resource: 'thing', collection: 'acme_thing', retrievable: true };
const CHILD = { resource: 'card', collection: 'acme_card', retrievable: true };

describeEachDatabase('tasks', (make) => {
  let db: TestDatabase;
  let store: Store;
  /** Each test has an app of its own, and one beside it that nothing may touch. */
  let app = '';
  let count = 0;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
    store = createStore(db.database);
  });
  beforeEach(() => {
    count += 1;
    app = `tasks_${count}`;
  });

  const create = (values: Values = {}) =>
    insertRow(db, 'tasks', { app_key: app, resource: 'thing', collection_key: 'acme_thing', kind: 'list', ...values });
  const read = async (id: number): Promise<Values> =>
    (await readRows(db, 'tasks', 'id = $1', [id]))[0] ?? { gone: true };
  const others = async (id: number) => await readRows(db, 'tasks', 'app_key = $1 and id <> $2 order by id', [app, id]);
  const claim = (limit = 10, filter = {}, seconds = 300) =>
    store.claimTasks(limit, seconds, { app_key: app, ...filter });
  /** A task that this test holds. */
  async function held(values: Values = {}): Promise<Task> {
    const id = await create(values);
    const task = (await claim(100)).find((one) => one.id === id);
    if (task === undefined) throw new Error('it could not be claimed');
    return task;
  }
  const stolen = (task: Task): Task => ({ ...task, lease_token: task.lease_token + 1 });
  const startRun = async () =>
    (await store.startRun(app, 'full', 'test', { resources: [String(Math.random())] }, [])).run_id;

  describe('are claimed', () => {
    it('the most urgent first, then the oldest, as many as were asked for', async () => {
      const [late, first, second] = [
        await create({ priority: 3 }),
        await create({ priority: 1 }),
        await create({ priority: 1 }),
      ];
      expect((await claim(2)).map(({ id }) => id)).toEqual([first, second]);
      expect((await claim(2)).map(({ id }) => id)).toEqual([late]);
      expect(await claim(2)).toEqual([]);
    });

    it('with a lease and a token that fences all others', async () => {
      const id = await create();
      const [task] = await claim();
      expect(await read(id)).toMatchObject({
        state: 'running',
        lease_until: '+300 s',
        claimed_at: 'now',
        attempts: 0,
        error: null,
        errors: 0,
        finished_at: 'never',
        lease_token: task?.lease_token,
      });
      const [next] = [await held()];
      expect(next.lease_token).not.toBe(task?.lease_token);
    });

    it.each<[string, Values, boolean]>([
      ['ready', {}, true],
      ['ready since a while', { not_before: fromNow(-5) }, true],
      ['ready in a while', { not_before: fromNow(60) }, false],
      ['held by a worker', { state: 'running', lease_until: fromNow(60), not_before: fromNow(-60) }, false],
      ['held by a worker that is gone', { state: 'running', lease_until: fromNow(-1), not_before: fromNow(60) }, true],
      ['done', { state: 'done', lease_until: fromNow(-1) }, false],
      ['failed', { state: 'failed', lease_until: fromNow(-1) }, false],
    ])('when they are %s: %o', async (_, values, may) => {
      await create(values);
      expect(await claim()).toHaveLength(may ? 1 : 0);
    });

    it.each([
      { attempts: 0, after: { state: 'running', attempts: 1 } },
      { attempts: 6, after: { state: 'running', attempts: 7 } },
      {
        attempts: 7,
        after: {
          state: 'failed',
          attempts: 8,
          error: 'its worker died, time after time',
          errors: 1,
          finished_at: 'now',
        },
      },
    ])('from a worker that died, after $attempts others, as $after.state', async ({ attempts, after }) => {
      const id = await create({
        state: 'running',
        lease_until: fromNow(-1),
        attempts,
        error: 'older',
        finished_at: null,
      });
      const claimed = await claim();
      expect(claimed).toHaveLength(after.state === 'running' ? 1 : 0);
      expect(await read(id)).toMatchObject({ error: 'older', errors: 0, finished_at: 'never', ...after });
      // A task that failed by itself so often was never without its worker.
      const other = await create({ attempts: 9 });
      await claim();
      expect(await read(other)).toMatchObject({ state: 'running', attempts: 9, errors: 0 });
    });

    it('of the run, the app or the apps that were named, or of those that belong to no run', async () => {
      const run = await startRun();
      const [mine, loose] = [await create({ run_id: run }), await create()];
      const elsewhere = await create({ app_key: `${app}_b` });
      const ids = async (filter: object) => {
        const tasks = await store.claimTasks(100, 0.001, { apps: [app, `${app}_b`], ...filter });
        await db.query(`update supasaasy.tasks set state = 'ready', lease_until = null where app_key like $1`, [
          `${app}%`,
        ]);
        return tasks.map(({ id }) => id).sort((a, b) => a - b);
      };
      expect(await ids({})).toEqual([mine, loose, elsewhere]);
      expect(await ids({ run_id: run })).toEqual([mine]);
      expect(await ids({ urgent: true })).toEqual([loose, elsewhere]);
      expect(await ids({ app_key: app })).toEqual([mine, loose]);
      expect(await ids({ apps: [`${app}_b`] })).toEqual([elsewhere]);
      await store.pauseApp(app, 'because');
      expect(await ids({})).toEqual([elsewhere]);
      expect(await store.nextTaskIn({ app_key: app })).toBeNull();
      expect(await store.resumeApp(app)).toBe(true);
      expect(await store.resumeApp(app)).toBe(false);
      expect(await ids({})).toEqual([mine, loose, elsewhere]);
    });

    it('after the list that they wait for, and no other', async () => {
      const run = await startRun();
      const parents = await create({ run_id: run, kind: 'list' });
      const waiting = await create({
        run_id: run,
        resource: 'card',
        kind: 'fanout',
        priority: 0,
        input: { after: 'thing' },
      });
      expect((await claim(1)).map(({ id }) => id)).toEqual([parents]);
      expect(await claim()).toEqual([]);
      await db.query(`update supasaasy.tasks set state = 'failed' where id = $1`, [parents]);
      // Neither a list of another run, nor something else about it, nor another list.
      await create({ kind: 'list', not_before: fromNow(99) });
      await create({ run_id: run, kind: 'retrieve', external_id: 'x', not_before: fromNow(99) });
      await create({ run_id: run, resource: 'note', not_before: fromNow(99) });
      expect((await claim()).map(({ id }) => id)).toEqual([waiting]);
    });
  });

  it('say when the next of them is due', async () => {
    const wait = async (filter: object = { app_key: app }) =>
      Math.round(((await store.nextTaskIn(filter)) ?? Number.NaN) / 30_000);
    expect(await store.nextTaskIn({ app_key: app })).toBeNull();
    await create({ state: 'done', not_before: fromNow(-600) });
    expect(await store.nextTaskIn({ app_key: app })).toBeNull();
    const run = await startRun();
    await create({ run_id: run, not_before: fromNow(600), lease_until: fromNow(30) });
    expect(await wait()).toBe(20);
    await create({ state: 'running', not_before: fromNow(-60), lease_until: fromNow(300) });
    expect(await wait()).toBe(10);
    expect(await wait({ run_id: run })).toBe(20);
    expect(await wait({ apps: [app], urgent: true })).toBe(10);
    expect(await store.nextTaskIn({ apps: ['nothing'] })).toBeNull();
  });

  describe('are given back', () => {
    const give = (task: Task, how: 'retry' | 'wait' | 'fail', attempts = 3) =>
      store.releaseTask(task, how, 'the reason', 120_000, 2, attempts);
    it.each<['retry' | 'wait' | 'fail', number, Values]>([
      ['wait', 0, { state: 'ready', attempts: 0, errors: 0, finished_at: 'never' }],
      ['wait', 7, { state: 'ready', attempts: 7, errors: 0, finished_at: 'never' }],
      ['retry', 0, { state: 'ready', attempts: 1, errors: 0, finished_at: 'never' }],
      ['retry', 1, { state: 'ready', attempts: 2, errors: 0, finished_at: 'never' }],
      ['retry', 2, { state: 'failed', attempts: 3, errors: 1, finished_at: 'now' }],
      ['retry', 6, { state: 'failed', attempts: 7, errors: 1, finished_at: 'now' }],
      ['fail', 0, { state: 'failed', attempts: 1, errors: 1, finished_at: 'now' }],
    ])('to %s after %i attempts', async (how, attempts, after) => {
      const task = await held({ attempts, requests: 5 });
      expect(await give(task, how)).toBe(after['state']);
      expect(await read(task.id)).toMatchObject({
        ...after,
        error: 'the reason',
        requests: 7,
        not_before: '+120 s',
        lease_token: null,
        lease_until: 'never',
      });
    });

    it('with the reason that is known where there is no new one', async () => {
      const task = await held({ error: 'known' });
      await store.releaseTask(task, 'wait', null, 0, 0, 3);
      expect(await read(task.id)).toMatchObject({ error: 'known' });
    });

    it('by who holds them only', async () => {
      const task = await held();
      const before = await read(task.id);
      expect(await give(stolen(task), 'fail')).toBeNull();
      expect(await store.extendLease(stolen(task), 900)).toBe(false);
      expect(await read(task.id)).toEqual(before);
      const bystander = await held();
      expect(await store.extendLease(task, 900)).toBe(true);
      expect(await read(task.id)).toMatchObject({ lease_until: '+900 s' });
      expect(await read(bystander.id)).toMatchObject({ lease_until: '+300 s' });
      await give(task, 'fail');
      expect(await give(task, 'retry')).toBeNull();
      expect(await store.extendLease(task, 900)).toBe(false);
      expect(await read(bystander.id)).toMatchObject({ state: 'running' });
    });
  });

  describe('whose cursor is lost', () => {
    const lost = async (task: Task, hasRange = true) => ({
      may: await store.loseCursor(task, hasRange),
      ...(await read(task.id)),
    });

    it('go on at the second of the last record, the second itself included', async () => {
      const open = await held({ cursor: 'c', cursor_created: 1000, requests: 4, input: { mark: { at: 1 }, other: 1 } });
      expect(await lost(open)).toMatchObject({
        may: true,
        cursor: null,
        range_to: 1001,
        cursor_created: 1000,
        requests: 5,
        input: { other: 1, lost: { at: 1000, times: 1 } },
      });
      expect(await read(open.id)).not.toHaveProperty('input.mark');
    });

    it('never go on above their range, and read it anew where no record was seen or no range is known', async () => {
      expect(await lost(await held({ cursor: 'c', cursor_created: 1000, range_to: 900 }))).toMatchObject({
        range_to: 900,
      });
      expect(await lost(await held({ cursor: 'c', cursor_created: 1000, range_to: 2000 }))).toMatchObject({
        range_to: 1001,
      });
      expect(await lost(await held({ cursor: 'c', range_to: 2000 }))).toMatchObject({
        may: true,
        range_to: 2000,
        input: { lost: { at: null, times: 1 } },
      });
      expect(await lost(await held({ cursor: 'c', cursor_created: 1000, range_to: 2000 }), false)).toMatchObject({
        may: true,
        cursor: null,
        range_to: 2000,
        input: { lost: { at: null, times: 1 } },
      });
    });

    it('are given up after five times at one place', async () => {
      const task = await held({ cursor: 'c', cursor_created: 1000 });
      const outcomes = [];
      for (let times = 1; times <= 6; times += 1) outcomes.push((await lost(task)).may);
      expect(outcomes).toEqual([true, true, true, true, true, false]);
      expect(await read(task.id)).toMatchObject({ requests: 5, input: { lost: { at: 1000, times: 5 } } });
      // A step further is another place.
      await db.query('update supasaasy.tasks set cursor_created = 999 where id = $1', [task.id]);
      expect(await lost(task)).toMatchObject({ may: true, input: { lost: { at: 999, times: 1 } } });
    });

    it('are left alone by who does not hold them', async () => {
      const task = await held({ cursor: 'c', cursor_created: 1000 });
      const before = await read(task.id);
      expect(await lost(stolen(task))).toEqual({ may: false, ...before });
      await store.releaseTask(task, 'wait', null, 0, 0, 3);
      expect((await lost(task)).may).toBe(false);
    });
  });

  describe('of a list per parent', () => {
    const entity = (values: Values) => insertEntity(db, { app_key: app, collection_key: 'acme_thing', ...values });

    it('end when the provider knows no such parent; it is asked for, and so is what it has', async () => {
      await entity({ collection_key: 'acme_card', external_id: 'known', parent_id: 'p1' });
      await entity({ collection_key: 'acme_card', external_id: 'gone', parent_id: 'p1', deleted_at: fromNow(-1) });
      await entity({ collection_key: 'acme_card', external_id: 'of another', parent_id: 'p2' });
      await entity({ collection_key: 'acme_part', external_id: 'of another kind', parent_id: 'p1' });
      await entity({
        app_key: `${app}_b`,
        collection_key: 'acme_card',
        external_id: 'of another app',
        parent_id: 'p1',
      });
      const run = await startRun();
      const task = await held({
        run_id: run,
        kind: 'children',
        resource: 'card',
        collection_key: 'acme_card',
        external_id: 'p1',
        requests: 1,
        priority: 1,
      });
      expect(await store.loseParent(stolen(task), RETRIEVABLE, CHILD)).toBe(false);
      expect(await others(task.id)).toEqual([]);
      expect(await store.loseParent(task, RETRIEVABLE, CHILD)).toBe(true);
      expect(await read(task.id)).toMatchObject({
        state: 'done',
        finished_at: 'now',
        lease_token: null,
        lease_until: 'never',
        requests: 2,
      });
      expect(
        (await others(task.id)).map(({ resource, kind, external_id, run_id, priority }) => [
          resource,
          kind,
          external_id,
          run_id,
          priority,
        ]),
      ).toEqual([
        ['thing', 'retrieve', 'p1', run, 1],
        ['card', 'retrieve', 'known', run, 1],
      ]);
      expect(await store.loseParent(task, RETRIEVABLE, CHILD)).toBe(false);
    });

    it('leave nothing behind where they belong to no run, and ask nothing that nobody can answer', async () => {
      await entity({ collection_key: 'acme_card', external_id: 'known', parent_id: 'p1' });
      const task = await held({ kind: 'children', resource: 'card', collection_key: 'acme_card', external_id: 'p1' });
      expect(
        await store.loseParent(task, { ...RETRIEVABLE, retrievable: false }, { ...CHILD, retrievable: false }),
      ).toBe(true);
      expect(await readRows(db, 'tasks', 'app_key = $1', [app])).toEqual([]);
    });

    it('are made for the living parents, a batch at a time', async () => {
      for (const id of ['p1', 'p2', 'p3', 'p4', 'p5'])
        await entity({ external_id: id, ...(id === 'p3' ? { deleted_at: fromNow(-1) } : {}) });
      await entity({ collection_key: 'acme_note', external_id: 'p9' });
      await entity({ app_key: `${app}_b`, external_id: 'p8' });
      await entity({ collection_key: 'acme_card', external_id: 'orphan', parent_id: 'p3' });
      await entity({ collection_key: 'acme_card', external_id: 'sound', parent_id: 'p2' });
      await entity({ collection_key: 'acme_card', external_id: 'gone', parent_id: 'p3', deleted_at: fromNow(-1) });
      const run = await startRun();
      const task = await held({
        run_id: run,
        kind: 'fanout',
        resource: 'card',
        collection_key: 'acme_card',
        priority: 3,
        input: { created_from: 7, more: 1 },
      });
      const step = (who = task, spec = CHILD) => store.fanOut(who, 'acme_thing', spec, 3, 600);
      await expect(step(stolen(task))).rejects.toThrow('is no longer ours');
      expect(await step()).toEqual({ parents: 3, done: false });
      expect(await read(task.id)).toMatchObject({
        state: 'running',
        cursor: 'p4',
        lease_until: '+600 s',
        finished_at: 'never',
      });
      expect((await others(task.id)).map(({ external_id }) => external_id)).toEqual(['p1', 'p2', 'p4']);
      expect(await step()).toEqual({ parents: 1, done: true });
      expect(await read(task.id)).toMatchObject({ state: 'done', cursor: 'p5', finished_at: 'now' });
      const made = await others(task.id);
      expect(made.map(({ kind, external_id }) => [kind, external_id])).toEqual([
        ['children', 'p1'],
        ['children', 'p2'],
        ['children', 'p4'],
        ['children', 'p5'],
        ['retrieve', 'orphan'],
      ]);
      for (const one of made)
        expect(one).toMatchObject({
          run_id: run,
          resource: 'card',
          collection_key: 'acme_card',
          priority: 3,
          state: 'ready',
        });
      for (const one of made.slice(0, 4)) expect(one['input']).toEqual({ created_from: 7 });
      await expect(step()).rejects.toThrow('is no longer ours');
    });

    it('are none where there is no parent', async () => {
      const task = await held({ kind: 'fanout', resource: 'card', collection_key: 'acme_card' });
      expect(await store.fanOut(task, 'acme_thing', { ...CHILD, retrievable: false }, 3, 600)).toEqual({
        parents: 0,
        done: true,
      });
      expect(await others(task.id)).toEqual([]);
    });

    it('come instead of a list that the provider refuses', async () => {
      const run = await startRun();
      const pass = await insertRow(db, 'passes', {
        run_id: run,
        app_key: app,
        resource: 'card',
        collection_key: 'acme_card',
      });
      const bystander = await insertRow(db, 'passes', {
        run_id: run,
        app_key: app,
        resource: 'note',
        collection_key: 'acme_note',
      });
      const task = await held({
        run_id: run,
        pass_id: pass,
        resource: 'card',
        cursor: 'c',
        requests: 1,
        input: { variant: 1 },
      });
      expect(await store.becomeFanout(stolen(task), 'thing')).toBe(false);
      expect(await store.becomeFanout(task, 'thing')).toBe(true);
      expect(await read(task.id)).toMatchObject({
        kind: 'fanout',
        state: 'ready',
        cursor: null,
        requests: 2,
        lease_token: null,
        lease_until: 'never',
        input: { variant: 1, after: 'thing' },
      });
      // A minute for clocks that differ.
      const age = Date.now() - Number((await read(task.id))['read_from']);
      expect(age).toBeGreaterThan(40_000);
      expect(await readRows(db, 'passes', 'id = $1', [pass])).toMatchObject([
        { sweepable: false, note: 'read per thing: absent ones are found per thing' },
      ]);
      expect(await readRows(db, 'passes', 'id = $1', [bystander])).toMatchObject([{ sweepable: true, note: null }]);
      expect(await store.becomeFanout(task, 'thing')).toBe(false);
    });
  });

  describe('of a run', () => {
    const plan = [
      {
        resource: 'thing',
        collection: 'acme_thing',
        kind: 'list' as const,
        pass: true,
        window_from: 1_700_000_000,
        sweepable: false,
        note: 'a note',
        input: { variant: 1 },
        range_from: 10,
        range_to: 20,
        priority: 1,
      },
      { resource: 'thing', collection: 'acme_thing', kind: 'list' as const, pass: true, priority: 3 },
      { resource: 'note', collection: 'acme_note', kind: 'list' as const, pass: true, priority: 2 },
      { resource: 'tag', collection: 'acme_tag', kind: 'changes' as const, pass: false, priority: 2 },
    ];

    it('are planned in one call, those of one resource in one pass', async () => {
      const { run_id: run, resumed } = await store.startRun(app, 'full', 'cron', {}, plan);
      expect(resumed).toBe(false);
      const passes = await readRows(db, 'passes', 'run_id = $1 order by id', [run]);
      expect(passes).toMatchObject([
        {
          app_key: app,
          resource: 'thing',
          collection_key: 'acme_thing',
          sweepable: false,
          note: 'a note',
          state: 'reading',
          window_from: expect.stringContaining('2023-11-14'),
        },
        { app_key: app, resource: 'note', collection_key: 'acme_note', sweepable: true, note: null, window_from: null },
      ]);
      const [things, notes] = passes.map(({ id }) => id);
      expect(await readRows(db, 'tasks', 'run_id = $1 order by id', [run])).toMatchObject([
        {
          pass_id: things,
          resource: 'thing',
          kind: 'list',
          input: { variant: 1 },
          range_from: 10,
          range_to: 20,
          priority: 1,
          app_key: app,
        },
        { pass_id: things, resource: 'thing', kind: 'list', input: {}, range_from: null, range_to: null, priority: 3 },
        { pass_id: notes, resource: 'note', priority: 2 },
        { pass_id: null, resource: 'tag', collection_key: 'acme_tag', kind: 'changes' },
      ]);
      expect(await store.getRun(run)).toMatchObject({
        app_key: app,
        mode: 'full',
        trigger: 'cron',
        state: 'running',
        options: {},
        open_tasks: 4,
      });
    });

    it('are those of the run that is on its way, for the same wish', async () => {
      const first = await store.startRun(app, 'full', 'cron', { limit: 3 }, plan);
      expect(await store.startRun(app, 'full', 'cli', { limit: 3 }, plan)).toEqual({
        run_id: first.run_id,
        resumed: true,
      });
      for (const [key, mode, options] of [
        [app, 'incremental', { limit: 3 }],
        [app, 'full', { limit: 4 }],
        [`${app}_b`, 'full', { limit: 3 }],
      ] as const) {
        const other = await store.startRun(key, mode, 'cli', options, []);
        expect(other.resumed).toBe(false);
        expect(other.run_id).not.toBe(first.run_id);
      }
      expect((await store.getRun(first.run_id))?.open_tasks).toBe(4);
      await db.query(`update supasaasy.runs set state = 'completed' where id = $1`, [first.run_id]);
      expect((await store.startRun(app, 'full', 'cli', { limit: 3 }, [])).resumed).toBe(false);
    });

    it('are found idle when none of them is open', async () => {
      const [idle, busy, ended] = [await startRun(), await startRun(), await startRun()];
      await create({ run_id: idle, state: 'failed' });
      await create({ run_id: idle, state: 'done' });
      await create({ run_id: busy, state: 'running', lease_until: fromNow(60) });
      await db.query(`update supasaasy.runs set state = 'completed' where id = $1`, [ended]);
      expect(await store.idleRuns({ app_key: app })).toEqual([idle]);
      expect(await store.idleRuns({ apps: [app] })).toEqual([idle]);
      expect(await store.idleRuns({ apps: [app], run_id: busy })).toEqual([]);
      expect(await store.idleRuns({ apps: ['other'] })).toEqual([]);
      expect(await store.idleRuns({ run_id: idle })).toEqual([idle]);
      await db.query(`update supasaasy.tasks set state = 'ready' where run_id = $1`, [idle]);
      expect(await store.idleRuns({ app_key: app })).toEqual([]);
    });
  });
});
