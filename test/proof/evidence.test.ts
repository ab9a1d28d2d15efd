import { beforeAll, expect, it } from 'vitest';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { createAcmeApi } from '../support/acme-api.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { createMirror, type MirrorOptions } from '../support/mirror.ts';
import { misdescribe, mislist } from '../support/misdescribed.ts';

type Answer = Record<string, unknown>;

interface Certificate {
  readonly holds: boolean;
  readonly ended_by: string | null;
  readonly reason: string | null;
  readonly evidence: Record<string, unknown> | null;
}

describeEachDatabase('the evidence of a certificate', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });
  const certificate = async (key: string, resource: string): Promise<Certificate | undefined> =>
    (
      await db.query<Certificate>(
        'select holds, ended_by, reason, evidence from supasaasy.certificates where app_key = $1 and resource = $2',
        [key, resource],
      )
    )[0];

  function filled(kind: string, count: number, options: MirrorOptions = {}) {
    const mirror = createMirror(db, { resources: [kind], settings: { auditGraceMs: 0 }, ...options });
    for (let n = 0; n < count; n += 1) {
      mirror.account.create(kind, { n });
      mirror.account.tick();
    }
    return mirror;
  }

  /** Acme's answers, changed on their way. */
  function changing(
    mirror: ReturnType<typeof filled>,
    path: string,
    change: (answer: Answer, query: URLSearchParams) => Answer,
  ) {
    const plain = createAcmeApi(mirror.account);
    mirror.api.meddle = async (request) => {
      if (request.path !== path) return undefined;
      const url = `https://acme.test${path}?${request.query}`;
      const response = await plain.fetch(url, { headers: { authorization: request.key } });
      return response.ok ? Response.json(change((await response.json()) as Answer, request.query)) : response;
    };
  }

  const CHANGES = ['thing', 'note', 'label'].flatMap((kind) => [[kind, 'loses'] as const, [kind, 'gets'] as const]);
  it.each(CHANGES)(
    'C41 a list of %ss that %s a record while its end is checked is read to its end',
    async (kind, how) => {
      const mirror = filled(kind, 4);
      const { account } = mirror;
      const [first] = account.shown(kind);
      let asked = 0;
      mirror.api.meddle = ({ path }) => {
        if (path !== `/${kind}s`) return undefined;
        asked += 1;
        if (asked === 2 && how === 'loses') account.remove(kind, String(first?.['id']));
        if (asked === 2 && how === 'gets') account.create(kind, { n: 9 });
        return undefined;
      };
      await mirror.full();
      expect(asked).toBeGreaterThan(1);
      await mirror.deliver(...account.log.slice(-1));
      // Labels have no events: the next pass finds what came and went.
      expect(await mirror.full()).toMatchObject({ state: 'completed' });
      await mirror.expectTruth(kind);
      expect(await certificate(mirror.key, kind)).toMatchObject({ holds: true });
    },
  );

  /** Of each way of paging: nothing, less than a page, exactly one, more, exactly two. */
  const ENDS: readonly [kind: string, count: number, ended: string][] = [
    ['thing', 0, 'empty page'],
    ['thing', 3, 'flag'],
    ['thing', 4, 'empty page'],
    ['thing', 6, 'flag'],
    ['thing', 8, 'flag'],
    ['note', 0, 'empty page'],
    ['note', 3, 'no further position'],
    ['note', 4, 'no further position'],
    ['note', 6, 'no further position'],
    ['note', 8, 'no further position'],
    ['label', 0, 'empty page'],
    ['label', 3, 'no further position'],
    ['label', 4, 'no further position'],
    ['label', 6, 'no further position'],
    ['label', 8, 'no further position'],
    ['tag', 0, 'one answer'],
    ['tag', 4, 'one answer'],
    ['tag', 9, 'one answer'],
  ];
  it.each(ENDS)('C1 of %s with %i objects says how the list ended: %s', async (kind, count, ended) => {
    const mirror = filled(kind, count);
    await mirror.full();
    await mirror.expectTruth(kind);
    const first = await certificate(mirror.key, kind);
    expect(first).toMatchObject({
      holds: true,
      ended_by: ended,
      reason: null,
      evidence: { lists: 1, records: count, named: count },
    });
    const audit = await mirror.engine.audit(mirror.key);
    expect(audit).toMatchObject({ state: 'completed', error: null });
    expect(await certificate(mirror.key, kind)).toMatchObject({ holds: true, ended_by: ended, reason: null });
    const [health] = await mirror.engine.proof.health(mirror.key);
    expect(health).toMatchObject({
      state: 'ok',
      certificate_ended_by: ended,
      certificate_reason: null,
      certificate_evidence: { named: count },
    });
  });

  it('C1 of a list whose last page leaves the place of the cursor out: earlier pages had one there', async () => {
    for (const count of [3, 6, 8]) {
      const mirror = filled('note', count);
      changing(mirror, '/notes', ({ next, ...answer }) => (next === null ? answer : { ...answer, next }));
      await mirror.full();
      await mirror.expectTruth('note');
      expect(await certificate(mirror.key, 'note')).toMatchObject({
        holds: true,
        ended_by: count === 8 ? 'no further position' : expect.stringMatching(/short page|no further position/),
      });
    }
  });

  it('C1 of exactly one page without a place for the cursor: the total of the provider is evidence, without it none', async () => {
    const counted = filled('note', 4, { connector: mislist('note', { total: { path: ['total'] } }) });
    changing(counted, '/notes', ({ next: _, ...answer }) => answer);
    await counted.full();
    expect(await certificate(counted.key, 'note')).toMatchObject({
      holds: true,
      ended_by: 'count',
      evidence: { count: { source: [4, 4], named: 4 } },
    });
    const bare = filled('note', 4);
    changing(bare, '/notes', ({ next: _, total: __, ...answer }) => answer);
    expect(await bare.run('full')).toMatchObject({
      state: 'failed',
      error: expect.stringMatching(/full page of 4 records has no next position at next: the answer has data\./),
    });
  });

  it('C1 of a list that takes no notice of the cursor and says that it ended', async () => {
    const mirror = filled('thing', 4);
    changing(mirror, '/things', () => ({ data: mirror.account.shown('thing'), has_more: false }));
    await mirror.full();
    expect(await certificate(mirror.key, 'thing')).toMatchObject({ holds: true, ended_by: 'flag' });
  });

  it('C1 of a provider whose pages are short without being the last: said in the description, it is no mistake', async () => {
    const connector = mislist('note', { shortPages: 'Acme leaves out what one may not see' });
    const mirror = filled('note', 9, { connector });
    changing(mirror, '/notes', (answer, query) =>
      query.has('after') ? answer : { ...answer, data: (answer['data'] as Answer[]).slice(1) },
    );
    await mirror.run('full');
    expect(await certificate(mirror.key, 'note')).toMatchObject({ holds: true, ended_by: 'no further position' });
    const strict = filled('note', 9);
    changing(strict, '/notes', (answer, query) =>
      query.has('after') ? answer : { ...answer, data: (answer['data'] as Answer[]).slice(1) },
    );
    await strict.run('full');
    expect(await certificate(strict.key, 'note')).toMatchObject({
      holds: false,
      reason: expect.stringContaining('a page has 3 records where 4 were asked for'),
    });
  });

  it('C1 the number that the provider counts is compared with the number that the list names', async () => {
    const connector = mislist('note', { total: { path: ['total'] } });
    const mirror = filled('note', 9, { connector });
    await mirror.full();
    expect(await certificate(mirror.key, 'note')).toMatchObject({
      holds: true,
      evidence: { count: { source: [9, 9], named: 9 } },
    });
    changing(mirror, '/notes', (answer, query) =>
      query.get('after') === '4'
        ? { ...answer, data: (answer['data'] as Answer[]).slice(0, 2).concat((answer['data'] as Answer[]).slice(0, 2)) }
        : answer,
    );
    mirror.account.tick(5);
    await mirror.run('full');
    expect(await certificate(mirror.key, 'note')).toMatchObject({
      holds: false,
      reason: expect.stringContaining('the provider counts 9, and the list names 7'),
    });
    expect((await mirror.rows('note')).filter(({ deleted }) => deleted)).toEqual([]);
  });

  it('C1 what the provider does not count and what a nested list may leave out is not claimed', async () => {
    const connector = misdescribe('thing', () => ({
      children: [{ resource: 'part', path: ['parts', 'data'], replace: false }],
    }));
    const mirror = createMirror(db, { connector });
    mirror.account.create('thing', { parts: [{ id: `${mirror.key}_1` }] });
    await mirror.full();
    expect(await certificate(mirror.key, 'thing')).toMatchObject({
      holds: true,
      evidence: { count: expect.stringContaining('does not say how many') },
    });
    expect(await certificate(mirror.key, 'part')).toMatchObject({
      holds: true,
      evidence: { with: 'thing', nested: { lists: 1, complete: expect.stringMatching(/^not claimed/) } },
    });
  });

  it('C1 a certificate of a release that kept no evidence does not hold, and says what to do', async () => {
    const mirror = filled('tag', 2);
    await mirror.full();
    await db.query('update supasaasy.certificates set evidence = null where app_key = $1', [mirror.key]);
    const upgraded = (await import('node:fs')).readFileSync('src/engine/migrations/033_evidence.sql', 'utf8');
    await db.database.script(upgraded);
    expect(await certificate(mirror.key, 'tag')).toMatchObject({
      holds: false,
      reason: expect.stringMatching(/full sync or an audit/),
    });
    await mirror.full();
    expect(await certificate(mirror.key, 'tag')).toMatchObject({ holds: true, reason: null });
  });

  it('C1 a page of an older process, which does not say what it asked for, is no evidence', async () => {
    const mirror = filled('note', 3);
    const { runId } = await mirror.engine.startRun(mirror.key, 'full', {});
    const [task] = await mirror.engine.store.claimTasks(1, 60, { run_id: runId });
    if (task === undefined) throw new Error('no task');
    const app = mirror.engine.app(mirror.key);
    const page = {
      spec: app.spec('note'),
      started_at: new Date().toISOString(),
      version: 1,
      version_until: 2,
      next: app.config.connector.resources['note']?.list?.next,
    };
    await mirror.engine.store.ingestPage(task, JSON.stringify({ data: mirror.account.shown('note') }), page);
    await mirror.engine.work({ slots: 1, filter: { run_id: runId } });
    expect(await certificate(mirror.key, 'note')).toMatchObject({
      holds: false,
      reason: expect.stringContaining('nothing shows that 1 of 1 lists ended'),
    });
  });

  it.each([250, 1])(
    'C2 a run of which %i records went to quarantine has failed by name, and certifies nothing',
    async (count) => {
      const mirror = filled('note', 9, {
        connector: count === 1 ? 'acme' : misdescribe('note', () => ({ id: ['no', 'id'] })),
      });
      if (count === 1) mirror.account.create('note', { text: '\u0000' });
      const run = await mirror.run('full');
      expect(run).toMatchObject({
        state: 'failed',
        error: expect.stringMatching(
          /^note: (a record is|9 records are) in quarantine \(.+\); see them with: supasaasy quarantine list$/,
        ),
      });
      expect(await certificate(mirror.key, 'note')).toMatchObject({
        holds: false,
        reason: expect.stringMatching(/quarantine/),
      });
      // Read again, the same records are the same records.
      await mirror.run('full');
      expect(await mirror.quarantine()).toHaveLength(count === 1 ? 1 : 9);
      const audit = await mirror.engine.audit(mirror.key);
      expect([audit.error, Number(audit.resources['note']?.missing)]).toEqual([null, count === 1 ? 1 : 9]);
      expect(await certificate(mirror.key, 'note')).toMatchObject({ holds: false });
    },
  );

  it('C2 an incremental run that leaves records in quarantine has failed too, and one after it has not', async () => {
    const mirror = filled('note', 2);
    await mirror.full();
    mirror.account.tick(100);
    const [id = ''] = mirror.account.ids('note');
    mirror.account.update('note', id, { text: '\u0000' });
    await mirror.partial('incremental');
    mirror.account.tick(100);
    mirror.account.update('note', id, { text: 'readable' });
    await mirror.incremental();
  });

  it('C2 nested records in quarantine keep the certificate of their resource from holding', async () => {
    const mirror = createMirror(db);
    const parts = Array.from({ length: 6 }, (_, i) => ({
      id: `${mirror.key}_${i}`,
      ...(i === 5 ? { text: '\u0000' } : {}),
    }));
    mirror.account.create('thing', { parts });
    await mirror.partial();
    expect(await certificate(mirror.key, 'part')).toMatchObject({
      holds: false,
      reason: '1 records are in quarantine',
    });
  });

  it.each([
    ['an empty text', (): Answer => ({ next: '' })],
    ['false', (): Answer => ({ next: false })],
  ])('C5 %s as the next cursor ends the list', async (_, last) => {
    for (const kind of ['note', 'label'])
      for (const count of [3, 8]) {
        const mirror = filled(kind, count);
        changing(mirror, `/${kind}s`, (answer) => (answer['next'] === null ? { ...answer, ...last() } : answer));
        await mirror.full();
        await mirror.expectTruth(kind);
        expect(await certificate(mirror.key, kind)).toMatchObject({ holds: true, ended_by: 'no further position' });
      }
  });

  it.each([3, 4, 6, 8])(
    'C5 the last of %i objects repeats its cursor: has_more decides where the description says so',
    async (count) => {
      const connector = mislist('note', { next: { style: 'path', path: ['next'], more: ['has_more'] } });
      const mirror = filled('note', count, { connector });
      changing(mirror, '/notes', (answer, query) => ({
        ...answer,
        has_more: answer['next'] !== null,
        next: answer['next'] ?? query.get('after') ?? String(count),
      }));
      await mirror.full();
      await mirror.expectTruth('note');
      expect(await certificate(mirror.key, 'note')).toMatchObject({
        holds: true,
        ended_by: count === 4 ? 'empty page' : 'flag',
      });
      expect(await mirror.engine.audit(mirror.key)).toMatchObject({ state: 'completed', error: null });
    },
  );

  it('C10 an object that only another app has is a finding of an audit page, and is settled', async () => {
    const mine = filled('tag', 2);
    const other = createMirror(db, { resources: ['tag'] });
    const { id } = other.account.create('tag', { id: `${other.key}_1`, name: 'theirs' });
    await mine.full();
    await other.full();
    mine.account.create('tag', { id, name: 'mine now' });
    const found = await mine.engine.audit(mine.key);
    expect(found.error).toBe(null);
    expect(found.resources['tag']).toMatchObject({ missing: 1, unconfirmed: 0, ids: { missing: [id] } });
    expect(await db.query('select state from supasaasy.audit_findings where run_id = $1', [found.id])).toEqual([
      { state: 'confirmed' },
    ]);
    const repaired = await mine.engine.audit(mine.key, { repair: true });
    expect(repaired.resources['tag']).toMatchObject({ missing: 1, repaired: 1, unconfirmed: 0 });
    await mine.expectTruth('tag');
    expect((await other.held('tag')).get(id)).toMatchObject({ name: 'theirs' });
  });
});
