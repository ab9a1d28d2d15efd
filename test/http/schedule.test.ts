import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { defineConfig } from '../../src/config.ts';
import { lastOccurrence, nextOccurrenceInMs, startDueRuns } from '../../src/engine/schedule.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { ENV, host } from './hosted.ts';

const at = (text: string) => Date.parse(text);

describe('occurrences', () => {
  it('are found at their very moment and not before', () => {
    expect(lastOccurrence('*/5 * * * *', at('2026-03-01T00:05:00Z'))?.toISOString()).toBe('2026-03-01T00:05:00.000Z');
    expect(lastOccurrence('*/5 * * * *', at('2026-03-01T00:04:59.999Z'))?.toISOString()).toBe(
      '2026-03-01T00:00:00.000Z',
    );
    expect(lastOccurrence('0 0 30 2 *', at('2026-03-01T00:00:00Z'))).toBeNull();
  });

  it('are in UTC', () => {
    expect(lastOccurrence('0 3 * * *', at('2026-07-01T04:00:00Z'))?.toISOString()).toBe('2026-07-01T03:00:00.000Z');
  });

  it('tell how long to sleep until the next one', () => {
    const schedules = [
      { app_key: 'a', cron: '0 * * * *', mode: 'full' as const, enabled: true },
      { app_key: 'a', cron: '* * * * *', mode: 'full' as const, enabled: false },
    ];
    expect(nextOccurrenceInMs({ schedules }, at('2026-03-01T00:59:30Z'))).toBe(30_000);
    expect(nextOccurrenceInMs({ schedules: [] }, 0)).toBeNull();
  });
});

describeEachDatabase('schedules', (make) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await make({ template: 'both connectors' });
  });
  beforeEach(async () => {
    await database.query('truncate supasaasy.schedules, supasaasy.schedule_runs, supasaasy.runs cascade');
  });

  const apps = [
    { app_key: 'stripe_main', connector: 'stripe', config: { api_key_env: 'STRIPE_KEY' } },
    { app_key: 'keyless', connector: 'stripe', config: { api_key_env: 'NOWHERE' } },
  ];
  const everyMinute = { app_key: 'stripe_main', cron: '* * * * *', mode: 'full' as const };

  async function scheduled(database: TestDatabase, schedules: object[] = [everyMinute], declaredAgo = '1 hour') {
    const hosted = host(database.database, { config: defineConfig({ apps, schedules } as never), env: ENV });
    const started = await startDueRuns(hosted.engine);
    await database.query(`update supasaasy.schedules set declared_at = declared_at - $1::interval`, [declaredAgo]);
    return { ...hosted, started };
  }
  const age = (database: TestDatabase, by: string) =>
    database.query(`update supasaasy.schedule_runs set claimed_at = claimed_at - $1::interval`, [by]);

  it('do not make up for what was due before they were declared', async () => {
    const { started } = await scheduled(database, [{ ...everyMinute, cron: '0 0 1 1 *' }], '0');
    expect(started).toEqual([]);
    expect(await database.query('select from supasaasy.runs')).toEqual([]);
  });

  it('start an occurrence once, however many schedulers there are', async () => {
    const { engine } = await scheduled(database);
    const all = (await Promise.all(Array.from({ length: 8 }, () => startDueRuns(engine)))).flat();
    const due = await database.query('select from supasaasy.schedule_runs');
    expect(all.length).toBe(due.length);
    expect(await database.query('select distinct trigger from supasaasy.runs')).toEqual([{ trigger: 'schedule' }]);
  });

  it('A16: a run that failed is started again after a pause, not at the next interval', async () => {
    const { engine } = await scheduled(database, [{ ...everyMinute, cron: '0 0 1 1 *' }], '2 years');
    const [first] = await startDueRuns(engine);
    await database.query(
      `update supasaasy.runs set state = 'failed', finished_at = clock_timestamp() - interval '2 hours'`,
    );
    expect(await startDueRuns(engine)).toEqual([]);
    await age(database, '61 seconds');
    const [second] = await startDueRuns(engine);
    expect(second).toMatchObject({ attempt: 2 });
    expect(second?.runId).not.toBe(first?.runId);
    await database.query(`update supasaasy.runs set state = 'completed'`);
    await age(database, '1 day');
    expect(await startDueRuns(engine)).toEqual([]);
  });

  it('are taken over from a scheduler that died between its claim and the run', async () => {
    const { engine } = await scheduled(database, [{ ...everyMinute, cron: '0 0 1 1 *' }], '2 years');
    const due = lastOccurrence('0 0 1 1 *', Date.now())?.toISOString() ?? '';
    expect(await engine.store.claimOccurrence('stripe_main', 'full 0 0 1 1 *', due)).toBe(1);
    expect(await startDueRuns(engine)).toEqual([]);
    await age(database, '2 minutes');
    expect(await startDueRuns(engine)).toMatchObject([{ attempt: 2 }]);
  });

  it('of one app without a key stop no other app, and say why', async () => {
    const { engine, logged } = await scheduled(database, [{ ...everyMinute, app_key: 'keyless' }, everyMinute]);
    expect(await startDueRuns(engine)).toMatchObject([{ appKey: 'stripe_main' }]);
    expect(logged.join('\n')).toContain('NOWHERE');
    // The occurrence stays for a process that has the key (C11).
    expect(await database.query(`select error from supasaasy.schedule_runs where app_key = 'keyless'`)).toEqual([]);
  });

  it('that are disabled or removed start nothing', async () => {
    await scheduled(database);
    const { engine } = await scheduled(database, [{ ...everyMinute, enabled: false }]);
    expect(await startDueRuns(engine)).toEqual([]);
    await engine.store.declareSchedules([]);
    expect(await database.query('select from supasaasy.schedules')).toEqual([]);
  });
});
