import { beforeAll, beforeEach, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { createEngine, type Engine } from '../../src/engine/engine.ts';
import { BEAT_EVERY_MS, beat, keepBeating, whileBeating } from '../../src/engine/fleet/heartbeat.ts';
import { readFleet } from '../../src/engine/fleet/report.ts';
import { createHttp } from '../../src/engine/http/create-http.ts';
import { startDueRuns } from '../../src/engine/schedule.ts';
import { workSlice } from '../../src/engine/slice.ts';
import { readStatus } from '../../src/engine/status.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { createAcmeAccount } from '../support/acme-account.ts';
import { ACME_KEY, createAcmeApi } from '../support/acme-api.ts';
import { ACME_TEMPLATE, acme } from '../support/acme-connector.ts';

const ADMIN = 'admin-key';

describeEachDatabase('C12: the fleet', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });
  beforeEach(async () => {
    await db.query(
      'truncate supasaasy.deployments, supasaasy.apps, supasaasy.schedules, supasaasy.schedule_runs, supasaasy.runs, supasaasy.tasks, supasaasy.inbox, supasaasy.processes cascade',
    );
  });

  const config = parseConfig({
    apps: [
      { app_key: 'shop', connector: acme.metadata.name, config: { api_key_env: 'KEY', sync_resources: ['thing'] } },
      { app_key: 'books', connector: acme.metadata.name, config: { api_key_env: 'BOOKS_KEY' } },
    ],
    schedules: [{ app_key: 'shop', cron: '*/5 * * * *' }],
  });
  function open(env: Record<string, string> = { KEY: ACME_KEY }, pid = 1) {
    const account = createAcmeAccount();
    let clock = 0;
    const engine = createEngine({
      config,
      database: db.database,
      env,
      process: { host: 'host-a', pid },
      ports: { fetch: createAcmeApi(account).fetch, now: account.now, monotonic: () => clock },
    });
    return { engine, pass: (ms: number) => (clock += ms) };
  }
  const codes = async (engine: Engine) => (await readFleet(engine)).problems.map(({ code }) => code);
  /** Half an hour goes by without anyone who works. */
  async function nobodyFor(interval = '32 minutes') {
    await db.query(
      `update supasaasy.tasks set not_before = not_before - $1::interval, created_at = created_at - $1::interval`,
      [interval],
    );
    await db.query('update supasaasy.inbox set not_before = not_before - $1::interval', [interval]);
    await db.query(`update supasaasy.schedules set declared_at = declared_at - $1::interval`, [interval]);
    await db.query('update supasaasy.schedule_runs set due_at = due_at - $1::interval', [interval]);
    await db.query('update supasaasy.processes set beat_at = beat_at - $1::interval', [interval]);
  }

  it('tells of work that waits, a schedule that is overdue and a late inbox, when no process is alive', async () => {
    const { engine } = open();
    await engine.declare();
    await beat(engine, 'serve');
    await engine.startRun('shop', 'full');
    await db.query(
      `insert into supasaasy.inbox (app_key, event_id, event_type, body) values ('shop', 'e1', 'thing.updated', '{}')`,
    );
    expect(await codes(engine)).toEqual([]);
    await nobodyFor();

    const { problems } = await readFleet(engine);
    expect(problems).toMatchObject([
      {
        code: 'no_worker',
        app_key: 'shop',
        message: expect.stringMatching(
          /shop: 1 tasks have waited for 32 min.*serve on host-a, process 1.*32 min \d+ s ago/,
        ),
      },
      { code: 'inbox_late', app_key: 'shop', message: expect.stringMatching(/1 webhook deliveries wait.*32 min/) },
      {
        code: 'schedule_overdue',
        app_key: 'shop',
        message: expect.stringMatching(/"\*\/5 \* \* \* \*" \(incremental\) was missed [67] times/),
      },
    ]);
    for (const { remedy } of problems) expect(remedy).toContain('supasaasy serve');
    const status = await readStatus(engine, true);
    expect(status).toMatchObject({ status: 'attention', processes: [{ kind: 'serve', alive: false, host: 'host-a' }] });

    const http = createHttp(engine, { adminKeys: () => [ADMIN] });
    const plain = await http.request('/health');
    expect([plain.status, await plain.json()]).toEqual([200, { status: 'degraded', database: 'ok', problems: 3 }]);
    expect((await http.request('/health?strict=true')).status).toBe(503);
    const told = await http.request('/health', { headers: { authorization: `Bearer ${ADMIN}` } });
    expect(await told.json()).toMatchObject({ problems: [{ code: 'no_worker' }, {}, {}] });
    const page = await http.request('/status', { headers: { authorization: `Bearer ${ADMIN}` } });
    expect(await page.json()).toMatchObject({ status: 'attention', problems: [{}, {}, {}], processes: [{}] });
  });

  it('is well again as soon as a process works', async () => {
    const { engine } = open();
    await engine.declare();
    await engine.startRun('shop', 'full');
    await nobodyFor();
    expect(await codes(engine)).toEqual(['no_worker', 'schedule_overdue']);
    await whileBeating(engine, 'worker', async () => {
      await expect.poll(() => codes(engine)).toEqual(['schedule_overdue']);
      await startDueRuns(engine);
      await engine.work();
      expect(await codes(engine)).toEqual([]);
    });
    expect(await readStatus(engine, false)).toMatchObject({ processes: [] });
    // Missed again, after it ran once.
    await nobodyFor();
    expect(await codes(engine)).toEqual(['schedule_overdue']);
  });

  it('counts a process for the apps that it has keys for, and says why the others have none', async () => {
    const { engine } = open({ KEY: ACME_KEY });
    await engine.declare();
    await db.query(
      `insert into supasaasy.tasks (app_key, resource, collection_key, kind, external_id) values ('books', 'thing', 'acme_thing', 'retrieve', 'x')`,
    );
    await nobodyFor();
    await db.query('truncate supasaasy.schedules');
    await beat(engine, 'worker');
    const { problems, fleet } = await readFleet(engine);
    expect(fleet.processes).toMatchObject([{ apps: ['shop'], unfit: { books: expect.stringContaining('BOOKS_KEY') } }]);
    expect(problems).toMatchObject([
      {
        code: 'no_worker',
        app_key: 'books',
        message: expect.stringMatching(/worker on host-a, process 1: books needs.*BOOKS_KEY/),
      },
    ]);
  });

  it('has no complaint about a paused app, one that no deployment has, or work that is due later', async () => {
    const { engine } = open();
    await engine.declare();
    await db.query('truncate supasaasy.schedules');
    await engine.startRun('shop', 'full');
    await nobodyFor();
    await engine.store.pauseApp('shop', 'by hand');
    expect(await codes(engine)).toEqual([]);
    await engine.store.resumeApp('shop');
    await db.query(`update supasaasy.tasks set not_before = clock_timestamp() + interval '1 hour'`);
    expect(await codes(engine)).toEqual([]);
    await db.query(`update supasaasy.tasks set not_before = clock_timestamp() - interval '1 hour'`);
    await db.query(`update supasaasy.apps set configured = false`);
    expect(await codes(engine)).toEqual([]);
  });

  it('writes one beat in 15 seconds however often it is called, and forgets the dead after a day', async () => {
    const { engine, pass } = open();
    const beats: unknown[] = [];
    const { beat: write } = engine.store;
    Object.assign(engine.store, {
      beat: async (one: Parameters<typeof write>[0]) => {
        beats.push(one);
        return await write(one);
      },
    });
    for (let second = 0; second <= 60; second += 1) {
      await beat(engine, 'serve');
      pass(1000);
    }
    expect(beats).toHaveLength(1 + Math.floor(60_000 / BEAT_EVERY_MS));
    await db.query(`update supasaasy.processes set beat_at = beat_at - interval '25 hours'`);
    const other = open({ KEY: ACME_KEY }, 2);
    await beat(other.engine, 'worker');
    expect(await db.query('select kind, pid from supasaasy.processes')).toEqual([{ kind: 'worker', pid: 2 }]);
  });

  it('goes on beating when the database was away, and is off the list when it ends', async () => {
    const { engine, pass } = open();
    const over = new AbortController();
    let fails = 1;
    const { beat: write } = engine.store;
    const seen: string[] = [];
    Object.assign(engine.store, {
      beat: async (one: Parameters<typeof write>[0]) => {
        if (fails-- > 0) throw new Error('away');
        seen.push(one.kind);
        await write(one);
        over.abort();
        return null;
      },
    });
    Object.assign(engine.ports, { sleep: async (ms: number) => void pass(ms) });
    await keepBeating(engine, 'worker', over.signal);
    expect(seen).toEqual(['worker']);
    expect(await db.query('select from supasaasy.processes')).toEqual([]);
  });

  it('knows an Edge Function by its name, one row for all its instances', async () => {
    for (let instance = 0; instance < 3; instance += 1) {
      const engine = createEngine({
        config,
        database: db.database,
        env: {},
        deployment: null,
        process: { host: 'worker' },
      });
      await workSlice(engine, { budgetMs: 1 });
    }
    const { fleet } = await readFleet(open().engine);
    expect(fleet.processes).toMatchObject([{ kind: 'edge', host: 'worker', pid: null, alive: true }]);
  });

  it('names jobs of pg_cron that should be there and are not', async () => {
    const { engine } = open();
    await engine.declare();
    if (db.kind === 'pglite') return;
    await db.query(
      'create schema cron; create table cron.job (jobid bigint, jobname text, schedule text, active boolean, username name default current_user); create schema net',
    );
    try {
      await db.query(
        `insert into cron.job (jobname, active) values ('supasaasy worker', true), ('supasaasy schedules', false)`,
      );
      const missing = (await readFleet(engine)).problems.filter(({ code }) => code === 'job_missing');
      expect(missing.map(({ message }) => message)).toMatchObject([
        expect.stringContaining('"supasaasy incremental shop'),
        expect.stringContaining('"supasaasy schedules"'),
      ]);
    } finally {
      await db.query('drop schema cron cascade; drop schema net cascade');
    }
  });
});
