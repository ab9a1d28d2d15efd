import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createStore, type PageContext, type Store, type Task } from '../../src/engine/store.ts';
import { toSqlSpec } from '../../src/kit/resource.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { ACME_TEMPLATE, acme } from '../support/acme-connector.ts';
import { fromNow, insertEntity, insertRow, readRows, type Values } from '../support/row-view.ts';

const specOf = (name: string) => {
  const resource = acme.resources[name];
  if (resource === undefined) throw new Error(`no ${name}`);
  return toSqlSpec(resource, acme.resources, '1', new Set(['thing', 'note', 'tag', 'part']));
};
const LAST_ID = { style: 'last_id', more: ['has_more'] };
const VERSION = Date.UTC(2026, 2, 1);

describeEachDatabase('a page', (make) => {
  let db: TestDatabase;
  let store: Store;
  let app = '';
  let count = 0;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
    store = createStore(db.database);
  });
  beforeEach(() => {
    count += 1;
    app = `pages_${count}`;
  });

  async function held(values: Values = {}): Promise<Task> {
    const id = await insertRow(db, 'tasks', {
      app_key: app,
      resource: 'thing',
      collection_key: 'acme_thing',
      kind: 'list',
      ...values,
    });
    const task = (await store.claimTasks(10, 60, { app_key: app })).find((one) => one.id === id);
    if (task === undefined) throw new Error('it could not be claimed');
    return task;
  }
  const read = async (id: number): Promise<Values> =>
    (await readRows(db, 'tasks', 'id = $1', [id]))[0] ?? { gone: true };
  const records = (...pairs: readonly (readonly [string, number])[]) => pairs.map(([id, created]) => ({ id, created }));
  const ingest = (
    task: Task,
    data: unknown,
    page: Partial<PageContext> & { readonly more?: boolean; readonly next?: unknown } = {},
  ) => {
    const { more = false, ...context } = page;
    return store.ingestPage(task, JSON.stringify({ data, has_more: more }), {
      spec: specOf('thing'),
      started_at: new Date(Date.now() - 1000).toISOString(),
      version: VERSION,
      version_until: VERSION + 999,
      next: LAST_ID,
      lease_seconds: 900,
      ...context,
    });
  };
  const ids = async () =>
    (await readRows(db, 'entities', 'app_key = $1 order by external_id', [app])).map(({ external_id }) => external_id);

  it('moves the checkpoint with its rows, and renews the lease of its task', async () => {
    const task = await held({ attempts: 2, error: 'older', requests: 3 });
    const result = await ingest(task, records(['b', 2000], ['a', 1000]), { more: true, requests: 2 });
    expect(result).toMatchObject({
      created: 2,
      records: 2,
      cursor: 'a',
      cursor_created: 1000,
      done: false,
      range_from: null,
      children: { part: { created: 0 } },
    });
    expect(await read(task.id)).toMatchObject({
      state: 'running',
      cursor: 'a',
      cursor_created: 1000,
      first_created: 2000,
      lease_until: '+900 s',
      lease_token: task.lease_token,
      pages: 1,
      requests: 5,
      records: 2,
      created: 2,
      unchanged: 0,
      attempts: 0,
      error: null,
      read_from: VERSION,
      read_until: VERSION + 999,
      finished_at: 'never',
    });
    expect(await ids()).toEqual(['a', 'b']);
    // The next one: unchanged ones are counted, the first second is kept.
    await ingest(task, records(['a', 1000], ['0', 500]), {
      version: VERSION + 5000,
      version_until: VERSION + 5999,
      lease_seconds: 300,
      cursor: 'a',
    });
    expect(await read(task.id)).toMatchObject({
      state: 'done',
      cursor: 'a',
      cursor_created: 500,
      first_created: 2000,
      lease_until: 'never',
      finished_at: 'now',
      pages: 2,
      requests: 6,
      records: 4,
      created: 3,
      unchanged: 1,
      read_from: VERSION,
      read_until: VERSION + 5999,
    });
  });

  it('of a task that another worker has writes nothing', async () => {
    const task = await held();
    await expect(ingest({ ...task, lease_token: task.lease_token + 1 }, records(['a', 1]))).rejects.toThrow(
      'no longer ours',
    );
    await db.query(`update supasaasy.tasks set state = 'done' where id = $1`, [task.id]);
    await expect(ingest(task, records(['a', 1]))).rejects.toThrow('no longer ours');
    expect(await ids()).toEqual([]);
  });

  it('that follows no checkpoint writes nothing, and says where to go on', async () => {
    const task = await held({ cursor: 'c', cursor_created: 7, range_from: 3 });
    expect(await ingest(task, records(['a', 1]), { cursor: 'other', more: true })).toMatchObject({
      records: 0,
      done: false,
      cursor: 'c',
      cursor_created: 7,
      range_from: 3,
    });
    expect([await ids(), (await read(task.id))['pages']]).toEqual([[], 0]);
  });

  it.each([
    { last: 1001, done: false },
    { last: 1000, done: false },
    { last: 999, done: true },
  ])('whose last record is of second $last ends a range from second 1000: $done', async ({ last, done }) => {
    const task = await held({ range_from: 1000, range_to: 3000 });
    const result = await ingest(task, records(['b', 2000], ['a', last]), { more: true });
    expect(result).toMatchObject({ done, range_from: 1000 });
    expect(await read(task.id)).toMatchObject({ state: done ? 'done' : 'running' });
  });

  it('ends a task when a limit was reached, and its pass is no witness then', async () => {
    const run = (await store.startRun(app, 'full', 'test', {}, [])).run_id;
    const pass = async (values: Values = {}) =>
      await insertRow(db, 'passes', {
        run_id: run,
        app_key: app,
        resource: 'thing',
        collection_key: 'acme_thing',
        ...values,
      });
    const passOf = async (id: number) => (await readRows(db, 'passes', 'id = $1', [id]))[0];
    const [stopped, ended] = [await pass(), await pass()];
    const one = await held({ run_id: run, pass_id: stopped });
    expect(await ingest(one, records(['a', 1]), { more: true, stop: true })).toMatchObject({ done: true });
    expect(await passOf(stopped)).toMatchObject({ sweepable: false, note: 'stopped at the limit that was asked for' });
    const two = await held({ run_id: run, pass_id: ended });
    expect(await ingest(two, records(['b', 1]), { stop: true })).toMatchObject({ done: true });
    expect(await passOf(ended)).toMatchObject({ sweepable: true, note: null });
    expect(
      (await readRows(db, 'pass_pages', 'pass_id in ($1, $2) order by pass_id', [stopped, ended])).map(
        ({ ids: named }) => named,
      ),
    ).toEqual([['a'], ['b']]);
  });

  it('without a list where one should be is refused', async () => {
    const task = await held();
    for (const data of [undefined, null, { id: 'a' }, 'text'])
      await expect(ingest(task, data), String(data)).rejects.toThrow('the answer has no list at');
    for (const data of [undefined, { id: 'a' }])
      await expect(ingest(task, data, { careful: true })).rejects.toThrow('the answer has no list at');
    expect(await read(task.id)).toMatchObject({ state: 'running', pages: 0 });
  });

  it('is taken record by record where it was refused as a whole', async () => {
    const run = (await store.startRun(app, 'full', 'test', {}, [])).run_id;
    const pass = await insertRow(db, 'passes', {
      run_id: run,
      app_key: app,
      resource: 'thing',
      collection_key: 'acme_thing',
    });
    const task = await held({ run_id: run, pass_id: pass });
    const bad = { id: 'bad', created: 2, name: 'a\u0000b' };
    const data = [{ id: 'good', created: 3 }, bad, { created: 1 }];
    await expect(ingest(task, data, { more: true })).rejects.toThrow();
    const result = await ingest(task, data, { careful: true });
    expect(result).toMatchObject({ created: 1, errors: 2, records: 3, done: true });
    expect(await ids()).toEqual(['good']);
    const quarantine = await readRows(db, 'quarantine', 'app_key = $1 order by id', [app]);
    expect(quarantine).toMatchObject([
      {
        external_id: 'bad',
        collection_key: 'acme_thing',
        origin: 'sync',
        origin_id: run,
        attempts: 1,
        version: VERSION,
        resolved_at: 'never',
      },
      { external_id: null, reason: expect.stringContaining('has no id') },
    ]);
    expect(JSON.parse(String(quarantine[0]?.['raw']))).toEqual(bad);
    // A record that nobody can name: the pass says nothing about what is absent.
    expect(await readRows(db, 'passes', 'id = $1', [pass])).toMatchObject([
      { sweepable: false, note: 'a record without a readable id was quarantined' },
    ]);
    expect(await read(task.id)).toMatchObject({ errors: 2, created: 1 });
    const again = await held({ run_id: run, pass_id: pass });
    await ingest(again, [bad], { careful: true, version: VERSION + 1 });
    expect(await readRows(db, 'quarantine', `app_key = $1 and external_id = 'bad'`, [app])).toMatchObject([
      { attempts: 2, version: VERSION + 1, updated_at: 'now' },
    ]);
  });

  it('that leads in a circle is refused, whatever its length', async () => {
    for (const length of [1, 2, 3, 5]) {
      const task = await held();
      let pages = 0;
      const turn = async () => {
        for (; pages < 40; pages += 1)
          await ingest(task, records([`c${length}_${pages % length}`, 1000]), {
            more: true,
            ...(pages === 0 ? { from_start: true } : {}),
          });
      };
      await expect(turn(), `a circle of ${length}`).rejects.toThrow(length === 1 ? 'repeats' : 'leads in a circle');
      expect(pages).toBeLessThanOrEqual(4 * length);
    }
  });

  describe('leads to the next position', () => {
    const next = async (
      { style }: { readonly style: string },
      values: { cursor?: string | null; found?: string | null; more?: boolean; count?: number; last?: string | null },
    ) => {
      const { cursor = null, found = null, more = false, count: size = 1, last = 'z' } = values;
      const rule = {
        style,
        ...(style === 'last_id' ? { more: ['more'] } : style === 'none' ? {} : { path: ['next'] }),
      };
      const [row] = await db.query<{ next_cursor: string | null }>(
        'select next_cursor from supasaasy.next_position($1::jsonb, $2, $3::jsonb, null, $4::integer, $5, false, $4::bigint, null, false)',
        [JSON.stringify({ next: rule }), cursor, JSON.stringify({ more, next: found }), size, last],
      );
      return row?.next_cursor;
    };

    it.each<[string, Parameters<typeof next>[1], string | null]>([
      ['last_id', { more: true }, 'z'],
      ['last_id', { more: false }, null],
      ['last_id', { more: true, cursor: 'y', found: 'f' }, 'z'],
      ['scroll', { found: 'f' }, 'f'],
      ['scroll', { found: 'f', cursor: 'f' }, 'f'],
      ['scroll', { found: 'f', count: 0 }, null],
      ['page', { found: '2' }, '2'],
      ['page', { found: 'x', cursor: '7' }, '8'],
      ['page', { cursor: '7' }, null],
      ['page', { found: 'x', cursor: '7', count: 0 }, null],
      ['none', {}, null],
      ['path', { found: 'f' }, 'f'],
      ['path', { found: 'f', count: 0 }, 'f'],
      ['path', {}, null],
    ])('by %s: %o', async (style, values, expected) => {
      expect(await next({ style }, values)).toBe(expected);
    });

    it('never to where it was, nor behind an empty page or a nameless record', async () => {
      await expect(next({ style: 'last_id' }, { more: true, cursor: 'z' })).rejects.toThrow('the cursor "z" repeats');
      await expect(next({ style: 'path' }, { found: 'f', cursor: 'f' })).rejects.toThrow('repeats');
      await expect(next({ style: 'none' }, { more: true })).rejects.toThrow('more says that there is more');
      await expect(next({ style: 'last_id' }, { more: true, count: 0 })).rejects.toThrow('behind an empty page');
      await expect(next({ style: 'last_id' }, { more: true, last: null })).rejects.toThrow('has no id');
    });
  });

  describe('of one object', () => {
    const answer = (task: Task, body: unknown, page: Partial<PageContext> = {}) =>
      store.ingestRetrieved(task, body === null ? null : JSON.stringify(body), {
        spec: specOf('thing'),
        started_at: new Date().toISOString(),
        version: VERSION,
        version_until: VERSION + 999,
        ...page,
      });

    it('is the final word, and its task is over', async () => {
      await insertEntity(db, {
        app_key: app,
        collection_key: 'acme_thing',
        external_id: 'x',
        raw_payload: { id: 'x' },
        version: 5,
      });
      const run = (await store.startRun(app, 'full', 'test', {}, [])).run_id;
      const task = await held({ run_id: run, kind: 'retrieve', external_id: 'x', requests: 1 });
      await expect(answer({ ...task, lease_token: task.lease_token + 1 }, { id: 'x' })).rejects.toThrow(
        'no longer ours',
      );
      expect(await answer(task, { id: 'x', n: 1 })).toMatchObject({ updated: 1 });
      expect(await read(task.id)).toMatchObject({
        state: 'done',
        finished_at: 'now',
        lease_token: null,
        lease_until: 'never',
        requests: 2,
        records: 1,
        updated: 1,
        error: null,
      });
      const loose = await held({ kind: 'retrieve', external_id: 'x' });
      expect(await answer(loose, null)).toMatchObject({ deleted: 1 });
      expect(await read(loose.id)).toEqual({ gone: true });
      expect(await readRows(db, 'entities', 'app_key = $1', [app])).toMatchObject([
        { external_id: 'x', deleted_at: 'past' },
      ]);
      expect(
        (await readRows(db, 'changes', 'app_key = $1 order by seq', [app])).map(({ operation, origin }) => [
          operation,
          origin,
        ]),
      ).toEqual([
        ['update', 'sync'],
        ['delete', 'webhook'],
      ]);
    });

    it('is asked for once more where that was wished while it was read', async () => {
      const task = await held({ kind: 'retrieve', external_id: 'x' });
      await db.query(
        `update supasaasy.tasks set requested_at = clock_timestamp() + interval '1 minute' where id = $1`,
        [task.id],
      );
      await answer(task, { id: 'x' });
      expect(await read(task.id)).toMatchObject({
        state: 'ready',
        finished_at: 'never',
        lease_token: null,
        requests: 1,
        records: 1,
        created: 1,
      });
    });

    it('that is gone takes with it what belongs to it', async () => {
      await insertEntity(db, { app_key: app, collection_key: 'acme_thing', external_id: 'x' });
      for (const [id, parent] of [
        ['p1', 'x'],
        ['p2', 'y'],
      ])
        await insertEntity(db, { app_key: app, collection_key: 'acme_part', external_id: id, parent_id: parent });
      await answer(await held({ kind: 'retrieve', external_id: 'x' }), null);
      expect(
        (await readRows(db, 'entities', 'app_key = $1 order by external_id', [app])).map(
          ({ external_id, deleted_at }) => [external_id, deleted_at !== 'never'],
        ),
      ).toEqual([
        ['p1', true],
        ['p2', false],
        ['x', true],
      ]);
    });
  });

  describe('of the log of changes', () => {
    it('moves the checkpoint, and renews the lease', async () => {
      const task = await held({ kind: 'changes', resource: 'thing', requests: 1 });
      const page = (values: object) => ({
        groups: [],
        cursor: 'ev_2',
        version: VERSION,
        records: 3,
        requests: 1,
        purge: false,
        lease_seconds: 900,
        ...values,
      });
      await expect(store.ingestChanges({ ...task, lease_token: 0 }, '{}', page({}))).rejects.toThrow('no longer ours');
      expect(await store.ingestChanges(task, '{}', page({}))).toEqual({ counts: {}, done: false });
      expect(await read(task.id)).toMatchObject({
        state: 'running',
        cursor: 'ev_2',
        pages: 1,
        requests: 2,
        records: 3,
        lease_until: '+900 s',
        read_from: VERSION,
        finished_at: 'never',
      });
      expect(await store.ingestChanges(task, '{}', page({ cursor: null, version: VERSION + 5 }))).toEqual({
        counts: {},
        done: true,
      });
      expect(await read(task.id)).toMatchObject({
        state: 'done',
        cursor: 'ev_2',
        pages: 2,
        read_from: VERSION,
        finished_at: 'now',
      });
    });
  });

  it('asks again once for each object, and remembers that it was asked for again', async () => {
    const ask = (list: string[], context: object = {}) =>
      db.query('select supasaasy.ask_again($1, $2::jsonb, $3::jsonb, $4::jsonb)', [
        app,
        JSON.stringify(specOf('thing')),
        JSON.stringify(list),
        JSON.stringify(context),
      ]);
    await ask(['a', 'b'], { priority: 3 });
    await db.query(
      `update supasaasy.tasks set requested_at = clock_timestamp() - interval '1 hour' where app_key = $1`,
      [app],
    );
    await ask(['b', 'c']);
    expect(
      (await readRows(db, 'tasks', 'app_key = $1 order by external_id', [app])).map(
        ({ external_id, requested_at, kind, priority, resource }) => [
          external_id,
          requested_at,
          kind,
          priority,
          resource,
        ],
      ),
    ).toEqual([
      ['a', 'past', 'retrieve', 3, 'thing'],
      ['b', 'now', 'retrieve', 3, 'thing'],
      ['c', 'now', 'retrieve', 0, 'thing'],
    ]);
    await db.query(`update supasaasy.tasks set state = 'done' where app_key = $1`, [app]);
    await ask(['a']);
    expect(await readRows(db, 'tasks', `app_key = $1 and external_id = 'a'`, [app])).toHaveLength(2);
    await insertRow(db, 'tasks', {
      app_key: app,
      resource: 'thing',
      collection_key: 'acme_thing',
      kind: 'list',
      not_before: fromNow(9),
    });
  });
});
