import { beforeAll, expect, it } from 'vitest';
import { defineConfig } from '../../src/config.ts';
import { createApps } from '../../src/engine/app.ts';
import { defaultPorts } from '../../src/engine/ports.ts';
import { createStore } from '../../src/engine/store.ts';
import { createBudget } from '../../src/engine/sync/budget.ts';
import { createDatabaseClock } from '../../src/engine/sync/clock.ts';
import { RateLimitError } from '../../src/errors.ts';
import '../../connectors/stripe/index.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';

const WANTED = { path: '/v1/customers' };
const CLASS = 'GET /v1/customers';
const never = new AbortController().signal;

describeEachDatabase('the budget of a process', (make) => {
  let db: TestDatabase;
  let count = 0;
  beforeAll(async () => {
    db = await make({ template: 'engine' });
  });

  /** Processes over one database, with a clock that only the test moves. */
  function open(perSecond = 100) {
    const key = `budget_${++count}`;
    const [app] = createApps(
      defineConfig({
        apps: [
          {
            app_key: key,
            connector: 'stripe',
            config: { api_key_env: 'KEY', requests_per_second: perSecond, requests_per_second_per_endpoint: perSecond },
          },
        ],
      }),
      { KEY: 'sk_test_1' },
    ).values();
    if (app === undefined) throw new Error('no app');
    const clock = { now: 1_000_000 };
    const slept: number[] = [];
    const process = () => {
      const calls: string[] = [];
      const call: typeof db.database.call = (name, args) => {
        calls.push(name);
        return db.database.call(name, args);
      };
      const store = createStore({ ...db.database, call });
      const ports = defaultPorts({
        monotonic: () => clock.now,
        sleep: async (ms) => {
          slept.push(ms);
        },
      });
      return { budget: createBudget(store, ports), calls, store, ports };
    };
    const bucket = async (name = CLASS) => {
      const [row] = await db.query<{ rate: number; tokens: number }>(
        'select rate, tokens from supasaasy.rate_budgets where app_key = $1 and class = $2',
        [key, name],
      );
      return row;
    };
    const set = (values: string, name = CLASS) =>
      db.query(`update supasaasy.rate_budgets set ${values} where app_key = $1 and class = $2`, [key, name]);
    return { app, clock, slept, process, bucket, set };
  }

  it('takes a fifth of a bucket ahead, for each of the classes of a request, and asks again when that is spent', async () => {
    const { app, process } = open(100);
    const { budget, calls } = process();
    // A bucket of twenty: four at one time.
    for (let sent = 1; sent <= 4; sent += 1) expect(await budget.acquire(app, WANTED, 2, never)).toBe(true);
    expect(calls).toEqual(['take_tokens', 'take_tokens']);
    await budget.acquire(app, WANTED, 2, never);
    expect(calls).toHaveLength(4);
    // Another class of endpoints has its own, beside the common one.
    await budget.acquire(app, { path: '/v1/charges' }, 2, never);
    expect(calls).toHaveLength(5);
  });

  it('takes one at least, and twenty-five at most', async () => {
    const small = open(1);
    const one = small.process();
    await one.budget.acquire(small.app, WANTED, 0, never);
    expect((await small.bucket())?.tokens).toBeCloseTo(0, 1);
    const large = open(10_000);
    const many = large.process();
    for (let sent = 1; sent <= 25; sent += 1) await many.budget.acquire(large.app, WANTED, 0, never);
    expect(many.calls).toHaveLength(2);
    await many.budget.acquire(large.app, WANTED, 0, never);
    expect(many.calls).toHaveLength(4);
  });

  it('gives up what it took ahead after a second', async () => {
    const { app, process, clock } = open();
    const { budget, calls } = process();
    await budget.acquire(app, WANTED, 2, never);
    clock.now += 999;
    await budget.acquire(app, WANTED, 2, never);
    expect(calls).toHaveLength(2);
    clock.now += 1;
    await budget.acquire(app, WANTED, 2, never);
    expect(calls).toHaveLength(4);
  });

  it('asks once for all that wait', async () => {
    const { app, process } = open();
    const { budget, calls } = process();
    expect(await Promise.all([1, 2, 3, 4].map(() => budget.acquire(app, WANTED, 2, never)))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(calls).toHaveLength(2);
  });

  it('keeps the tokens of one priority from the others', async () => {
    const { app, process } = open();
    const { budget, calls } = process();
    await budget.acquire(app, WANTED, 0, never);
    await budget.acquire(app, WANTED, 3, never);
    expect(calls).toHaveLength(4);
  });

  it('asks for nothing once its signal has ended', async () => {
    const { app, process } = open();
    const { budget, calls } = process();
    expect(await budget.acquire(app, WANTED, 2, AbortSignal.abort())).toBe(false);
    expect(calls).toEqual([]);
  });

  it('sleeps as long as the bucket says, and sends a task back that would wait more than five seconds', async () => {
    const { app, process, slept, set } = open();
    const { budget } = process();
    await budget.acquire(app, WANTED, 0, never);
    await set(`tokens = -1.9, rate = 1, refilled_at = clock_timestamp()`);
    // Another process has none in its hand.
    const other = process();
    const waiting = other.budget.acquire(app, WANTED, 0, never);
    await expect.poll(() => slept.length).toBeGreaterThan(0);
    expect(slept[0]).toBeGreaterThan(1000);
    expect(slept[0]).toBeLessThanOrEqual(2900);
    await set('tokens = 20');
    expect(await waiting).toBe(true);
    await set(`tokens = 0, blocked_until = clock_timestamp() + interval '60 seconds'`);
    const late = await process()
      .budget.acquire(app, WANTED, 0, never)
      .catch((error: unknown) => error);
    expect(late).toBeInstanceOf(RateLimitError);
    expect((late as RateLimitError).retryAfterMs).toBeGreaterThan(30_000);
    // The failure of one is no failure of the next.
    await set(`tokens = 20, blocked_until = '-infinity'`);
    expect(await other.budget.acquire(app, WANTED, 0, never)).toBe(true);
  });

  it('"too many" stops what was taken ahead, here and in every other process, as long as the provider wants', async () => {
    const { app, process, bucket } = open();
    const [one, two] = [process(), process()];
    await one.budget.acquire(app, WANTED, 2, never);
    await one.budget.acquire(app, WANTED, 0, never);
    await one.budget.report(app, WANTED, true, 60_000);
    expect(await bucket()).toMatchObject({ rate: 70, tokens: 0 });
    expect(await bucket('all')).toMatchObject({ rate: 100 });
    for (const { budget } of [one, two])
      for (const priority of [0, 2])
        await expect(budget.acquire(app, WANTED, priority, never)).rejects.toThrow(RateLimitError);
    // Others than that endpoint go on.
    expect(await two.budget.acquire(app, { path: '/v1/charges' }, 2, never)).toBe(true);
  });

  it('"too many" without a time lowers the rate all the same', async () => {
    const { app, process, bucket } = open();
    const { budget } = process();
    await budget.acquire(app, WANTED, 2, never);
    await budget.report(app, WANTED, true);
    await budget.report(app, WANTED, true);
    expect((await bucket())?.rate).toBeCloseTo(49, 9);
  });

  it('raises the rate a step after fifty fine answers in a row, up to what the connector allows', async () => {
    const { app, process, bucket } = open();
    const { budget, calls: made } = process();
    await budget.acquire(app, WANTED, 2, never);
    await budget.report(app, WANTED, true);
    // The rate that it knows is the one that the last tokens came with.
    await db.query(`update supasaasy.rate_budgets set tokens = 20, blocked_until = '-infinity' where app_key = $1`, [
      app.key,
    ]);
    await budget.acquire(app, WANTED, 2, never);
    for (let fine = 1; fine <= 49; fine += 1) await budget.report(app, WANTED, false);
    expect((await bucket())?.rate).toBe(70);
    await budget.report(app, WANTED, true);
    for (let fine = 1; fine <= 49; fine += 1) await budget.report(app, WANTED, false);
    expect((await bucket())?.rate).toBeCloseTo(49, 9);
    await budget.report(app, WANTED, false);
    expect((await bucket())?.rate).toBeCloseTo(51, 9);
    const before = made.length;
    await db.query(
      "update supasaasy.rate_budgets set rate = 100, tokens = 20, blocked_until = '-infinity' where app_key = $1",
      [app.key],
    );
    await budget.acquire(app, WANTED, 0, never);
    for (let fine = 1; fine <= 60; fine += 1) await budget.report(app, WANTED, false);
    // At the top there is nothing to learn.
    expect(made.slice(before).filter((name) => name === 'learn_rate')).toEqual([]);
  });

  it('knows how much of the busiest bucket it uses', async () => {
    const { app, process, clock } = open(10);
    const { budget } = process();
    expect(budget.use(app.key)).toBe(0);
    await budget.acquire(app, WANTED, 0, never);
    expect(budget.use(app.key)).toBeCloseTo(0.1, 9);
    await budget.acquire(app, WANTED, 0, never);
    expect(budget.use(app.key)).toBeCloseTo(0.2, 9);
    clock.now += 4000;
    expect(budget.use(app.key)).toBeCloseTo(0.05, 9);
    expect(budget.use(app.key.slice(0, -1))).toBe(0);
    clock.now += 1000;
    expect(budget.use(app.key)).toBe(0);
  });

  it('never uses more than all', async () => {
    const { app, process, set } = open(10);
    const { budget } = process();
    for (let sent = 1; sent <= 15; sent += 1) {
      await budget.acquire(app, WANTED, 0, never);
      await set('tokens = 2');
      await set('tokens = 2', 'all');
    }
    expect(budget.use(app.key)).toBe(1);
  });

  it('reads the clock of the database every half minute, and takes it for no later than it was', async () => {
    const { process, clock } = open();
    const { store, ports, calls } = process();
    const database = createDatabaseClock(store, ports);
    const before = Date.now();
    await database.calibrate();
    const heardAt = clock.now;
    const heard = Date.parse(database.notLaterThan(heardAt));
    expect(Math.abs(heard - before)).toBeLessThan(60_000);
    expect(Date.parse(database.notLaterThan(heardAt + 1500.7))).toBe(heard + 1500);
    expect(Date.parse(database.notLaterThan(heardAt - 20))).toBe(heard - 20);
    clock.now += 29_999;
    await database.calibrate();
    expect(calls).toEqual(['clock']);
    clock.now += 1;
    await database.calibrate();
    expect(calls).toEqual(['clock', 'clock']);
    const again = Date.parse(database.notLaterThan(clock.now));
    expect(again - heard).toBeLessThan(29_000);
  });
});
