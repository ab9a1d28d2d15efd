import { beforeAll, expect, it } from 'vitest';
import { previewRun } from '../../src/engine/sync/preview.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { createAcmeAccount } from '../support/acme-account.ts';
import { json } from '../support/acme-api.ts';
import { ACME_TEMPLATE, acmeTelling } from '../support/acme-connector.ts';
import { createMirror, type Mirror } from '../support/mirror.ts';

/** Both ids, and what to do in each of the three cases. */
const SLOTS = 4;
const WRONG =
  /the key in KEY belongs to theirs, but (\S+) mirrors ours: nothing was stored.*the key of ours back.*another app_key.*supasaasy resume \1 --accept-account/;

describeEachDatabase('the account behind a key', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });

  const logged: string[] = [];
  function create() {
    const mirror = createMirror(db, {
      resources: ['thing', 'tag'],
      connector: acmeTelling.metadata.name,
      account: createAcmeAccount('ours'),
      settings: { auditGraceMs: 0 },
      slots: SLOTS,
      ports: { log: (level, message) => logged.push(`${level} ${message}`) },
    });
    for (let n = 0; n < 12; n += 1) mirror.account.create('thing', { n });
    return mirror;
  }

  /** From now on the key opens another account, in a new process. */
  function switchAccount(mirror: Mirror) {
    const theirs = createMirror(db, { account: createAcmeAccount('theirs') });
    for (let n = 0; n < 70; n += 1) theirs.account.create('thing', { id: `theirs_${n}` });
    mirror.api.meddle = ({ path, query, key }) =>
      theirs.api.fetch(`https://acme.test${path}?${query}`, { headers: { authorization: key } });
    mirror.account.tick();
    mirror.restart();
    return theirs;
  }

  const stored = async (mirror: Mirror) => [await mirror.rows('thing'), await mirror.changes()];

  it('is asked for once by a process, before anything else, and remembered', async () => {
    const mirror = create();
    await mirror.full();
    await mirror.incremental();
    expect(mirror.api.requests.filter((path) => path === '/account')).toHaveLength(1);
    expect(mirror.api.requests[0]).toBe('/account');
    expect(await mirror.engine.store.accountOf(mirror.key)).toBe('ours');
    mirror.restart();
    await mirror.incremental();
    await mirror.expectTruth();
  });

  it.each(['full', 'incremental'] as const)(
    'A33 is not the one that the app mirrors: a run (%s) stores nothing, pauses the app, and says what to do',
    async (mode) => {
      const mirror = create();
      await mirror.full();
      const before = await stored(mirror);
      const theirs = switchAccount(mirror);
      expect(await mirror.run(mode)).toMatchObject({ state: 'running' });
      expect(await stored(mirror)).toEqual(before);
      // What travelled beside the question was thrown away, and nothing followed it.
      expect(theirs.api.requests[0]).toBe('/account');
      expect(theirs.api.requests.length).toBeLessThanOrEqual(1 + SLOTS);
      expect(await mirror.engine.proof.pauseReason(mirror.key)).toMatch(WRONG);
      // The right key again: the same run goes on to its end.
      mirror.api.meddle = () => undefined;
      expect(await mirror.run(mode)).toMatchObject({ state: 'completed' });
      await mirror.expectTruth();
    },
  );

  it('A33 is not the one that the app mirrors: an audit that repairs stores nothing', async () => {
    const mirror = create();
    await mirror.full();
    const before = await stored(mirror);
    switchAccount(mirror);
    await mirror.engine.audit(mirror.key, { repair: true });
    expect(await stored(mirror)).toEqual(before);
    expect(await mirror.engine.proof.pauseReason(mirror.key)).toMatch(WRONG);
    await expect(mirror.engine.audit(mirror.key, { repair: true })).rejects.toThrow(WRONG);
  });

  it('is not the one that the app mirrors: what an event asks to read again is not stored', async () => {
    const mirror = create();
    await mirror.full();
    const [id = ''] = mirror.account.ids('thing');
    const touched = mirror.account.announce('thing.touched', { id });
    const before = await stored(mirror);
    const theirs = switchAccount(mirror);
    await mirror.deliver(touched);
    expect(await stored(mirror)).toEqual(before);
    expect(theirs.api.requests).toEqual(['/account', expect.stringContaining('/things/')]);
  });

  it('is not the one that the app mirrors: a dry run refuses too, and a first dry run remembers nothing', async () => {
    const mirror = create();
    const preview = () => previewRun(mirror.engine, mirror.key, 'full', {}, new AbortController().signal);
    expect(await preview()).toMatchObject({ status: 'completed' });
    expect(await mirror.engine.store.accountOf(mirror.key)).toBeNull();
    await mirror.full();
    switchAccount(mirror);
    await expect(preview()).rejects.toThrow(WRONG);
  });

  it('is changed by the word of a person: what was begun ends, everything is read, the former objects go', async () => {
    const mirror = create();
    await mirror.full();
    const theirs = switchAccount(mirror);
    const open = await mirror.run('incremental');
    expect(await mirror.engine.store.changeAccount(mirror.key, 'theirs')).toBe('ours');
    expect(await mirror.engine.getRun(open.id)).toMatchObject({
      state: 'cancelled',
      error: expect.stringMatching(/another account/),
    });
    expect(await mirror.watermark('thing')).toBeNull();
    await mirror.full({ allow_mass_delete: true });
    expect([...(await mirror.held('thing')).keys()]).toEqual([...theirs.account.truth('thing').keys()].sort());
  });

  it('is not told by a key that may not ask: the run goes on, with a warning', async () => {
    const mirror = create();
    mirror.api.meddle = ({ path }) =>
      path === '/account' ? json({ error: { message: 'no permission' } }, 403) : undefined;
    await mirror.full();
    await mirror.expectTruth();
    expect(
      logged.filter((line) => line.startsWith(`warn ${mirror.key}: Acme does not tell which account`)),
    ).toHaveLength(1);
  });

  it('is asked for again when the question failed', async () => {
    const mirror = create();
    let failures = 2;
    mirror.api.meddle = ({ path }) => (path === '/account' && failures-- > 0 ? json({}, 500) : undefined);
    await mirror.full();
    await mirror.expectTruth();
    expect(await mirror.engine.store.accountOf(mirror.key)).toBe('ours');
  });

  /** A change, announced as of another account, as of ours by name, or without a name. */
  function announced(mirror: Mirror, account?: string) {
    mirror.account.tick();
    const { id } = mirror.account.create('thing', { of: account ?? 'nobody named' });
    const event = mirror.account.log.at(-1) ?? expect.fail('it announces');
    const body = account === undefined ? event.body : JSON.stringify({ ...JSON.parse(event.body), account });
    return { id, event: { ...event, body } };
  }
  const states = async (mirror: Mirror) => (await mirror.inbox()).map(({ state, reason }) => [state, reason]);
  const THEIRS = 'about account theirs, which this app does not mirror';

  it('C36 judges every delivery: one that names another is kept and ignored with the reason', async () => {
    const mirror = create();
    await mirror.full();
    const [named, unnamed, foreign] = [announced(mirror, 'ours'), announced(mirror), announced(mirror, 'theirs')];
    const gone = mirror.account.ids('thing')[0] ?? '';
    const deletion = mirror.account.announce('thing.deleted', { id: gone });
    const theirs = { ...deletion, body: JSON.stringify({ ...JSON.parse(deletion.body), account: 'theirs' }) };
    await mirror.deliver(named.event, unnamed.event, foreign.event, theirs);
    expect(await states(mirror)).toEqual([
      ['processed', null],
      ['processed', null],
      ['ignored', THEIRS],
      ['ignored', THEIRS],
    ]);
    const held = await mirror.held('thing');
    expect([named.id, unnamed.id, foreign.id, gone].map((id) => held.has(id))).toEqual([true, true, false, true]);
    // Replayed, it is judged again.
    await mirror.engine.store.replayDeliveries({ app_key: mirror.key, state: 'ignored' });
    await mirror.settle();
    expect((await states(mirror)).slice(2)).toEqual([
      ['ignored', THEIRS],
      ['ignored', THEIRS],
    ]);
  });

  it('C36 is asked for by a delivery before the first run, which is judged by it', async () => {
    const mirror = create();
    const [foreign, ours] = [announced(mirror, 'theirs'), announced(mirror, 'ours')];
    await mirror.deliver(foreign.event, ours.event);
    expect(await states(mirror)).toEqual([
      ['ignored', THEIRS],
      ['processed', null],
    ]);
    expect([...(await mirror.held('thing')).keys()]).toEqual([ours.id]);
    expect(await mirror.engine.store.accountOf(mirror.key)).toBe('ours');
  });

  it('C36 cannot be asked for yet: the delivery is durable, waits without an attempt, and is judged after the first run', async () => {
    const mirror = create();
    mirror.api.meddle = () => json({}, 503);
    const [foreign, ours] = [announced(mirror, 'theirs'), announced(mirror, 'ours')];
    await mirror.accept(foreign.event);
    await mirror.accept(ours.event);
    for (let n = 0; n < 15; n += 1) {
      await mirror.engine.drain({ retryBaseMs: 0 });
      await mirror.query('update supasaasy.inbox set not_before = clock_timestamp() where app_key = $1', [mirror.key]);
    }
    expect(await mirror.held('thing')).toEqual(new Map());
    expect(await states(mirror)).toEqual([
      ['ready', expect.stringContaining('until the account')],
      ['ready', expect.stringContaining('until the account')],
    ]);
    const [row] = await mirror.query<{ most: number }>(
      'select max(attempts) as most from supasaasy.inbox where app_key = $1',
      [mirror.key],
    );
    expect(row?.most).toBe(0);
    // A delivery that names no account is of the endpoint's own: it does not wait for the others.
    const unnamed = announced(mirror);
    await mirror.accept(unnamed.event);
    await mirror.engine.drain({ retryBaseMs: 0 });
    expect((await states(mirror)).at(-1)).toEqual(['processed', null]);
    mirror.api.meddle = () => undefined;
    mirror.account.remove('thing', foreign.id);
    await mirror.full();
    await mirror.settle();
    expect((await states(mirror)).map(([state]) => state)).toEqual(['ignored', 'processed', 'processed']);
    expect((await mirror.held('thing')).has(ours.id)).toBe(true);
    expect((await mirror.held('thing')).has(foreign.id)).toBe(false);
  });

  it('C36 judges the log of changes as well: an entry of another account is kept and ignored with the reason', async () => {
    const mirror = create();
    await mirror.full();
    const foreign = announced(mirror, 'theirs');
    const ours = announced(mirror, 'ours');
    for (const { event } of [foreign, ours])
      mirror.account.log.splice(
        mirror.account.log.findIndex(({ id }) => id === event.id),
        1,
        event,
      );
    await mirror.incremental();
    expect(await states(mirror)).toEqual([['ignored', THEIRS]]);
    const held = await mirror.held('thing');
    expect([ours.id, foreign.id].map((id) => held.has(id))).toEqual([true, false]);
  });

  it('C36 is not told: a delivery that names an account is not taken where the configuration names none', async () => {
    const mirror = create();
    mirror.api.meddle = ({ path }) => (path === '/account' ? json({}, 403) : undefined);
    await mirror.full();
    await mirror.deliver(announced(mirror, 'theirs').event, announced(mirror).event);
    expect(await states(mirror)).toEqual([
      ['ignored', THEIRS],
      ['processed', null],
    ]);
  });
});
