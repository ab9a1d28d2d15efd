import { beforeAll, expect, it } from 'vitest';
import { createStore, type Store } from '../../src/engine/store.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';

/** What the table says of one bucket. */
interface Bucket {
  readonly rate: number;
  readonly tokens: number;
  readonly ceiling: number;
  readonly burst: number;
  /** From now on; null where nothing is blocked. */
  readonly blocked_ms: number | null;
}

describeEachDatabase('a bucket of requests', (make) => {
  let db: TestDatabase;
  let store: Store;
  let apps = 0;
  beforeAll(async () => {
    db = await make({ template: 'engine' });
    store = createStore(db.database);
  });

  /** A bucket with these values, refilled just now. Beside it are two that differ in one part of the key. */
  async function bucket(
    values: Partial<{
      rate: number;
      tokens: number;
      ceiling: number;
      burst: number;
      age: number;
      blocked: number;
    }> = {},
  ) {
    const app = `bucket_${++apps}`;
    const { rate = 10, tokens = 20, ceiling = 10, burst = 20, age = 0, blocked } = values;
    for (const [key, name] of [
      [app, 'all'],
      [app, 'other'],
      [`${app}_other`, 'all'],
    ])
      await db.query(
        `insert into supasaasy.rate_budgets (app_key, class, rate, ceiling, burst, tokens, refilled_at, blocked_until)
         values ($1, $2, $3, $4, $5, $6, clock_timestamp() - make_interval(secs => $7), coalesce(clock_timestamp() + make_interval(secs => $8), '-infinity'))`,
        [key, name, rate, ceiling, burst, tokens, age, blocked ?? null],
      );
    return {
      app,
      take: (want: number, priority = 0, perSecond = ceiling, most = burst) =>
        store.takeTokens(app, 'all', want, priority, perSecond, most),
      async read(key = app, name = 'all'): Promise<Bucket> {
        const [row] = await db.query<Bucket>(
          `select rate, tokens, ceiling, burst, case when blocked_until > clock_timestamp() then
             extract(epoch from blocked_until - clock_timestamp())::float8 * 1000 end as blocked_ms
           from supasaasy.rate_budgets where app_key = $1 and class = $2`,
          [key, name],
        );
        if (row === undefined) throw new Error(`no bucket ${key}/${name}`);
        return row;
      },
    };
  }

  it('is full at first, with the rate and the size of the connector', async () => {
    expect(await store.takeTokens('new', 'all', 3, 0, 0.001, 20)).toMatchObject({
      granted: 3,
      rate: 0.001,
      wait_ms: 0,
    });
    expect(await store.rateOf('new', 'all')).toBe(0.001);
    expect(await store.rateOf('new', 'other')).toBeNull();
    expect(await store.rateOf('other', 'all')).toBeNull();
    const { tokens } =
      (await db.query<Bucket>(`select tokens from supasaasy.rate_budgets where app_key = 'new'`))[0] ?? {};
    expect(tokens).toBeCloseTo(17, 1);
  });

  it.each([
    // tokens, priority, wanted, granted: what stays is the share of the more urgent.
    { tokens: 20, priority: 0, want: 30, granted: 20 },
    { tokens: 20, priority: -1, want: 30, granted: 20 },
    { tokens: 20, priority: 1, want: 30, granted: 18 },
    { tokens: 20, priority: 2, want: 30, granted: 16 },
    { tokens: 20, priority: 3, want: 30, granted: 10 },
    { tokens: 20, priority: 9, want: 30, granted: 10 },
    { tokens: 20, priority: 0, want: 4, granted: 4 },
    { tokens: 1.9, priority: 0, want: 4, granted: 1 },
    { tokens: 0.5, priority: 0, want: 4, granted: 0 },
    { tokens: -3, priority: 0, want: 4, granted: 0 },
  ])(
    'grants $granted of $want to priority $priority where $tokens lie in it',
    async ({ tokens, priority, want, granted }) => {
      const one = await bucket({ tokens, rate: 0.001, ceiling: 0.001 });
      expect((await one.take(want, priority)).granted).toBe(granted);
      expect((await one.read()).tokens).toBeCloseTo(tokens - granted, 1);
      expect((await one.read(one.app, 'other')).tokens).toBe(tokens);
      expect((await one.read(`${one.app}_other`)).tokens).toBe(tokens);
    },
  );

  it('serves every priority where it holds only one', async () => {
    for (const priority of [0, 1, 2, 3]) {
      const one = await bucket({ tokens: 1, burst: 1, rate: 0.001, ceiling: 0.001 });
      expect((await one.take(1, priority)).granted, `priority ${priority}`).toBe(1);
    }
  });

  it('says how long it takes until one more than the share of the more urgent is there', async () => {
    const { take } = await bucket({ tokens: 0, rate: 0.01, ceiling: 0.01, burst: 20 });
    const waits = [];
    for (const priority of [0, 1, 2, 3]) waits.push(Math.round((await take(5, priority)).wait_ms / 1000));
    // (1 + 0, 2, 4 or 10 of 20) at one in 100 seconds; less what came in meanwhile.
    for (const [at, seconds] of [100, 300, 500, 1100].entries()) {
      expect(waits[at]).toBeLessThanOrEqual(seconds);
      expect(waits[at]).toBeGreaterThan(seconds - 100);
    }
  });

  it('fills with time at its rate, to its size, and a clock that jumps back takes nothing', async () => {
    const filling = await bucket({ tokens: 1, rate: 0.01, ceiling: 0.01, age: 1000 });
    expect((await filling.take(30)).granted).toBe(11);
    expect((await filling.take(30)).granted).toBe(0);
    const full = await bucket({ tokens: 1, rate: 5, ceiling: 5, age: 1000 });
    expect((await full.take(30)).granted).toBe(20);
    const ahead = await bucket({ tokens: 7, rate: 5, ceiling: 5, age: -1000 });
    expect((await ahead.take(30)).granted).toBe(7);
  });

  it('takes another ceiling or size over, and lowers what was learned to it', async () => {
    const lower = await bucket({ rate: 8, ceiling: 10 });
    await lower.take(0, 0, 4, 20);
    expect(await lower.read()).toMatchObject({ rate: 4, ceiling: 4, burst: 20 });
    const higher = await bucket({ rate: 8, ceiling: 10 });
    await higher.take(0, 0, 50, 20);
    expect(await higher.read()).toMatchObject({ rate: 8, ceiling: 50 });
    const smaller = await bucket({ rate: 8, ceiling: 10 });
    expect((await smaller.take(100, 0, 10, 5)).granted).toBe(5);
    expect(await smaller.read()).toMatchObject({ burst: 5, rate: 8 });
    expect(await smaller.read(smaller.app, 'other')).toMatchObject({ burst: 20 });
  });

  it.each([
    { limited: true, rate: 10, next: 7 },
    { limited: true, rate: 0.25, next: 0.2 },
    { limited: true, rate: 0.2, next: 0.2 },
    { limited: false, rate: 5, next: 5.2 },
    { limited: false, rate: 9.9, next: 10 },
    { limited: false, rate: 10, next: 10 },
  ])('has the rate $next after $rate when an answer was "too many": $limited', async ({ limited, rate, next }) => {
    const one = await bucket({ rate });
    await store.learnRate(one.app, 'all', limited, null);
    const after = await one.read();
    expect(after.rate).toBeCloseTo(next, 9);
    expect(after.tokens).toBe(limited ? 0 : 20);
    expect(after.blocked_ms).toBeNull();
    for (const other of [await one.read(one.app, 'other'), await one.read(`${one.app}_other`)])
      expect(other).toMatchObject({ rate, tokens: 20 });
  });

  it('is blocked for every worker until the moment that one of them was told, and never shorter', async () => {
    const one = await bucket();
    await store.learnRate(one.app, 'all', true, 120_000);
    // Another process: it knows only the table.
    const told = await createStore(db.database).takeTokens(one.app, 'all', 1, 0, 10, 20);
    expect(told.granted).toBe(0);
    expect(told.wait_ms).toBeGreaterThan(60_000);
    expect(told.wait_ms).toBeLessThanOrEqual(120_000);
    await store.learnRate(one.app, 'all', true, 1000);
    expect((await one.read()).blocked_ms).toBeGreaterThan(60_000);
    // Fine answers of requests that were under way do not open it.
    await store.learnRate(one.app, 'all', false, null);
    expect((await one.read()).blocked_ms).toBeGreaterThan(60_000);
    expect((await one.read(one.app, 'other')).blocked_ms).toBeNull();
  });

  it('takes a block of more than ten minutes for the word of a clock that jumped', async () => {
    const jumped = await bucket({ blocked: 700 });
    expect((await jumped.take(3)).granted).toBe(3);
    const long = await bucket({ blocked: 590 });
    expect((await long.take(3)).granted).toBe(0);
    const over = await bucket({ blocked: -5 });
    expect((await over.take(3)).granted).toBe(3);
  });
});
