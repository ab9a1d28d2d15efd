import { beforeAll, expect, it } from 'vitest';
import { keepRetention } from '../../src/engine/retention.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { createMirror } from '../support/mirror.ts';

describeEachDatabase('runs that ended long ago', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });

  it('are forgotten with their tasks and passes; the last ones, and what certificates and watermarks name, are kept', async () => {
    const mirror = createMirror(db, { resources: ['thing', 'tag'] });
    mirror.account.create('thing');
    await mirror.full();
    // Certified and watermarked by a run that is not the last one of its mode.
    await mirror.full({ resources: ['thing'] });
    for (let i = 0; i < 3; i += 1) {
      mirror.account.tick(60);
      await mirror.incremental({ resources: ['tag'] });
    }
    await mirror.run('full', { resources: ['tag'], limit: 1 });
    const named = await db.query<{ id: string }>(
      `select run_id as id from supasaasy.certificates where app_key = $1
       union select run_id from supasaasy.sync_state where app_key = $1 and run_id is not null
       union select distinct on (mode) first_value(id) over (partition by mode order by created_at desc) from supasaasy.runs where app_key = $1`,
      [mirror.key],
    );
    const ids = async () =>
      (await db.query<{ id: string }>('select id from supasaasy.runs where app_key = $1', [mirror.key])).map(
        ({ id }) => id,
      );
    const before = await ids();
    const readUntil = `select collection_key, supasaasy.list_until(app_key, collection_key) as until from supasaasy.sync_state where app_key = '${mirror.key}' order by 1`;
    const until = await db.query(readUntil);

    expect(await mirror.engine.store.trimRuns(30, 100)).toBe(0);
    await db.query(`update supasaasy.runs set finished_at = finished_at - interval '31 days' where app_key = $1`, [
      mirror.key,
    ]);
    await keepRetention(mirror.engine, {});
    const kept = await ids();
    expect(kept.length).toBeLessThan(before.length);
    expect([...kept].sort()).toEqual(named.map(({ id }) => id).sort());
    expect(
      await db.query('select from supasaasy.tasks t where app_key = $1 and run_id <> all($2)', [mirror.key, kept]),
    ).toEqual([]);
    // How far lists were read is not forgotten with the tasks that read them.
    expect(await db.query(readUntil)).toEqual(until);
    mirror.account.tick(60);
    mirror.account.create('thing');
    await mirror.incremental();
    await mirror.expectTruth();
  });

  it('are forgotten so many at a time', async () => {
    const mirror = createMirror(db, { resources: ['tag'] });
    await mirror.full();
    for (let i = 0; i < 5; i += 1) await mirror.run('full', { limit: i + 1 });
    await db.query(`update supasaasy.runs set finished_at = finished_at - interval '31 days' where app_key = $1`, [
      mirror.key,
    ]);
    expect(await mirror.engine.store.trimRuns(30, 3)).toBe(3);
    expect(await mirror.engine.store.trimRuns(30, 3)).toBe(2);
    expect(await mirror.engine.store.trimRuns(30, 3)).toBe(0);
  });
});
