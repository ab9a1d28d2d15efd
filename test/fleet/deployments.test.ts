import { beforeAll, beforeEach, expect, it } from 'vitest';
import { type ConfigInput, parseConfig } from '../../src/config.ts';
import { createEngine } from '../../src/engine/engine.ts';
import { changes } from '../../src/engine/feed/database-source.ts';
import { defineConsumer } from '../../src/engine/feed/define-consumer.ts';
import { declaredBy } from '../../src/engine/fleet/declare.ts';
import { startDueRuns } from '../../src/engine/schedule.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { ACME_KEY } from '../support/acme-api.ts';
import { ACME_TEMPLATE, acme } from '../support/acme-connector.ts';

describeEachDatabase('C35: two deployments over one database', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });
  beforeEach(async () => {
    await db.query(
      'truncate supasaasy.deployments, supasaasy.apps, supasaasy.schedules, supasaasy.feed_history, supasaasy.consumers cascade',
    );
  });

  const app = { app_key: 'shop', connector: acme, config: { api_key_env: 'KEY' }, history: ['thing'] };
  const schedule = { app_key: 'shop', cron: '*/5 * * * *' };
  const reader = () => defineConsumer({ name: 'reader', source: changes(), handler: async () => {} });
  const whole = (): ConfigInput => ({ apps: [app], schedules: [schedule], consumers: [reader()] });
  const bare: ConfigInput = { apps: [{ ...app, history: false }] };

  function deployment(name: string, input: ConfigInput) {
    const logged: string[] = [];
    const engine = createEngine({
      config: parseConfig({ deployment: name, ...input }),
      database: db.database,
      env: { KEY: ACME_KEY },
      ports: { log: (level, message) => logged.push(`${level} ${message}`) },
    });
    return { engine, logged };
  }
  const inForce = async () => ({
    apps: await db.query('select app_key, configured from supasaasy.apps order by 1'),
    schedules: await db.query('select app_key, schedule, enabled from supasaasy.schedules order by 1, 2'),
    history: await db.query('select app_key, collection_key from supasaasy.feed_history order by 1, 2'),
    consumers: await db.query('select name, active from supasaasy.consumers where declared order by 1'),
  });

  it('end nothing of each other, and each names the other', async () => {
    const server = deployment('server', whole());
    await server.engine.declare();
    const before = await inForce();
    expect(before).toMatchObject({
      apps: [{ configured: true }],
      schedules: [{ schedule: 'incremental */5 * * * *', enabled: true }],
      history: [{ app_key: 'shop' }],
      consumers: [{ name: 'reader', active: true }],
    });

    const laptop = deployment('laptop', bare);
    const conflicts = await laptop.engine.declare();
    await startDueRuns(laptop.engine);
    expect(await inForce()).toEqual(before);
    expect(conflicts).toEqual([
      { subject: 'shop', about: 'history', deployments: ['laptop', 'server'] },
      { subject: 'shop', about: 'schedules', deployments: ['laptop', 'server'] },
    ]);
    expect(await server.engine.declare()).toEqual(conflicts);
    for (const { logged } of [server, laptop])
      expect(logged.join('\n')).toMatch(
        /"laptop" and "server" over this database declare the schedules of shop differently/,
      );
    expect(await inForce()).toEqual(before);
  });

  it('have no conflict over apps that only one of them has, and a schedule that one takes out ends', async () => {
    const server = deployment('server', whole());
    await server.engine.declare();
    const other = deployment('other', {
      apps: [{ ...app, app_key: 'books', history: false }],
      schedules: [{ app_key: 'books', cron: '0 3 * * *' }],
    });
    expect(await other.engine.declare()).toEqual([]);
    expect(await deployment('server', bare).engine.declare()).toEqual([]);
    expect(await inForce()).toMatchObject({
      apps: [
        { app_key: 'books', configured: true },
        { app_key: 'shop', configured: true },
      ],
      schedules: [{ app_key: 'books' }],
      history: [],
      consumers: [{ name: 'reader', active: false }],
    });
  });

  it('keep reading closed as long as one of them wants it closed', async () => {
    await deployment('server', whole()).engine.declare();
    const conflicts = await deployment('laptop', { ...whole(), auth: { enabled: false } }).engine.declare();
    expect(conflicts).toEqual([{ subject: 'auth.enabled', about: 'access', deployments: ['laptop', 'server'] }]);
    expect(await db.query(`select value from supasaasy.settings where key = 'auth_enabled'`)).toEqual([
      { value: true },
    ]);
  });

  it('are one after the other is retired', async () => {
    await deployment('old', whole()).engine.declare();
    await deployment('new', bare).engine.declare();
    expect(await db.database.call('retire_deployment', { name: 'nobody' })).toBe(false);
    expect(await db.database.call('retire_deployment', { name: 'old' })).toBe(true);
    expect(await inForce()).toMatchObject({
      apps: [{ configured: true }],
      schedules: [],
      history: [],
      consumers: [{ active: false }],
    });
  });

  it('take over what 0.1.0 declared without a name, and what none of them names stays until it is retired', async () => {
    const { apps, schedules, history, consumers } = declaredBy(parseConfig(whole()));
    await db.database.call('declare_apps', { apps });
    await db.database.call('declare_schedules', { schedules });
    await db.database.call('declare_history', { collections: history });
    await db.database.call('declare_consumers', { consumers, all: true });
    const before = await inForce();

    const first = await deployment('laptop', bare).engine.declare();
    expect(await inForce()).toEqual(before);
    expect(first.map(({ deployments }) => deployments)).toContainEqual(['before-deployments', 'laptop']);
    await deployment('server', whole()).engine.declare();
    expect(await inForce()).toEqual(before);
    expect(await db.query('select name from supasaasy.deployments order by 1')).toEqual([
      { name: 'laptop' },
      { name: 'server' },
    ]);
  });
});
