import { beforeAll, expect, it } from 'vitest';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { json } from '../support/acme-api.ts';
import { ACME_TEMPLATE, acmeHiding, acmeLarge } from '../support/acme-connector.ts';
import { createMirror, type Mirror } from '../support/mirror.ts';

describeEachDatabase('C6: lists that leave objects out', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });

  /** An account of which some things are in no list, and a mirror that has heard of all of them by events. */
  async function open(listed: number, hidden: number, connector = acmeHiding) {
    const mirror = createMirror(db, {
      resources: ['thing'],
      connector: connector.metadata.name,
      slots: 4,
      settings: { auditGraceMs: 0 },
    });
    const { account, api } = mirror;
    const fill = (count: number) => Array.from({ length: count }, (_, n) => account.create('thing', { n }).id);
    fill(listed);
    if (listed > 0) await mirror.full();
    account.tick();
    const unlisted = fill(hidden);
    for (const id of unlisted) account.unlist(id);
    for (const event of account.log.slice(-hidden)) await mirror.accept(event);
    await mirror.settle();
    expect((await mirror.held('thing')).size).toBe(listed + hidden);
    account.tick(10);
    return {
      mirror,
      unlisted,
      /** How many things were asked for by id meanwhile. */
      async asked(work: () => Promise<unknown>): Promise<number> {
        const before = api.requests.length;
        await work();
        return api.requests.slice(before).filter((path) => path.startsWith('/things/')).length;
      },
    };
  }
  const certificate = async (mirror: Mirror) =>
    (
      await mirror.query<{ listed: number; living: number; hidden: number; holds: boolean; kind: string }>(
        `select source_count::int as listed, mirror_count::int as living, hidden::int, holds, kind from supasaasy.certificates
         where app_key = $1 and collection_key = 'acme_thing'`,
        [mirror.key],
      )
    )[0];

  it.each([
    [300, 40],
    [22, 158],
    [0, 30],
  ])(
    '%i listed and %i hidden: a full sync completes, deletes nothing, and asks for each hidden one once',
    async (listed, hidden) => {
      const { mirror, asked } = await open(listed, hidden);
      expect(await asked(() => mirror.full())).toBe(hidden);
      await mirror.expectTruth('thing');
      const proof = { listed, living: listed + hidden, hidden, holds: true, kind: 'pass' };
      expect(await certificate(mirror)).toEqual(proof);
      const before = (await mirror.changes()).length;
      for (let n = 0; n < 2; n += 1) {
        mirror.account.tick(60);
        expect(await asked(() => mirror.full())).toBe(0);
        expect(await certificate(mirror)).toEqual(proof);
      }
      expect(await asked(() => mirror.incremental())).toBe(0);
      expect((await mirror.changes()).length).toBe(before);
    },
  );

  it('those among them that are gone become tombstones, and the rest stays', async () => {
    const { mirror, unlisted, asked } = await open(100, 60);
    const gone = [...unlisted.slice(0, 8), ...mirror.account.ids('thing').slice(0, 5)];
    for (const id of gone) mirror.account.remove('thing', id);
    mirror.account.log.length = 0;
    mirror.account.tick(10);
    expect(
      await asked(async () => expect((await mirror.full()).resources).toMatchObject({ thing: { deleted: 13 } })),
    ).toBe(65);
    await mirror.expectTruth('thing');
    expect(await certificate(mirror)).toMatchObject({ listed: 95, living: 147, hidden: 52, holds: true });
  });

  it.each(['full', 'incremental'] as const)(
    'what changes or dies of them later is found by the next run (%s), though no delivery came, and no other is asked for again',
    async (mode) => {
      const { mirror, unlisted, asked } = await open(30, 40);
      await mirror.full();
      const [changed = '', gone = ''] = unlisted;
      mirror.account.tick(30);
      mirror.account.update('thing', changed, { n: 'new' });
      mirror.account.remove('thing', gone);
      mirror.account.tick(30);
      // Of these two at most: their news is older than the list that was read beside it.
      expect(await asked(() => mirror[mode]())).toBeLessThanOrEqual(2);
      await mirror.expectTruth('thing');
    },
  );

  it('they are asked for again when the log of changes no longer covers the time between', async () => {
    const { mirror, unlisted, asked } = await open(30, 12);
    await mirror.full();
    mirror.account.remove('thing', unlisted[0] ?? '');
    mirror.account.log.length = 0;
    mirror.account.tick(31 * 86_400);
    expect(await asked(() => mirror.full())).toBe(12);
    await mirror.expectTruth('thing');
  });

  it('one that a list shows again is no longer hidden, and is found missing when it is gone', async () => {
    const { mirror, unlisted, asked } = await open(30, 12);
    await mirror.full();
    const [id = ''] = unlisted;
    mirror.account.unlist(id, false);
    mirror.account.tick(60);
    await mirror.full();
    expect(await certificate(mirror)).toMatchObject({ listed: 31, hidden: 11, holds: true });
    mirror.account.remove('thing', id);
    mirror.account.log.length = 0;
    mirror.account.tick(60);
    expect(await asked(() => mirror.full())).toBe(1);
    await mirror.expectTruth('thing');
  });

  it.each([
    [
      'none of the rows that were known is on its list: nothing is asked',
      0,
      /no longer shows 160 of 210 rows; nothing was deleted/,
    ],
    [
      'a row of the same id is on its list: one wave of questions',
      1,
      /159 of 209 rows, and 25 of 25 that were asked for by id do not exist/,
    ],
  ])('another account behind the key still trips the breaker; %s', async (_, shared, message) => {
    const { mirror, asked } = await open(120, 40);
    const theirs = createMirror(db);
    const [same = ''] = mirror.account.ids('thing');
    for (let n = 0; n < 50; n += 1)
      theirs.account.create('thing', n < shared ? { id: same, n } : { id: `theirs_${n}` });
    const ids = (await mirror.rows('thing')).map(({ external_id }) => external_id);
    mirror.api.meddle = ({ path, query, key }) =>
      theirs.api.fetch(`https://acme.test${path}?${query}`, { headers: { authorization: key } });
    const run = async () =>
      expect(await mirror.run('full')).toMatchObject({ state: 'failed', error: expect.stringMatching(message) });
    expect(await asked(run)).toBe(25 * shared);
    const rows = await mirror.rows('thing');
    expect(rows.filter(({ deleted }) => deleted)).toEqual([]);
    expect(rows.map(({ external_id }) => external_id)).toEqual(expect.arrayContaining(ids));
  });

  it('too many that are gone among those that hide trip the breaker before one of them is deleted; a word of a person allows them', async () => {
    const { mirror, unlisted } = await open(60, 140);
    for (const id of unlisted.slice(0, 90)) mirror.account.remove('thing', id);
    mirror.account.log.length = 0;
    mirror.account.tick(10);
    expect(await mirror.run('full')).toMatchObject({ state: 'failed', error: expect.stringContaining('140 of 200') });
    expect((await mirror.rows('thing')).filter(({ deleted }) => deleted)).toEqual([]);
    await mirror.full({ allow_mass_delete: true });
    await mirror.expectTruth('thing');
    expect(await certificate(mirror)).toMatchObject({ hidden: 50, holds: true });
  });

  it('a list that is not known to hide shows it in the first wave: nothing that exists is deleted', async () => {
    const { mirror, asked } = await open(300, 45, acmeLarge);
    expect(await asked(() => mirror.full())).toBe(45);
    await mirror.expectTruth('thing');
    expect(await asked(() => mirror.full())).toBe(0);
  });

  it('one that cannot be asked for is not deleted, and the run says so', async () => {
    const { mirror, unlisted } = await open(20, 12);
    const [first = ''] = unlisted;
    mirror.account.remove('thing', first);
    mirror.account.log.length = 0;
    mirror.account.tick(10);
    mirror.api.meddle = ({ path }) =>
      path === `/things/${first}` ? json({ error: { message: 'no' } }, 403) : undefined;
    expect(await mirror.run('full')).toMatchObject({ state: 'failed' });
    expect(await mirror.row('thing', first)).toMatchObject({ deleted: false });
    expect(await certificate(mirror)).toMatchObject({ holds: false });
    mirror.api.meddle = () => undefined;
    await mirror.full();
    await mirror.expectTruth('thing');
  });

  it('an audit counts them apart, and finds one that is gone without any news', async () => {
    const { mirror, unlisted, asked } = await open(22, 158);
    const audit = () => mirror.engine.audit(mirror.key, { repair: true });
    expect(
      await asked(async () =>
        expect(await audit()).toMatchObject({ state: 'completed', resources: { thing: { extra: 0 } } }),
      ),
    ).toBe(158);
    expect(await certificate(mirror)).toEqual({ listed: 22, living: 180, hidden: 158, holds: true, kind: 'audit' });
    mirror.account.remove('thing', unlisted[3] ?? '');
    mirror.account.log.length = 0;
    mirror.account.tick(10);
    expect(await audit()).toMatchObject({ resources: { thing: { extra: 1, repaired: 1 } } });
    await mirror.expectTruth('thing');
    expect(await certificate(mirror)).toMatchObject({ hidden: 157, holds: true });
  });
});
