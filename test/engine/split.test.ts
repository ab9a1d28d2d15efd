import { beforeAll, expect, it } from 'vitest';
import { createStore, type Store } from '../../src/engine/store.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { fromNow, insertRow, readRows, type Values } from '../support/row-view.ts';

interface Range {
  readonly id: number;
  readonly from: number | null;
  readonly to: number | null;
}

describeEachDatabase('ranges that split', (make) => {
  let db: TestDatabase;
  let store: Store;
  let count = 0;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
    store = createStore(db.database);
  });

  /** A pass that one worker reads: it has read from second 1,000,000 down to `at`, at one page in 100 seconds. */
  async function reading(values: Values = {}) {
    const app = `split_${++count}`;
    const run = (await store.startRun(app, 'full', 'test', {}, [])).run_id;
    const pass = await insertRow(db, 'passes', {
      run_id: run,
      app_key: app,
      resource: 'thing',
      collection_key: 'acme_thing',
    });
    const common = {
      run_id: run,
      pass_id: pass,
      app_key: app,
      resource: 'thing',
      collection_key: 'acme_thing',
      kind: 'list',
      state: 'running',
      lease_until: fromNow(600),
    };
    const id = await insertRow(db, 'tasks', {
      ...common,
      input: { ranged: true, variant: 1, mark: { at: 1 } },
      cursor: 'c',
      cursor_created: 990_000,
      first_created: 1_000_000,
      page_span: 100,
      pages: 100,
      requests: 100,
      records: 10_000,
      range_from: 0,
      priority: 1,
      ...values,
    });
    return {
      app,
      run,
      id,
      pass,
      common,
      split: (want: number, filter: object = {}) => store.splitTasks({ run_id: run, ...filter }, want),
      tasks: () => readRows(db, 'tasks', 'run_id = $1 order by id', [run]),
      async ranges(): Promise<Range[]> {
        return (await readRows(db, 'tasks', 'run_id = $1 order by range_to desc nulls first', [run])).map((row) => ({
          id: Number(row['id']),
          from: row['range_from'] as number | null,
          to: row['range_to'] as number | null,
        }));
      },
    };
  }

  it.each([1, 2, 3, 7])('into %i more: each second belongs to exactly one of them', async (want) => {
    const pass = await reading();
    expect(await pass.split(want)).toBe(want);
    const ranges = await pass.ranges();
    expect(ranges).toHaveLength(want + 1);
    expect(ranges[0]).toMatchObject({ id: pass.id, to: null });
    for (const [n, range] of ranges.entries()) {
      const below = ranges[n + 1];
      // A range ends where the next one, which does not hold its upper bound, begins.
      if (below === undefined) expect(range.from).toBe(0);
      else expect(below.to).toBe(range.from);
      expect(range.from ?? 0).toBeLessThan(range.to ?? 990_000);
    }
    // Parts of about the same length.
    const lengths = ranges.map(({ from, to }) => (to ?? 990_000) - (from ?? 0));
    expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThan(1000);
    for (const task of (await pass.tasks()).slice(1))
      expect(task).toMatchObject({
        state: 'ready',
        pass_id: pass.pass,
        kind: 'list',
        resource: 'thing',
        collection_key: 'acme_thing',
        app_key: pass.app,
        priority: 1,
        pages: 0,
        input: { ranged: true, variant: 1 },
        cursor: null,
      });
    for (const task of (await pass.tasks()).slice(1)) expect(task['input']).toEqual({ ranged: true, variant: 1 });
  });

  it('keep an open end open, and mark the last of them', async () => {
    const pass = await reading({ range_from: null });
    const made = await pass.split(3);
    expect(made).toBeGreaterThan(0);
    const ranges = await pass.ranges();
    expect(ranges.at(-1)?.from).toBeNull();
    for (const [n, range] of ranges.slice(0, -1).entries()) expect(ranges[n + 1]?.to).toBe(range.from);
    const tasks = await pass.tasks();
    expect(
      tasks
        .filter((task) => (task['input'] as object) !== null && 'tail' in (task['input'] as object))
        .map(({ id }) => id),
    ).toEqual([ranges.at(-1)?.id]);
  });

  it('guess where nothing is known but the first page', async () => {
    const pass = await reading({
      range_from: null,
      pages: 1,
      requests: 1,
      records: 100,
      cursor_created: 999_900,
      input: { ranged: true },
    });
    expect(await pass.split(2)).toBe(2);
    const ranges = await pass.ranges();
    // 16 and 64 times as long as the first page.
    expect(ranges.map(({ from, to }) => [from, to])).toEqual([
      [998_300, null],
      [993_500, 998_300],
      [null, 993_500],
    ]);
    expect((await pass.tasks()).slice(1).map(({ input }) => input)).toEqual([
      { ranged: true, guess: true },
      { ranged: true, guess: true },
    ]);
  });

  it.each<[string, Values]>([
    ['is not ranged', { input: {} }],
    ['has shown no page', { pages: 0 }],
    ['is at its end', { cursor: null }],
    ['shows no time', { first_created: null }],
    ['is no list', { kind: 'fanout' }],
    ['waits', { state: 'ready' }],
    ['is short', { cursor_created: 1_100, first_created: 2_000, range_from: 1_000, pages: 9 }],
  ])('do not where the list %s', async (_, values) => {
    const pass = await reading(values);
    expect(await pass.split(3)).toBe(0);
    expect(await pass.tasks()).toHaveLength(1);
  });

  it('of the runs and apps that are named only', async () => {
    const [one, two] = [await reading(), await reading()];
    expect(await store.splitTasks({ apps: ['other'] }, 3)).toBe(0);
    expect(await one.split(2, { apps: [two.app] })).toBe(0);
    expect(await store.splitTasks({ apps: [one.app] }, 2)).toBe(2);
    expect(await two.tasks()).toHaveLength(1);
    expect(await one.split(0)).toBe(0);
  });

  it('the longest first', async () => {
    const pass = await reading({ range_from: 500_000 });
    const short = await insertRow(db, 'tasks', {
      ...pass.common,
      input: { ranged: true },
      cursor: 'd',
      cursor_created: 490_000,
      first_created: 500_000,
      page_span: 100,
      pages: 100,
      requests: 100,
      records: 10_000,
      range_from: 400_000,
      range_to: 500_000,
    });
    expect(await pass.split(3)).toBe(3);
    const ranges = await pass.ranges();
    expect(ranges.find(({ id }) => id === short)?.from).toBe(400_000);
    expect(ranges.filter(({ to }) => to === null || to > 500_000)).toHaveLength(4);
  });
});
