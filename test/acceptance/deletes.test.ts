import { beforeAll, expect, it } from 'vitest';
import type { Database } from '../../src/engine/database.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { createAcmeAccount } from '../support/acme-account.ts';
import { json } from '../support/acme-api.ts';
import { ACME_TEMPLATE, acmeLarge } from '../support/acme-connector.ts';
import { createMirror, type Mirror, type MirrorOptions } from '../support/mirror.ts';

describeEachDatabase('deletes', (make, kind) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });
  const open = (options?: MirrorOptions) => createMirror(db, options);
  const fill = ({ account }: Mirror, what: string, count: number) =>
    Array.from({ length: count }, (_, n) => account.create(what, { n }).id);
  const deleted = async (mirror: Mirror, what: string) => (await mirror.rows(what)).filter((row) => row.deleted).length;

  it('A32 deletes missed while nobody listened are found by a full pass: confirmed one by one where they are few', async () => {
    const mirror = open({ resources: ['thing', 'part', 'note', 'tag'] });
    for (const what of ['thing', 'note', 'tag']) {
      const made = fill(mirror, what, 12);
      await mirror.full();
      mirror.account.tick();
      for (const id of made.slice(0, 3)) mirror.account.remove(what, id);
    }
    const before = mirror.api.requests.length;
    const run = await mirror.full();
    await mirror.expectTruth();
    expect(run.resources).toMatchObject({ tag: { deleted: 3 }, note: { deleted: 0 } });
    expect(mirror.api.requests.slice(before).filter((path) => /^\/tags\/./.test(path))).toEqual([]);
  });

  it('A32 deletes of thousands are found, all of them, in a few statements', async () => {
    const many = kind === 'pglite' ? 12_000 : 50_000;
    const counted: Record<string, number> = {};
    const counting = (database: Database): Database => ({
      ...database,
      call: (name, args) => {
        counted[name] = (counted[name] ?? 0) + 1;
        return database.call(name, args);
      },
    });
    const mirror = open({ resources: ['label'], connector: acmeLarge.metadata.name, wrap: counting });
    await db.query(
      `insert into supasaasy.entities (app_key, collection_key, external_id, raw_payload, payload_hash, version, version_until,
         version_source, observed_at, created_at, updated_at)
       select $1, 'acme_label', 'old_' || i, '{}', 0, 0, 0, 'read', now(), now(), now() from generate_series(1, $2::int) i`,
      [mirror.key, many],
    );
    fill(mirror, 'label', 250);
    const run = await mirror.full({ allow_mass_delete: true });
    expect(run.resources['label']).toMatchObject({ created: 250, deleted: many });
    expect(await deleted(mirror, 'label')).toBe(many);
    expect(counted['ingest_page']).toBe(3);
    expect(counted['sweep']).toBeLessThanOrEqual(Math.ceil(many / 5_000) + 1);
    expect(Object.values(counted).reduce((sum, n) => sum + n, 0)).toBeLessThan(120);
  });

  it("A33 an empty answer trips the breaker instead of emptying the table; a person's word goes on", async () => {
    const mirror = open({ resources: ['tag', 'label'] });
    const made = fill(mirror, 'tag', 60);
    fill(mirror, 'label', 3);
    await mirror.full();
    for (const id of made) mirror.account.remove('tag', id);
    const run = await mirror.run('full');
    expect(run).toMatchObject({ state: 'failed', error: expect.stringContaining('60 of 60') });
    expect(run.error).toContain('--allow-mass-delete');
    expect(run.passes.map(({ resource, state }) => [resource, state])).toEqual(
      expect.arrayContaining([
        ['tag', 'refused'],
        ['label', 'swept'],
      ]),
    );
    expect(await deleted(mirror, 'tag')).toBe(0);
    await mirror.full({ allow_mass_delete: true });
    expect(await deleted(mirror, 'tag')).toBe(60);
  });

  it('A33 an answer that shrank by more than the set share trips the breaker; one by less does not', async () => {
    for (const [removed, state] of [
      [60, 'failed'],
      [49, 'completed'],
    ] as const) {
      const mirror = open({ resources: ['tag'] });
      const made = fill(mirror, 'tag', 200);
      await mirror.full();
      for (const id of made.slice(0, removed)) mirror.account.remove('tag', id);
      expect(await mirror.run('full')).toMatchObject({ state });
      expect(await deleted(mirror, 'tag')).toBe(state === 'failed' ? 0 : removed);
    }
  });

  it('A5 what changed and died while a pass was reading stays deleted when its last change is delivered after the sweep', async () => {
    const mirror = open({ resources: ['note'] });
    const { account, api } = mirror;
    const old = fill(mirror, 'note', 30);
    account.tick();
    fill(mirror, 'note', 10);
    await mirror.full();
    account.tick(10);
    const heard = account.log.length;
    api.afterAnswer = () => {
      api.afterAnswer = () => {};
      account.tick(10);
      for (const id of old) account.update('note', id, { n: 'late' });
      account.tick(10);
      for (const id of old) account.remove('note', id);
      account.tick(10);
    };
    await mirror.full();
    expect(await deleted(mirror, 'note')).toBe(30);
    await mirror.deliver(...account.log.slice(heard).filter(({ type }) => type === 'note.updated'));
    expect(await deleted(mirror, 'note')).toBe(30);
    await mirror.expectTruth();
  });

  it('A32 a deletion before a pass is found by it, though an older event arrived while the pass was reading', async () => {
    const mirror = open({ resources: ['thing'] });
    const { account, api } = mirror;
    const [id = '', ...others] = fill(mirror, 'thing', 9);
    await mirror.full();
    account.tick();
    account.update('thing', id, { n: 'late' });
    const late = account.log.at(-1);
    account.tick();
    account.remove('thing', id);
    account.tick(500);
    api.afterAnswer = async () => {
      api.afterAnswer = () => {};
      if (late === undefined) return;
      await mirror.accept(late);
      await mirror.engine.drain();
    };
    await mirror.full();
    await mirror.incremental();
    expect([...(await mirror.held('thing')).keys()].sort()).toEqual(others.sort());
  });

  it('A33 a small table that a list no longer shows at all is not emptied either, where nobody can ask object by object', async () => {
    for (const count of [12, 1]) {
      const mirror = open({ resources: ['tag'] });
      const made = fill(mirror, 'tag', count);
      await mirror.full();
      for (const id of made) mirror.account.remove('tag', id);
      const audit = await mirror.engine.audit(mirror.key, { repair: true });
      expect(audit).toMatchObject({ state: 'failed', error: expect.stringContaining(`${count} of ${count} rows`) });
      expect(await mirror.run('full')).toMatchObject({ state: 'failed' });
      expect(await deleted(mirror, 'tag')).toBe(0);
    }
  });

  it('A33 the last object of a kind is found deleted when the provider says so of its id', async () => {
    const mirror = open({ resources: ['thing'] });
    const [only = ''] = fill(mirror, 'thing', 1);
    await mirror.full();
    mirror.account.remove('thing', only);
    await mirror.full();
    expect(await deleted(mirror, 'thing')).toBe(1);
  });

  it('I11 a pass of which one page failed deletes nothing', async () => {
    const mirror = open({ resources: ['thing', 'part', 'note', 'label'] });
    for (const what of ['thing', 'note', 'label']) {
      const made = fill(mirror, what, 12);
      await mirror.full();
      mirror.account.remove(what, made[0] ?? '');
      mirror.api.meddle = ({ path, query }) =>
        path === `/${what}s` && (query.has('after') || Number(query.get('page')) > 1) ? json({}, 500) : undefined;
      const run = await mirror.run('full');
      expect(run.passes.find(({ resource }) => resource === what)).toMatchObject({ state: 'incomplete' });
      expect(await deleted(mirror, what)).toBe(0);
      mirror.api.meddle = () => undefined;
      await mirror.full();
      await mirror.expectTruth();
    }
  });

  it('I11 what an event brought while the pass was reading is not swept', async () => {
    const mirror = open({ resources: ['thing', 'part'] });
    const [gone = ''] = fill(mirror, 'thing', 9);
    await mirror.full();
    // So that there is something to sweep.
    mirror.account.remove('thing', gone);
    let late = '';
    mirror.api.afterAnswer = async ({ path, query }) => {
      if (path !== '/things' || !query.has('after') || late !== '') return;
      // Newer than the first page, which was read already.
      mirror.account.tick();
      late = mirror.account.create('thing').id;
      await mirror.accept(mirror.account.log.at(-1) ?? { body: '' });
      await mirror.engine.drain();
    };
    const before = mirror.api.requests.length;
    await mirror.full();
    expect(late).not.toBe('');
    expect(await mirror.row('thing', late)).toMatchObject({ deleted: false });
    expect(await mirror.row('thing', gone)).toMatchObject({ deleted: true });
    expect(mirror.api.requests.slice(before)).not.toContain(`/things/${late}`);
  });

  it('I11 an object that the list leaves out and that still exists is not deleted', async () => {
    const mirror = open({ resources: ['thing', 'part'] });
    const made = fill(mirror, 'thing', 6);
    await mirror.full();
    const hidden = made[2] ?? '';
    mirror.api.meddle = ({ path, query }) => {
      if (path !== '/things') return undefined;
      const shown = query.has('after') ? [] : mirror.account.shown('thing').filter(({ id }) => id !== hidden);
      return json({ data: shown, has_more: false });
    };
    await mirror.full();
    expect(await deleted(mirror, 'thing')).toBe(0);
  });

  it('I11 a record without a readable id keeps the pass from deleting', async () => {
    const mirror = open({ resources: ['thing', 'part'] });
    const made = fill(mirror, 'thing', 3);
    await mirror.full();
    mirror.api.meddle = ({ path }) =>
      path === '/things'
        ? json({ data: [mirror.account.shown('thing')[0], { no: 'id' }], has_more: false })
        : undefined;
    const run = await mirror.run('full');
    expect(run.passes[0]).toMatchObject({
      state: 'incomplete',
      note: expect.stringContaining('without a readable id'),
    });
    expect(await deleted(mirror, 'thing')).toBe(0);
    expect(made).toHaveLength(3);
  });

  it('A35 two apps of one provider with the same ids never mix', async () => {
    const [ours, theirs] = [open(), open({ account: createAcmeAccount() })];
    for (const [mirror, value] of [
      [ours, 'ours'],
      [theirs, 'theirs'],
    ] as const) {
      for (const id of ['same', 'other', 'third'])
        mirror.account.create('thing', { id, value, parts: [{ id: `part_${id}` }] });
    }
    await Promise.all([ours.full(), theirs.full()]);
    await ours.expectTruth();
    await theirs.expectTruth();
    ours.account.tick();
    ours.account.remove('thing', 'same');
    theirs.account.update('thing', 'other', { value: 'new' });
    await ours.full();
    await ours.expectTruth();
    expect(await deleted(theirs, 'thing')).toBe(0);
    expect(await deleted(theirs, 'part')).toBe(0);
    await theirs.deliver(...theirs.account.log.slice(-1));
    await theirs.expectTruth();
    await ours.expectTruth();
  });

  it('A35 a delivery for one app is applied to that app only', async () => {
    const [ours, theirs] = [open(), open()];
    ours.account.create('thing', { id: 'same' });
    theirs.account.create('thing', { id: 'same' });
    await ours.full();
    await theirs.full();
    ours.account.tick();
    ours.account.remove('thing', 'same');
    await ours.deliver(...ours.account.log.slice(-1));
    expect(await ours.row('thing', 'same')).toMatchObject({ deleted: true });
    expect(await theirs.row('thing', 'same')).toMatchObject({ deleted: false });
  });

  it('on_delete: purge removes the payload and keeps the tombstone; tombstone keeps both', async () => {
    for (const on_delete of ['purge', 'tombstone'] as const) {
      const mirror = open({ app: { on_delete } });
      const { id } = mirror.account.create('thing', { secret: 'of a person' });
      await mirror.full();
      mirror.account.tick();
      mirror.account.update('thing', id, { more: 1 });
      const late = mirror.account.log.at(-1);
      mirror.account.tick();
      mirror.account.remove('thing', id);
      await mirror.deliver(...mirror.account.log.slice(-1), ...(late === undefined ? [] : [late]));
      const row = await mirror.row('thing', id);
      expect(row?.deleted).toBe(true);
      expect(row?.raw_payload === null).toBe(on_delete === 'purge');
      const [last] = await mirror.query(
        `select before is null as empty from supasaasy.changes where app_key = $1 and operation = 'delete'`,
        [mirror.key],
      );
      expect(last).toEqual({ empty: on_delete === 'purge' });
    }
  });
});
