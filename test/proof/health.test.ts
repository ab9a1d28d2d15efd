import { expect, it } from 'vitest';
import { describeEachDatabase } from '../setup/database.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { createMirror } from '../support/mirror.ts';

const SPLIT = { things: 12, gone: 9 };

describeEachDatabase('what a person sees of the proof', (make) => {
  it('a certificate after each complete pass, with a digest that does not depend on order', async () => {
    const db = await make({ template: ACME_TEMPLATE });
    const mirror = createMirror(db);
    const things = Array.from({ length: 6 }, (_, i) =>
      mirror.account.create('thing', { value: i, parts: [{ id: `p${i}` }] }),
    );
    await mirror.full();
    const certificate = async () =>
      (await db.query<Record<string, unknown>>(
        `select resource, kind, source_count::int as source, mirror_count::int as mirror, digest, missing::int, stale::int, extra::int, repaired::int, holds
         from supasaasy.certificates where app_key = $1 order by resource`,
        [mirror.key],
      )) as { resource: string; digest: string }[];
    const [part, thing] = await certificate();
    expect(thing).toMatchObject({
      resource: 'thing',
      kind: 'pass',
      source: 6,
      mirror: 6,
      missing: 6,
      stale: 0,
      extra: 0,
      repaired: 6,
      holds: true,
    });
    expect(part).toMatchObject({ resource: 'part', source: null, mirror: 6, holds: true });
    const [rows] = await db.query<{ digest: string }>(
      `select digest from supasaasy.measure_rows($1, 'acme_thing', null, false)`,
      [mirror.key],
    );
    expect(thing?.digest).toBe(rows?.digest);

    // The same rows in another order, in another app.
    const twin = createMirror(db, { account: mirror.account });
    await twin.full();
    const [digest] = await db.query(
      `select count(distinct digest)::int as n from supasaasy.certificates where resource = 'thing'`,
    );
    expect(digest).toEqual({ n: 1 });

    mirror.account.tick(2);
    mirror.account.update('thing', things[0]?.id ?? '', { value: 'changed' });
    mirror.account.remove('thing', things[1]?.id ?? '');
    await mirror.full();
    const [, after] = await certificate();
    expect(after).toMatchObject({ source: 5, mirror: 5, missing: 0, stale: 1, extra: 1, repaired: 2, holds: true });
    expect(after?.digest).not.toBe(thing?.digest);
  });

  it('a certificate does not hold where a row that the pass has named is lost', async () => {
    const db = await make({ template: ACME_TEMPLATE });
    const mirror = createMirror(db, { settings: { readAhead: false } });
    for (let n = 0; n < 9; n += 1) mirror.account.create('thing', { n });
    let lost = 0;
    mirror.api.afterAnswer = async ({ path, query }) => {
      if (path !== '/things' || !query.has('after') || lost > 0) return;
      const gone = await db.query(
        `delete from supasaasy.entities where app_key = $1 and collection_key = 'acme_thing' returning 1`,
        [mirror.key],
      );
      lost = gone.length;
    };
    await mirror.full();
    expect(lost).toBeGreaterThan(0);
    expect(
      await db.query(
        `select source_count::int as source, mirror_count::int as mirror, holds from supasaasy.certificates
         where app_key = $1 and resource = 'thing'`,
        [mirror.key],
      ),
    ).toEqual([{ source: 9, mirror: 9 - lost, holds: false }]);
  });

  it('one row of health per resource: success, watermark, freshness of what webhooks brought', async () => {
    const db = await make({ template: ACME_TEMPLATE });
    const mirror = createMirror(db, { resources: ['thing', 'part', 'note'] });
    const thing = mirror.account.create('thing', { value: 1 });
    await mirror.full();
    mirror.account.tick(5);
    const before = mirror.account.log.length;
    mirror.account.update('thing', thing.id, { value: 2 });
    await mirror.deliver(...mirror.account.log.slice(before));
    const health = await mirror.engine.proof.health(mirror.key);
    expect(health.map(({ resource, state }) => ({ resource, state }))).toEqual([
      { resource: 'note', state: 'ok' },
      { resource: 'part', state: 'ok' },
      { resource: 'thing', state: 'ok' },
    ]);
    const [, , row] = health;
    expect(row).toMatchObject({
      freshness_measured: 1,
      open_failures: 0,
      quarantined: 0,
      certified_by: 'pass',
      certificate_holds: true,
    });
    expect(row?.last_success_at).not.toBeNull();
    expect(row?.watermark).not.toBeNull();
    expect(row?.freshness_p99).not.toBeNull();
  });

  it('C9: freshness counts how late changes were written, and not old children, whole lists, replays or a fast clock', async () => {
    const db = await make({ template: ACME_TEMPLATE });
    const mirror = createMirror(db, { resources: ['thing', 'part', 'note'] });
    const { account } = mirror;
    const seconds = { now: () => Math.floor(Date.now() / 1000) - account.now() / 1000 };
    const fresh = async (resource: string) => {
      const [row] = await db.query<{ n: number | null; p50: number; p99: number }>(
        `select freshness_measured::int as n, extract(epoch from freshness_p50)::float8 as p50,
           extract(epoch from freshness_p99)::float8 as p99
         from supasaasy.sync_health where app_key = $1 and resource = $2`,
        [mirror.key, resource],
      );
      return row;
    };
    const parent = account.create('thing', { parts: [{ id: 'old_part' }] });
    const other = account.create('thing', { value: 0 });
    account.create('note');
    await mirror.full();
    // Months later, as the provider's clock is the database's.
    account.tick(seconds.now());
    account.remove('thing', parent.id);
    await mirror.deliver(...account.log.slice(-1));
    expect((await mirror.row('part', 'old_part'))?.deleted).toBe(true);
    expect(await fresh('part')).toMatchObject({ n: 1 });
    expect((await fresh('part'))?.p99).toBeLessThan(3600);
    expect((await fresh('thing'))?.p99).toBeLessThan(3600);

    // A resource that is new to an incremental run is read whole: its old objects are no late changes.
    const since = account.now();
    for (let n = 0; n < 3; n += 1) account.create('note', { n });
    await db.query('delete from supasaasy.sync_state where app_key = $1 and collection_key = $2', [
      mirror.key,
      'acme_note',
    ]);
    await db.query('delete from supasaasy.entities where app_key = $1 and collection_key = $2', [
      mirror.key,
      'acme_note',
    ]);
    await mirror.incremental();
    expect((await mirror.rows('note')).length).toBe(4);
    expect((await fresh('note'))?.n ?? null).toBeNull();
    expect(account.now()).toBe(since);

    // A delivery that a person has replayed.
    const before = (await fresh('thing'))?.n;
    await db.query('delete from supasaasy.entities where app_key = $1 and external_id = $2', [mirror.key, parent.id]);
    account.update('thing', other.id, { value: 1 });
    await mirror.deliver(...account.log.slice(-1));
    await db.query('delete from supasaasy.entities where app_key = $1 and external_id = $2', [mirror.key, other.id]);
    await mirror.engine.store.replayDeliveries({ app_key: mirror.key });
    await mirror.settle();
    expect(await mirror.row('thing', other.id)).toBeDefined();
    expect((await fresh('thing'))?.n).toBe((before ?? 0) + 1);
    const origins = await db.query<{ origin: string }>(
      'select origin from supasaasy.changes where app_key = $1 and external_id = $2 order by seq desc limit 1',
      [mirror.key, other.id],
    );
    expect(origins).toEqual([{ origin: 'replay' }]);
  });

  it('C9: freshness of a provider that has a clock two hours ahead of ours', async () => {
    const db = await make({ template: ACME_TEMPLATE });
    const mirror = createMirror(db, { resources: ['thing', 'part'] });
    const { account } = mirror;
    const things = [0, 1, 2].map(() => account.create('thing'));
    await mirror.full();
    account.tick(Math.floor(Date.now() / 1000) - account.now() / 1000 + 3600);
    const update = (n: number) => {
      account.update('thing', things[n]?.id ?? '', { n });
      return account.log.slice(-1);
    };
    const late = update(0);
    account.tick(3600);
    await mirror.deliver(...update(1), ...update(2));
    await mirror.deliver(...late);
    const [row] = await mirror.query<{ p99: number }>(
      `select extract(epoch from freshness_p99)::float8 as p99 from supasaasy.sync_health where app_key = $1 and resource = 'thing'`,
      [mirror.key],
    );
    expect(row?.p99).toBeGreaterThan(3300);
    expect(row?.p99).toBeLessThan(7000);
  });

  it('a refused sweep pauses deletions of that resource until a person allows them (A33)', async () => {
    const db = await make({ template: ACME_TEMPLATE });
    const mirror = createMirror(db, { settings: { massDeleteFloor: 5 } });
    for (let i = 0; i < SPLIT.things; i += 1) mirror.account.create('thing', { value: i });
    await mirror.full();
    for (const id of mirror.account.ids('thing').slice(0, SPLIT.gone)) mirror.account.remove('thing', id);
    mirror.account.tick(2);
    expect((await mirror.run('full')).state).toBe('failed');
    const state = async () =>
      (await mirror.engine.proof.health(mirror.key)).find(({ resource }) => resource === 'thing');
    expect(await state()).toMatchObject({ state: 'deletions paused' });
    expect((await state())?.deletions_paused_reason).toMatch(/--allow-mass-delete/);
    // Most of them come back: the rest would be below the share, and still nothing is deleted.
    for (let i = 0; i < SPLIT.gone - 1; i += 1) mirror.account.create('thing', { value: 'new' });
    for (const row of (await mirror.rows('thing')).slice(0, SPLIT.gone)) {
      if (mirror.account.get('thing', row.external_id) === undefined)
        mirror.account.create('thing', { id: row.external_id });
    }
    mirror.account.remove('thing', mirror.account.ids('thing')[0] ?? '');
    const held = (await mirror.held('thing')).size;
    expect((await mirror.run('full')).state).toBe('failed');
    expect((await mirror.held('thing')).size).toBeGreaterThanOrEqual(held);
    await mirror.full({ allow_mass_delete: true });
    await mirror.expectTruth();
    expect(await state()).toMatchObject({ state: 'ok', deletions_paused_at: null });
  });

  it('a pass that misses nothing shows that the refused one was wrong, and deletions go on', async () => {
    const db = await make({ template: ACME_TEMPLATE });
    const mirror = createMirror(db, { settings: { massDeleteFloor: 5 } });
    for (let i = 0; i < SPLIT.things; i += 1) mirror.account.create('thing', { value: i });
    await mirror.full();
    mirror.api.meddle = ({ path }) => (path === '/things' ? Response.json({ data: [], has_more: false }) : undefined);
    expect((await mirror.run('full')).state).toBe('failed');
    mirror.api.meddle = () => undefined;
    await mirror.full();
    await mirror.expectTruth();
    const [health] = (await mirror.engine.proof.health(mirror.key)).filter(({ resource }) => resource === 'thing');
    expect(health).toMatchObject({ state: 'ok', deletions_paused_at: null });
  });

  it('what cannot be stored, with its reason and text; retried without asking the provider; dropped', async () => {
    const db = await make({ template: ACME_TEMPLATE });
    const mirror = createMirror(db);
    mirror.account.create('thing', { value: 'good' });
    const bad = mirror.account.create('thing', { value: 'U+0000: \u0000' });
    const worse = mirror.account.create('thing', { value: 'also \u0000' });
    await mirror.run('full');
    const { proof } = mirror.engine;
    const records = await proof.listQuarantine({ app_key: mirror.key, raw: true });
    expect(records.map(({ external_id }) => external_id).sort()).toEqual([bad.id, worse.id].sort());
    const [first] = records.filter(({ external_id }) => external_id === bad.id);
    const [second] = records.filter(({ external_id }) => external_id === worse.id);
    expect(first?.raw).toContain('\\u0000');
    const spec = mirror.engine.app(mirror.key).spec('thing');
    const requests = mirror.api.requests.length;
    expect(await proof.retryQuarantine(first?.id ?? 0, spec, false)).toMatchObject({ state: 'refused' });

    // The cause is mended (here: the text); nobody is asked.
    await db.query(`update supasaasy.quarantine set raw = replace(raw, '\\u0000', '') where id = $1`, [first?.id]);
    expect(await proof.retryQuarantine(first?.id ?? 0, spec, false)).toMatchObject({ state: 'stored' });
    expect((await mirror.row('thing', bad.id))?.raw_payload).toMatchObject({ value: 'U+0000: ' });
    expect(await proof.retryQuarantine(first?.id ?? 0, spec, false)).toMatchObject({ state: 'gone' });
    expect(Number(await proof.dropQuarantine([second?.id ?? 0]))).toBe(1);
    expect(await proof.listQuarantine({ app_key: mirror.key })).toEqual([]);
    expect(mirror.api.requests.length).toBe(requests);
  });

  it('an old record in quarantine never replaces what came later', async () => {
    const db = await make({ template: ACME_TEMPLATE });
    const mirror = createMirror(db);
    const thing = mirror.account.create('thing', { value: '\u0000' });
    await mirror.run('full');
    mirror.account.tick(5);
    mirror.account.update('thing', thing.id, { value: 'newer' });
    const [record] = await mirror.engine.proof.listQuarantine({ app_key: mirror.key });
    await mirror.deliver(...mirror.account.log.slice(-1));
    await db.query(`update supasaasy.quarantine set raw = replace(raw, '\\u0000', 'older') where id = $1`, [
      record?.id,
    ]);
    await mirror.engine.proof.retryQuarantine(record?.id ?? 0, mirror.engine.app(mirror.key).spec('thing'), false);
    expect((await mirror.row('thing', thing.id))?.raw_payload).toMatchObject({ value: 'newer' });
  });

  it('a complete pass that could read a record settles what it left in quarantine', async () => {
    const db = await make({ template: ACME_TEMPLATE });
    const mirror = createMirror(db);
    const thing = mirror.account.create('thing', { value: '\u0000' });
    await mirror.run('full');
    const holds = async () =>
      (
        await db.query<{ holds: boolean }>(
          `select holds from supasaasy.certificates where app_key = $1 and resource = 'thing'`,
          [mirror.key],
        )
      )[0]?.holds;
    expect(await holds()).toBe(false);
    mirror.account.update('thing', thing.id, { value: 'clean' });
    mirror.account.tick(2);
    await mirror.full();
    expect(await mirror.engine.proof.listQuarantine({ app_key: mirror.key })).toEqual([]);
    expect(await holds()).toBe(true);
  });
});
