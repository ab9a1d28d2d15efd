import { beforeAll, expect, it } from 'vitest';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { json } from '../support/acme-api.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { createMirror, type Mirror } from '../support/mirror.ts';

describeEachDatabase('an audit that is lied to', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });

  async function synced(kind: string, count = 60) {
    const mirror = createMirror(db, { resources: [kind], settings: { auditGraceMs: 0 } });
    for (let n = 0; n < count; n += 1) mirror.account.create(kind, { n });
    await mirror.full();
    mirror.account.tick();
    return mirror;
  }

  const untouched = async (mirror: Mirror, kind: string, work: () => Promise<unknown>) => {
    const [before, changes] = [await mirror.rows(kind), await mirror.changes()];
    const result = await work();
    expect(await mirror.rows(kind)).toEqual(before);
    expect(await mirror.changes()).toEqual(changes);
    return result;
  };

  it.each(['tag', 'thing'])('A33 with the key of another account says so, and loses nothing (%s)', async (kind) => {
    const mirror = await synced(kind);
    const ours = await mirror.rows(kind);
    const other = createMirror(db, { resources: [kind] });
    for (let n = 0; n < 70; n += 1) other.account.create(kind, { id: `other_${n}` });
    mirror.api.meddle = ({ path, query, key }) =>
      other.api.fetch(`https://acme.test${path}?${query}`, { headers: { authorization: key } });
    const refused = { state: 'failed', error: expect.stringMatching(/60 of 60 rows.*wrong key/) };
    expect(await untouched(mirror, kind, () => mirror.engine.audit(mirror.key))).toMatchObject(refused);
    // What the other account shows is taken for missing here; what is ours stays as it was.
    expect(await mirror.engine.audit(mirror.key, { repair: true })).toMatchObject({ state: 'failed' });
    const ids = new Set(ours.map((row) => row.external_id));
    expect((await mirror.rows(kind)).filter((row) => ids.has(row.external_id))).toEqual(ours);
  });

  it.each(['label', 'thing'])(
    'of which the list ends too early: asks before it believes, deletes nothing (%s)',
    async (kind) => {
      const mirror = await synced(kind);
      mirror.api.meddle = ({ path, query }) => {
        if (path !== `/${kind}s`) return undefined;
        const limit = Number(query.get('limit'));
        return json({ data: mirror.account.shown(kind).slice(0, limit), has_more: false, next: null });
      };
      const run = await untouched(mirror, kind, () => mirror.engine.audit(mirror.key, { repair: true }));
      expect(run).toMatchObject({
        state: 'failed',
        error: expect.stringMatching(kind === 'label' ? /neither.* shows a next position at next/ : /of 60 rows/),
      });
    },
  );

  it('A24 of which the list never ends: an error that names the cursor, nothing deleted', async () => {
    const mirror = await synced('thing');
    mirror.api.meddle = ({ path, query }) =>
      path === '/things' && query.get('after') !== null
        ? json({ data: mirror.account.shown('thing').slice(0, 4), has_more: true })
        : undefined;
    const run = await untouched(mirror, 'thing', () => mirror.engine.audit(mirror.key, { repair: true }));
    expect(run).toMatchObject({ state: 'failed', error: expect.stringMatching(/^thing: .*repeats/) });
  });

  it('A24 of which a page says that there is more and shows nothing: an error, nothing deleted', async () => {
    const mirror = await synced('thing');
    mirror.api.meddle = ({ path, query }) =>
      path === '/things' && query.get('after') !== null ? json({ data: [], has_more: true }) : undefined;
    const run = await untouched(mirror, 'thing', () => mirror.engine.audit(mirror.key, { repair: true }));
    expect(run).toMatchObject({ state: 'failed', error: expect.stringMatching(/^thing: /) });
  });

  it('I2 that finds an object gone: an older event that arrives later does not bring it back', async () => {
    const mirror = await synced('thing', 3);
    const { account, api } = mirror;
    const [id = ''] = account.ids('thing');
    api.meddle = ({ path }) => {
      if (path === '/things')
        return json({ data: account.shown('thing').filter((one) => one.id !== id), has_more: false });
      // It changes and dies while the question about it waits for its turn.
      account.tick(10);
      account.update('thing', id, { n: 'late' });
      account.tick(10);
      account.remove('thing', id);
      account.tick(10);
      return undefined;
    };
    await mirror.engine.audit(mirror.key, { repair: true });
    expect((await mirror.row('thing', id))?.deleted).toBe(true);
    const late = account.log.find(({ body }) => body.includes('late'));
    api.meddle = () => undefined;
    if (late !== undefined) await mirror.deliver(late);
    expect((await mirror.row('thing', id))?.deleted).toBe(true);
  });
});
