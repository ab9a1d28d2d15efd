import { beforeAll, expect, it } from 'vitest';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { json } from '../support/acme-api.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { createMirror, type Mirror, type MirrorOptions } from '../support/mirror.ts';
import { expectNothingOpen } from '../support/story.ts';

const ALL = ['thing', 'part', 'note', 'tag', 'label', 'card'];

describeEachDatabase('syncing', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });
  const open = (options?: MirrorOptions) => createMirror(db, options);
  /** Objects of a kind, `apart` seconds from each other. */
  function fill(mirror: Mirror, kind: string, count: number, apart = 1): string[] {
    return Array.from({ length: count }, (_, i) => {
      mirror.account.tick(apart);
      return mirror.account.create(kind, { n: i }).id;
    });
  }
  /** Ids that the mirror shows. */
  const ids = async (mirror: Mirror, kind: string) => [...(await mirror.held(kind)).keys()].sort();
  const asked = (mirror: Mirror, path: string) => mirror.api.requests.filter((one) => one.startsWith(path));
  /** Rows with the place where they lie: another version of a row lies elsewhere. */
  const places = (mirror: Mirror) =>
    mirror.query(
      'select collection_key, external_id, ctid::text, xmin::text, updated_at from supasaasy.entities where app_key = $1 order by 1, 2',
      [mirror.key],
    );

  it('S4-13 S4-14 S4-17 S4-19 a full sync mirrors every resource to its last page, and counts', async () => {
    const mirror = open({ resources: ALL });
    fill(mirror, 'thing', 3, 0);
    mirror.account.create('thing', {
      parts: Array.from({ length: 5 }, (_, i) => ({ id: `${mirror.key}_${i}` })),
      cards: [{ id: `${mirror.key}_card` }],
    });
    for (const kind of ['note', 'tag', 'label']) fill(mirror, kind, 9);
    const run = await mirror.full();
    await mirror.expectTruth();
    expect(run.resources).toMatchObject({
      // The second page shows that nothing follows a first page that is exactly full.
      thing: { created: 4, updated: 0, deleted: 0, errors: 0, pages: 2 },
      part: { created: 5 },
      note: { created: 9, pages: 3 },
      tag: { created: 9, pages: 1 },
      label: { created: 9, pages: 3 },
      card: { created: 1 },
    });
  });

  it('S4-20 S4-21 S4-22 an entity has its id, its collection, and the answer as it came', async () => {
    const mirror = open();
    const made = mirror.account.create('thing', { name: 'Ä "quoted" \\ 𝄞', deep: { list: [1, null, { a: [] }] } });
    await mirror.full();
    const row = await mirror.row('thing', made.id);
    expect(row?.raw_payload).toEqual(made);
    const [own] = await mirror.query('select collection_key, api_version from supasaasy.entities where app_key = $1', [
      mirror.key,
    ]);
    expect(own).toEqual({ collection_key: 'acme_thing', api_version: '1' });
  });

  it('A15 S4-15 an update of an old object whose webhook was lost is found by the next incremental run', async () => {
    const mirror = open({ resources: ['thing', 'part', 'note'] });
    const [thing = ''] = fill(mirror, 'thing', 9);
    const [note = ''] = fill(mirror, 'note', 9);
    mirror.account.tick(86_400);
    await mirror.full();
    mirror.account.tick(86_400);
    mirror.account.update('thing', thing, { n: 100 });
    mirror.account.update('note', note, { n: 100 });
    const run = await mirror.incremental();
    await mirror.expectTruth();
    expect(run.resources).toMatchObject({ thing: { updated: 1 }, note: { updated: 1 } });
  });

  it('S4-16 S4-46 an incremental run asks for what changed since the last one only', async () => {
    const mirror = open({ resources: ['thing', 'part', 'note'] });
    fill(mirror, 'thing', 20, 600);
    fill(mirror, 'note', 20, 600);
    await mirror.full();
    mirror.account.tick(3600);
    const first = (await mirror.watermark('note')) ?? 0;
    mirror.api.requests.length = 0;
    await mirror.incremental();
    // A minute of overlap, as the description says.
    const since = first / 1000 - 60;
    expect(mirror.api.requests.sort()).toEqual([`/events?limit=8&since=${since}`, `/notes?limit=4&since=${since}`]);
    expect(await mirror.watermark('note')).toBeGreaterThanOrEqual(first + 3_590_000);
  });

  it('S4-15 a gap that the log of changes no longer covers becomes a full pass by itself', async () => {
    const mirror = open();
    const [first = ''] = fill(mirror, 'thing', 5);
    await mirror.full();
    mirror.account.tick(31 * 86_400);
    mirror.account.remove('thing', first);
    mirror.account.log.length = 0;
    const run = await mirror.incremental();
    await mirror.expectTruth();
    expect(run.resources['thing']).toMatchObject({ deleted: 1 });
    expect(asked(mirror, '/events')).toEqual([]);
  });

  it('S4-15 a resource that is added later is read in full by the next incremental run', async () => {
    const mirror = open({ resources: ['thing', 'part'] });
    fill(mirror, 'thing', 3);
    fill(mirror, 'note', 3);
    await mirror.full();
    const wider = open({ resources: ['thing', 'part', 'note', 'tag'], key: mirror.key, account: mirror.account });
    mirror.account.tick(3600);
    fill(mirror, 'tag', 2);
    await wider.incremental();
    await wider.expectTruth();
    expect(asked(wider, '/things')).toEqual([]);
    expect(await wider.watermark('note')).not.toBeNull();
  });

  it('A16 a failed page never moves the watermark, and a failed task never ends as a completed run', async () => {
    const mirror = open({ resources: ['thing', 'part', 'note'] });
    fill(mirror, 'thing', 9);
    fill(mirror, 'note', 9);
    mirror.api.meddle = ({ path, query }) => (path === '/notes' && query.has('after') ? json({}, 500) : undefined);
    const run = await mirror.run('full');
    expect(run).toMatchObject({ state: 'failed', error: expect.stringContaining('note: Acme answered 500') });
    expect(await mirror.watermark('note')).toBeNull();
    expect(await mirror.watermark('thing')).not.toBeNull();
    expect(run.resources['note']).toMatchObject({ errors: 1 });
    mirror.api.meddle = () => undefined;
    await mirror.incremental();
    await mirror.expectTruth();
  });

  it('A16 a failed incremental run moves no watermark, and the next one asks from the same moment', async () => {
    const mirror = open({ resources: ['thing', 'part'] });
    const made = fill(mirror, 'thing', 6);
    await mirror.full();
    const before = await mirror.watermark('thing');
    mirror.account.tick(7200);
    for (const id of made) mirror.account.update('thing', id, { n: -1 });
    mirror.api.meddle = ({ path, query }) => (path === '/events' && query.has('after') ? json({}, 503) : undefined);
    expect(await mirror.run('incremental')).toMatchObject({ state: 'failed' });
    expect(await mirror.watermark('thing')).toBe(before);
    mirror.api.meddle = () => undefined;
    mirror.account.tick(7200);
    await mirror.incremental();
    await mirror.expectTruth();
  });

  it('A16 what could not be read again keeps the watermark where it was', async () => {
    const mirror = open();
    const [id = ''] = fill(mirror, 'thing', 1);
    await mirror.full();
    const before = await mirror.watermark('thing');
    mirror.account.tick(3600);
    for (const n of [1, 2]) mirror.account.update('thing', id, { n });
    mirror.api.meddle = ({ path }) => (path === `/things/${id}` ? json({}, 500) : undefined);
    expect(await mirror.run('incremental')).toMatchObject({ state: 'failed' });
    expect(await mirror.watermark('thing')).toBe(before);
  });

  it("A16 a nested list that could not be completed keeps its parent's watermark where it was", async () => {
    const mirror = open();
    mirror.account.create('thing', { parts: Array.from({ length: 9 }, (_, i) => ({ id: `${mirror.key}_${i}` })) });
    mirror.api.meddle = ({ path }) => (path.endsWith('/parts') ? json({}, 500) : undefined);
    expect(await mirror.run('full')).toMatchObject({ state: 'failed' });
    expect(await mirror.watermark('thing')).toBeNull();
    mirror.api.meddle = () => undefined;
    await mirror.incremental();
    await mirror.expectTruth();
  });

  it('A17 the watermark lies before the first read: what changes while a page is under way is not lost', async () => {
    const mirror = open({ resources: ['thing', 'part', 'note'] });
    const [thing = ''] = fill(mirror, 'thing', 9);
    const [note = ''] = fill(mirror, 'note', 9);
    const began = mirror.account.now();
    let pages = 0;
    mirror.api.afterAnswer = ({ path }) => {
      if (path !== '/things' && path !== '/notes') return;
      pages += 1;
      mirror.account.tick(90);
      // Behind the cursor: this run cannot see it any more.
      if (path === '/things') mirror.account.update('thing', thing, { n: -pages });
      else mirror.account.update('note', note, { n: -pages });
    };
    await mirror.full();
    mirror.api.afterAnswer = () => {};
    for (const kind of ['thing', 'note']) expect(await mirror.watermark(kind)).toBeLessThanOrEqual(began + 90_000 * 4);
    expect(await mirror.watermark('thing')).toBeLessThanOrEqual(began);
    await mirror.incremental();
    await mirror.expectTruth();
  });

  it('A17 changes in the very second and minute of the watermark are not lost', async () => {
    const mirror = open({ resources: ['thing', 'part', 'note'] });
    const [thing = ''] = fill(mirror, 'thing', 2);
    const [note = ''] = fill(mirror, 'note', 2);
    mirror.api.afterAnswer = () => {
      mirror.account.update('thing', thing, { n: 7 });
      mirror.account.update('note', note, { n: 7 });
    };
    await mirror.full();
    mirror.api.afterAnswer = () => {};
    for (const seconds of [0, 1, 59, 60, 61]) {
      mirror.account.tick(seconds);
      mirror.account.update('thing', thing, { n: seconds });
      mirror.account.update('note', note, { n: seconds });
      await mirror.incremental();
      await mirror.expectTruth();
    }
  });

  it('A17 answers that are dated two hours too late hide no change', async () => {
    const mirror: Mirror = open({
      ports: {
        async fetch(input, init) {
          const answer = await mirror.api.fetch(input, init);
          const date = new Date(mirror.account.now() + 2 * 3_600_000).toUTCString();
          return new Response(answer.body, { status: answer.status, headers: { date } });
        },
      },
    });
    // To the second, the account's clock and our database's are one.
    mirror.account.tick(Math.floor((Date.now() - mirror.account.now()) / 1000));
    const { id } = mirror.account.create('thing', { value: 1 });
    await mirror.full();
    mirror.account.tick();
    mirror.account.update('thing', id, { value: 2 });
    await mirror.incremental();
    expect(await mirror.row('thing', id)).toMatchObject({ raw_payload: { value: 2 } });
  });

  it('A20 a task list is made in one transaction; a worker that starts early cannot finish an empty run', async () => {
    const mirror = open({ resources: ALL });
    for (const kind of ['thing', 'note', 'tag']) fill(mirror, kind, 5);
    const { engine } = mirror;
    const [{ runId }] = await Promise.all([
      engine.startRun(mirror.key, 'full'),
      ...Array.from({ length: 4 }, () => engine.work({ filter: { app_key: mirror.key } })),
    ]);
    await engine.work({ filter: { app_key: mirror.key } });
    expect(await engine.getRun(runId)).toMatchObject({ state: 'completed' });
    await mirror.expectTruth();
  });

  it('A23 more objects in one second than a page holds, ids unlike creation order, one object, none', async () => {
    for (const count of [0, 1, 4, 5, 23]) {
      const mirror = open({ slots: 4 });
      fill(mirror, 'thing', count, 0);
      const run = await mirror.full();
      await mirror.expectTruth('thing');
      expect(run.resources['thing']).toMatchObject({ created: count });
    }
  });

  it('A23 ranges that are read in parallel and split lose and double nothing', async () => {
    const mirror = open({ slots: 8, connector: 'acme' });
    for (let i = 0; i < 120; i++) {
      if (i % 7 === 0) mirror.account.tick(1 + ((i * 37) % 50));
      mirror.account.create('thing', { n: i });
    }
    const run = await mirror.full();
    await mirror.expectTruth('thing');
    expect(run.resources['thing']).toMatchObject({ created: 120 });
    expect((await mirror.changes()).length).toBe(120);
    const again = await mirror.full();
    expect(again.resources['thing']).toMatchObject({ created: 0, updated: 0, deleted: 0 });
  });

  it('A24 a cursor whose object was deleted meanwhile is recovered', async () => {
    const mirror = open();
    fill(mirror, 'thing', 11);
    let pages = 0;
    mirror.api.afterAnswer = ({ path }) => {
      pages += path === '/things' ? 1 : 0;
      const page = mirror.account.shown('thing').sort((a, b) => Number(b['created']) - Number(a['created']));
      if (path === '/things' && pages === 2) mirror.account.remove('thing', page[7]?.id ?? '');
    };
    await mirror.full();
    mirror.api.afterAnswer = () => {};
    await mirror.incremental();
    await mirror.expectTruth();
  });

  for (const [what, fault, message] of [
    ['an empty page that claims more', () => json({ data: [], has_more: true }), 'behind an empty page'],
    ['a cursor that repeats', (id: string) => json({ data: [{ id, created: 1 }], has_more: true }), 'repeats'],
  ] as const) {
    it(`A24 ${what} is refused, never endless`, async () => {
      const mirror = open({ resources: ['thing', 'part', 'tag'] });
      const made = fill(mirror, 'thing', 9);
      fill(mirror, 'tag', 2);
      mirror.api.meddle = ({ path, query }) =>
        path === '/things' && query.has('after') ? fault(query.get('after') ?? '') : undefined;
      const run = await mirror.run('full');
      expect(run).toMatchObject({ state: 'failed', error: expect.stringContaining(message) });
      expect(mirror.api.requests.length).toBeLessThan(30);
      expect(await ids(mirror, 'tag')).toHaveLength(2);
      expect((await mirror.rows('thing')).filter((row) => row.deleted)).toEqual([]);
      expect(made).toHaveLength(9);
    });
  }

  it('A24 a provider that leads in a circle is refused, whatever the length of the circle', async () => {
    for (const length of [2, 3, 7]) {
      const mirror = open({ resources: ['thing', 'part'] });
      mirror.api.meddle = ({ path, query }) => {
        const next = (Number(query.get('after')?.slice(1) ?? 0) + 1) % length;
        return path === '/things' ? json({ data: [{ id: `t${next}`, created: 1 }], has_more: true }) : undefined;
      };
      const run = await mirror.run('full');
      expect(run).toMatchObject({ state: 'failed', error: expect.stringContaining('circle') });
      expect(mirror.api.requests.length).toBeLessThan(12 * length);
    }
  });

  it('A24 numbered pages that show the same for ever are refused', async () => {
    const mirror = open({ resources: ['label'] });
    mirror.api.meddle = () => json({ data: [{ id: 'same', created: 1 }], next: 1 });
    const run = await mirror.run('full');
    expect(run).toMatchObject({ state: 'failed' });
    expect(mirror.api.requests.length).toBeLessThan(20);
  });

  it('A24 a list that loses its cursor page after page is given up, never endless', async () => {
    const mirror = open({ resources: ['thing', 'part', 'note'] });
    fill(mirror, 'thing', 9, 0);
    mirror.api.meddle = ({ path, query }) =>
      path === '/things' && query.has('after') ? json({ error: { code: 'cursor' } }, 400) : undefined;
    const run = await mirror.run('full');
    expect(run).toMatchObject({ state: 'failed', error: expect.stringContaining('cursor') });
    expect(mirror.api.requests.length).toBeLessThan(40);
  });

  it('A25 S4-18 S4-28 a 429 is never a failure, and its Retry-After is obeyed', async () => {
    const mirror = open({ settings: { maxAttempts: 1 } });
    fill(mirror, 'thing', 9);
    let refused = 0;
    mirror.api.meddle = ({ nth }) => {
      if (nth % 2 === 0) return undefined;
      refused += 1;
      return json({}, 429, { 'retry-after': '0' });
    };
    const run = await mirror.full();
    await mirror.expectTruth();
    expect(refused).toBeGreaterThan(2);
    expect(run.resources['thing']).toMatchObject({ errors: 0 });
  });

  it('A25 a long Retry-After gives the task back instead of holding it', async () => {
    const mirror = open();
    fill(mirror, 'thing', 2);
    mirror.api.meddle = () => json({}, 429, { 'retry-after': '300' });
    const { runId } = await mirror.engine.startRun(mirror.key, 'full');
    await mirror.engine.work({ filter: { app_key: mirror.key }, once: true });
    const tasks = await mirror.query(
      `select state, attempts, not_before > clock_timestamp() + interval '290 seconds' as waits from supasaasy.tasks where run_id = $1`,
      [runId],
    );
    expect(tasks).toEqual([{ state: 'ready', attempts: 0, waits: true }]);
    expect(mirror.api.requests).toHaveLength(1);
    await mirror.engine.store.cancelRun(runId, 'the test is over');
  });

  it('A25 500s, cut connections, truncated JSON and HTML pages are tried again', async () => {
    const mirror = open({ settings: { maxAttempts: 6 } });
    fill(mirror, 'thing', 12);
    const faults = [
      () => json({}, 500),
      () => json('<html><body>Bad gateway</body></html>', 502),
      () => json('<html><body>All is well</body></html>'),
      () => json('{"data":[{"id":"x"'),
      () => json(''),
      () => Promise.reject(new TypeError('fetch failed')),
    ];
    mirror.api.meddle = ({ nth }) => (nth % 2 === 1 ? faults[(nth >> 1) % faults.length]?.() : undefined);
    const run = await mirror.full();
    await mirror.expectTruth();
    expect(run.resources['thing']).toMatchObject({ created: 12, errors: 0 });
  });

  it('A25 what fails again and again is reported by name and status', async () => {
    const mirror = open();
    fill(mirror, 'thing', 1);
    mirror.api.meddle = () => json({ error: { message: 'on fire' } }, 500);
    const run = await mirror.run('full');
    expect(run.state).toBe('failed');
    expect(run.error).toMatch(/thing: Acme answered 500 to GET \/things.*on fire/);
    expect(mirror.api.requests).toHaveLength(3);
  });

  it('A25 a key revoked half-way pauses the app and says so; a mended key goes on where it was', async () => {
    const mirror = open({ settings: { maxAttempts: 1 } });
    fill(mirror, 'thing', 12);
    mirror.api.meddle = ({ nth }) => (nth > 2 ? json({ error: { message: 'revoked' } }, 401) : undefined);
    const { runId } = await mirror.engine.startRun(mirror.key, 'full');
    await mirror.engine.work({ slots: 1, filter: { run_id: runId } });
    const [app] = await mirror.query(
      'select paused_at is not null as paused, pause_reason from supasaasy.apps where app_key = $1',
      [mirror.key],
    );
    expect(app).toMatchObject({ paused: true, pause_reason: expect.stringContaining('KEY') });
    expect(await mirror.engine.getRun(runId)).toMatchObject({ state: 'running' });
    const before = mirror.api.requests.length;
    await mirror.engine.work({ filter: { app_key: mirror.key } });
    expect(mirror.api.requests).toHaveLength(before);
    mirror.api.meddle = () => undefined;
    const run = await mirror.full();
    expect(run.id).toBe(runId);
    await mirror.expectTruth();
    expect(asked(mirror, '/things').filter((path) => !path.includes('after'))).toHaveLength(1);
  });

  it('A26 resources that failed for the same reason are named together', async () => {
    const mirror = open({ resources: ['thing', 'note', 'tag'] });
    mirror.api.meddle = () => {
      throw new TypeError('fetch failed');
    };
    const { state, error } = await mirror.run('full');
    expect(state).toBe('failed');
    expect(error).toMatch(/^(?:\w+, )+\w+: acme\.test cannot be reached \([^;]*\)$/);
  });

  it('A26 a missing permission on one resource fails that resource by name and leaves the others running', async () => {
    const mirror = open({ resources: ALL });
    for (const kind of ['thing', 'note', 'tag', 'label']) fill(mirror, kind, 5);
    mirror.api.meddle = ({ path }) => (path === '/notes' ? json({ error: { message: 'not yours' } }, 403) : undefined);
    const run = await mirror.run('full');
    expect(run.state).toBe('failed');
    expect(run.error).toMatch(/^note: Acme answered 403.*KEY.*not yours/);
    await mirror.expectTruth('thing', 'tag', 'label');
    expect(asked(mirror, '/notes')).toHaveLength(1);
  });

  it('A29 S4-42 S4-43 S4-44 sync_from keeps older records out, whether or not the list can be filtered', async () => {
    const mirror = open({ resources: ['thing', 'label'], app: { sync_from: '2026-03-01T00:00:05Z' } });
    for (const kind of ['thing', 'label']) {
      for (let i = 0; i < 12; i++) mirror.account.create(kind, { created: Date.UTC(2026, 2, 1, 0, 0, i) / 1000 });
    }
    await mirror.full();
    for (const kind of ['thing', 'label']) {
      const expected = [...mirror.account.truth(kind)].filter(
        ([, { created }]) => Number(created) >= Date.UTC(2026, 2, 1, 0, 0, 5) / 1000,
      );
      expect(expected).toHaveLength(7);
      expect(await ids(mirror, kind)).toEqual(expected.map(([id]) => id).sort());
    }
  });

  it('A29 sync_from holds for lists per parent, too', async () => {
    const mirror = open({ resources: ['thing', 'card'], app: { sync_from: '2026-02-01' } });
    const young = Date.UTC(2026, 2, 1) / 1000;
    const old = Date.UTC(2026, 0, 1) / 1000;
    const card = (n: number, created: number) => ({ id: `${mirror.key}_${n}`, created });
    const { id } = mirror.account.create('thing', { cards: [card(1, young), card(2, old), card(3, young)] });
    await mirror.full();
    expect(await ids(mirror, 'card')).toEqual([card(1, 0).id, card(3, 0).id]);
    // An older one that is there all the same stays, in the list or not.
    const all = open({ resources: ['thing', 'card'], key: mirror.key, account: mirror.account });
    await all.full();
    expect(await ids(mirror, 'card')).toHaveLength(3);
    mirror.account.update('thing', id, { cards: [card(1, young)] });
    await mirror.full();
    expect(await ids(mirror, 'card')).toEqual([card(1, 0).id, card(2, 0).id]);
  });

  it('A29 S4-47 S4-48 records from before sync_from are never deleted for being absent; those inside are', async () => {
    const mirror = open({ resources: ['thing', 'label'] });
    const minute = (n: number) => Date.UTC(2026, 1, 1, 0, n) / 1000;
    for (const kind of ['thing', 'label'])
      for (let i = 0; i < 12; i++) mirror.account.create(kind, { id: `${kind}_${i}`, created: minute(i) });
    await mirror.full();
    const sync_from = new Date(minute(6) * 1000);
    const later = open({ resources: ['thing', 'label'], key: mirror.key, account: mirror.account, app: { sync_from } });
    for (const kind of ['thing', 'label']) for (const i of [0, 11]) mirror.account.remove(kind, `${kind}_${i}`);
    await later.full();
    for (const kind of ['thing', 'label']) {
      const held = await ids(mirror, kind);
      expect(held).toContain(`${kind}_0`);
      expect(held).not.toContain(`${kind}_11`);
      expect(held).toHaveLength(11);
    }
  });

  it('A29 S4-45 sync_from never changes an incremental run', async () => {
    const mirror = open({ resources: ['thing', 'part', 'note'] });
    const [thing = ''] = fill(mirror, 'thing', 3);
    const [note = ''] = fill(mirror, 'note', 3);
    await mirror.full();
    const later = open({
      resources: ['thing', 'part', 'note'],
      key: mirror.key,
      account: mirror.account,
      app: { sync_from: '2027-01-01' },
    });
    mirror.account.tick(3600);
    mirror.account.update('thing', thing, { n: 50 });
    mirror.account.update('note', note, { n: 50 });
    await later.incremental();
    await later.expectTruth();
  });

  it('A29 S4-42 an invalid sync_from is a clear error; S4-49 without one all history is read', async () => {
    for (const sync_from of ['yesterday', '2026-13-01', '01.02.2026', '2026-02-01T25:00:00Z']) {
      expect(() => open({ app: { sync_from } })).toThrow(/sync_from.*ISO 8601/s);
    }
    for (const sync_from of [
      '2026-02-01',
      '2026-02-01T00:00:00Z',
      '2026-02-01T02:00:00+02:00',
      new Date('2026-02-01'),
    ]) {
      expect(open({ app: { sync_from } }).config.apps[0]?.syncFromSeconds).toBe(Date.UTC(2026, 1, 1) / 1000);
    }
    const mirror = open();
    mirror.account.create('thing', { created: 0 });
    await mirror.full();
    await mirror.expectTruth();
  });

  it('A30 a run with a limit stops there, deletes nothing and moves no watermark', async () => {
    const mirror = open({ resources: ['thing', 'part', 'note', 'label'] });
    for (const kind of ['thing', 'note', 'label']) fill(mirror, kind, 12);
    await mirror.full();
    const watermark = await mirror.watermark('note');
    mirror.account.tick(3600);
    const run = await mirror.full({ limit: 6 });
    expect(run.resources).toMatchObject({
      thing: { unchanged: 6, deleted: 0, pages: 2 },
      note: { unchanged: 6, deleted: 0 },
    });
    await mirror.expectTruth();
    expect(await mirror.watermark('note')).toBe(watermark);
  });

  it('A30 a run of one resource leaves the others as they are', async () => {
    const mirror = open({ resources: ['thing', 'part', 'note'] });
    fill(mirror, 'thing', 5);
    const [note = ''] = fill(mirror, 'note', 5);
    await mirror.full();
    mirror.account.tick();
    mirror.account.remove('note', note);
    await mirror.full({ resources: ['thing'] });
    expect(await ids(mirror, 'note')).toHaveLength(5);
    await expect(mirror.run('full', { resources: ['tag'] })).rejects.toThrow('does not sync "tag"');
  });

  it('A31 S4-16 unchanged data that is synced again writes no row, no feed and moves no updated_at', async () => {
    const mirror = open({ resources: ALL });
    const made = fill(mirror, 'thing', 9);
    mirror.account.update('thing', made[0] ?? '', { active: false });
    mirror.account.create('thing', {
      parts: Array.from({ length: 7 }, (_, i) => ({ id: `${mirror.key}_${i}` })),
      cards: [{ id: `${mirror.key}_card` }],
    });
    for (const kind of ['note', 'tag', 'label']) fill(mirror, kind, 9);
    await mirror.full();
    const before = await places(mirror);
    const feed = await mirror.changes();
    mirror.account.tick(100);
    for (const mode of ['full', 'incremental', 'full'] as const) {
      const run = await mirror[mode]();
      for (const counts of Object.values(run.resources))
        expect(counts).toMatchObject({ created: 0, updated: 0, archived: 0, deleted: 0, errors: 0 });
    }
    expect(await mirror.changes()).toEqual(feed);
    expect(await places(mirror)).toEqual(before);
  });

  it('A15 a number that changes its sign and a field that moves into its neighbour are changes', async () => {
    // One of them has fields that are left out of the comparison, and so is compared in another way.
    for (const kind of ['thing', 'tag']) {
      const mirror = open({ resources: [kind] });
      const first = mirror.account.create(kind, { balance: 500, tax: { rate: 1 }, net: 2 });
      await mirror.full();
      for (const fields of [{ balance: -500 }, { tax: { rate: 1, net: 2 }, net: undefined }]) {
        mirror.account.tick();
        mirror.account.update(kind, first.id, fields);
        const run = await mirror.full();
        expect(run.resources[kind]).toMatchObject({ updated: 1 });
      }
    }
  });

  it('A31 a field that is signed anew in every answer is no change', async () => {
    const mirror = open();
    const { id } = mirror.account.create('thing', { link: 'https://files.test/1' });
    await mirror.full();
    mirror.account.tick();
    mirror.account.update('thing', id, { link: 'https://files.test/2' });
    const run = await mirror.full();
    expect(run.resources['thing']).toMatchObject({ unchanged: 1, updated: 0 });
  });

  it('S4-23 an archived object keeps the moment of its archiving', async () => {
    const mirror = open();
    const { id } = mirror.account.create('thing', { active: true });
    await mirror.full();
    mirror.account.tick();
    mirror.account.update('thing', id, { active: false });
    await mirror.full();
    const archivedAt = () =>
      mirror.query('select archived_at from supasaasy.entities where app_key = $1 and external_id = $2', [
        mirror.key,
        id,
      ]);
    const before = await archivedAt();
    mirror.account.tick(500);
    mirror.account.update('thing', id, { n: 1 });
    await mirror.full();
    expect(await archivedAt()).toEqual(before);
    mirror.account.tick();
    mirror.account.update('thing', id, { active: true });
    await mirror.full();
    expect(await archivedAt()).toEqual([{ archived_at: null }]);
  });

  it('I8 an app that is paused or not configured holds up no other', async () => {
    const [paused, gone, fine] = [open(), open(), open()];
    for (const mirror of [paused, gone, fine]) {
      fill(mirror, 'thing', 5);
      await mirror.engine.startRun(mirror.key, 'full');
    }
    await paused.engine.store.pauseApp(paused.key, 'by hand');
    await fine.engine.work();
    await fine.expectTruth();
    await expectNothingOpen(fine);
    expect(paused.api.requests).toEqual([]);
    expect(gone.api.requests).toEqual([]);
    expect(await gone.run('full')).toMatchObject({ state: 'completed' });
  });
});
