import { beforeAll, expect, it } from 'vitest';
import { createEngine } from '../../src/engine/engine.ts';
import { workSlice } from '../../src/engine/slice.ts';
import { MalformedSecretError, MissingSecretError } from '../../src/errors.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { ACME_KEY, json } from '../support/acme-api.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { checksums } from '../support/checksums.ts';
import { createMirror, type Mirror } from '../support/mirror.ts';

describeEachDatabase('C11: a process that cannot work for an app', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });

  /** Another process over the same database, with an environment of its own. */
  function another(mirror: Mirror, env: Record<string, string>, fetch: typeof mirror.api.fetch = mirror.api.fetch) {
    const logged: string[] = [];
    const engine = createEngine({
      config: mirror.config,
      database: db.database,
      env,
      ports: { fetch, now: mirror.account.now, log: (level, message) => logged.push(`${level} ${message}`) },
      settings: { retryBaseMs: 0, maxAttempts: 3 },
    });
    return { engine, logged };
  }
  const paused = async ({ key }: Mirror) =>
    (await db.query('select paused_at is not null as paused from supasaasy.apps where app_key = $1', [key]))[0] ?? {
      paused: false,
    };
  const refusing =
    (mirror: Mirror, wrong: string): typeof mirror.api.fetch =>
    async (input, init) =>
      new Headers(init?.headers).get('authorization') === wrong
        ? json({ error: { message: 'no such key' } }, 401)
        : await mirror.api.fetch(input, init);

  it('because its key is missing or malformed touches nothing, whatever it is asked to do', async () => {
    const mirror = createMirror(db);
    mirror.account.create('thing');
    await mirror.full();
    const { runId } = await mirror.engine.startRun(mirror.key, 'incremental');
    mirror.account.create('thing');
    const [event] = mirror.account.log.slice(-1);
    if (event !== undefined) await mirror.accept(event);
    await mirror.engine.store.pauseApp(mirror.key, 'by hand');
    const before = await checksums(db.query);

    const values = ['', ' \n', '"sk_1"', '<your key>', 'sk_\n1', 'sk 1', 'sk_\u00e4'];
    for (const KEY of values) {
      const { engine } = another(mirror, { KEY, SECRET: 'secret' });
      const refused = KEY.trim() === '' ? MissingSecretError : MalformedSecretError;
      for (const act of [
        () => engine.startRun(mirror.key, 'full'),
        () => engine.sync(mirror.key, 'full'),
        () => engine.audit(mirror.key),
        () => engine.wake(mirror.key),
      ]) {
        await expect(act()).rejects.toThrow(refused);
        await expect(act()).rejects.toThrow(/\bKEY\b/);
      }
      expect(await engine.work({ filter: { run_id: runId } })).toEqual({ tasks: 0 });
      expect(await engine.work()).toEqual({ tasks: 0 });
      expect(await engine.drain()).toBe(0);
    }
    expect(await checksums(db.query)).toEqual(before);
    const { engine } = another(mirror, {});
    expect(await workSlice(engine, { budgetMs: 1000 })).toMatchObject({ started: [], deliveries: 0, tasks: 0 });
    expect(await db.query(`select from supasaasy.tasks where state = 'failed' and app_key = $1`, [mirror.key])).toEqual(
      [],
    );

    await mirror.full();
    await mirror.settle();
    await mirror.expectTruth();
  });

  it('takes a key with blanks and line ends around it', async () => {
    const mirror = createMirror(db);
    mirror.account.create('thing');
    const { engine } = another(mirror, { KEY: ` ${ACME_KEY}\r\n`, SECRET: 'secret' });
    expect((await engine.sync(mirror.key, 'full')).state).toBe('completed');
  });

  it('because its key is refused, while another one worked last, pauses nothing and leaves the work to others', async () => {
    const mirror = createMirror(db);
    for (let n = 0; n < 9; n += 1) mirror.account.create('thing');
    await mirror.full();
    const { engine, logged } = another(mirror, { KEY: 'outdated', SECRET: 'secret' }, refusing(mirror, 'outdated'));
    const { runId } = await engine.startRun(mirror.key, 'full');
    await engine.work({ filter: { run_id: runId } });
    expect(engine.fitness.reasonAgainst(engine.app(mirror.key))).toMatch(/KEY is not accepted/);
    expect(logged.filter((line) => line.startsWith('error'))).toMatchObject([
      expect.stringMatching(/leaves it to others/),
    ]);
    expect(await paused(mirror)).toMatchObject({ paused: false });
    expect(await engine.work()).toEqual({ tasks: 0 });

    await mirror.engine.work({ filter: { run_id: runId } });
    expect(await mirror.engine.getRun(runId)).toMatchObject({ state: 'completed' });
    expect(logged.join()).not.toContain('outdated');
  });

  it('does not: a key that worked last and is revoked pauses the app, and a sync with a bad key does not end the pause', async () => {
    const mirror = createMirror(db);
    mirror.account.create('thing');
    await mirror.full();
    mirror.api.meddle = () => json({ error: { message: 'revoked' } }, 401);
    await mirror.run('incremental');
    expect(await paused(mirror)).toMatchObject({ paused: true });
    await expect(mirror.engine.sync(mirror.key, 'incremental')).rejects.toThrow(/KEY is not accepted/);
    expect(await paused(mirror)).toMatchObject({ paused: true });

    mirror.api.meddle = () => undefined;
    expect((await mirror.engine.sync(mirror.key, 'incremental')).state).toBe('completed');
    expect(await paused(mirror)).toMatchObject({ paused: false });
  });

  it('keeps no key in the database: a fingerprint that differs from app to app', async () => {
    const [one, two] = [createMirror(db), createMirror(db)];
    await one.full();
    await two.full();
    const rows = await db.query<{ salt: string; fingerprint: string }>(
      'select * from supasaasy.app_keys where app_key = any($1)',
      [[one.key, two.key]],
    );
    expect(rows).toHaveLength(2);
    expect(JSON.stringify(rows)).not.toContain(ACME_KEY);
    expect(new Set(rows.map(({ fingerprint }) => fingerprint)).size).toBe(2);
  });
});
