import { beforeAll, expect, it } from 'vitest';
import { createFeedStore } from '../../src/engine/feed/feed-store.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { json } from '../support/acme-api.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { createMirror, type Mirror } from '../support/mirror.ts';

const nested = (levels: number, open = '[', close = ']') => open.repeat(levels) + close.repeat(levels);

/** Values that go past a limit, and the words of the limit. */
const PAST: Record<string, readonly [value: string, reason: RegExp]> = {
  '60,000 nested arrays': [nested(60_000), /nests more than 500 levels/],
  '60,000 nested objects': [`${'{"a":'.repeat(60_000)}1${'}'.repeat(60_000)}`, /nests more than 500 levels/],
  'arrays of one level too many': [nested(501), /nests more than 500 levels/],
  'a million arrays that nothing closes': ['['.repeat(1_000_000), /nests more than 500 levels|no readable JSON/],
  'a number of 100,000 digits': [`-${'7'.repeat(100_000)}`, /number of more than 1000 digits/],
  'a fraction of 100,000 digits': [`0.${'7'.repeat(100_000)}`, /number of more than 1000 digits/],
  'a number of nine characters and 131,072 digits': ['1e131071', /number of more than 1000 digits/],
  'a small number with a long exponent': ['1E-99999', /number of more than 1000 digits/],
  '2,000 numbers of 900 digits, written short': [`[${'1e900,'.repeat(2_000)}1]`, /exponents .* add more than/],
};

/** Values within the limits, however odd: they are stored as they came. */
const WITHIN: Record<string, string> = {
  'arrays of 490 levels': nested(490),
  'brackets in a string': `"${'[{'.repeat(5_000)}\\"${'['.repeat(2_000)}"`,
  'a number of 1,000 digits': '7'.repeat(1_000),
  '1e400, which JavaScript takes for infinite': '1e400',
  'the same key twice': '{"a":1,"a":2}',
  'an object of 200,000 keys': `{${Array.from({ length: 200_000 }, (_, i) => `"k${i}":${i}`).join()}}`,
};

describeEachDatabase('untrusted JSON', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });
  const page = (...records: string[]) => json(`{"data":[${records.join(',')}],"has_more":false}`);
  const good = (n: number) => `{"id":"good_${n}","created":${n}}`;
  const bad = (value: string) => `{"id":"bad","created":5,"text":"\\ufeff","odd":${value}}`;
  const eventOf = (mirror: Mirror, id: string, object: string) => ({
    body: `{"id":"${id}","type":"thing.updated","created":${Math.floor(mirror.account.now() / 1000)},"object":${object}}`,
  });
  /** What comes afterwards is processed as ever. */
  const expectAlive = async (mirror: Mirror) => {
    mirror.account.tick(60);
    const { id } = mirror.account.create('thing', { n: 1 });
    await mirror.deliver(...mirror.account.log.slice(-1));
    expect(await mirror.row('thing', id)).toMatchObject({ raw_payload: { n: 1 } });
  };

  for (const [what, [value, reason]] of Object.entries(PAST)) {
    it(`C27: ${what} in a signed event is a dead letter, and everything else goes on`, async () => {
      const mirror = createMirror(db);
      const { state } = await mirror.accept(eventOf(mirror, `ev_${mirror.key}`, bad(value)));
      expect(state).toBe('dead');
      expect(await mirror.inbox()).toMatchObject([{ state: 'dead', reason: expect.stringMatching(reason) }]);
      await mirror.settle();
      await expectAlive(mirror);
      // Replayed, and accepted by a version that knew no limit: still one.
      await mirror.engine.store.replayDeliveries({ app_key: mirror.key });
      await mirror.settle();
      expect((await mirror.inbox()).filter((row) => row.state === 'dead')).toMatchObject([
        { reason: expect.stringMatching(reason) },
      ]);
    });

    it(`C27: ${what} in a page costs its record alone`, async () => {
      const mirror = createMirror(db);
      mirror.api.meddle = ({ path }) => (path === '/things' ? page(good(1), bad(value), good(2)) : undefined);
      const run = await mirror.run('full');
      if (what.endsWith('closes')) {
        expect(run).toMatchObject({ state: 'failed' });
        return;
      }
      expect(run.resources['thing']).toMatchObject({ created: 2, errors: 1 });
      expect(await mirror.quarantine()).toEqual([
        { external_id: 'bad', reason: expect.stringMatching(reason), raw: bad(value), resolved: false },
      ]);
      const [record] = await mirror.engine.proof.listQuarantine({ app_key: mirror.key });
      const spec = mirror.engine.app(mirror.key).spec('thing');
      expect(await mirror.engine.proof.retryQuarantine(record?.id ?? 0, spec, false)).toMatchObject({
        state: 'refused',
        reason: expect.stringMatching(reason),
      });
    });
  }

  for (const [what, value] of Object.entries(WITHIN)) {
    it(`C27: ${what}: stored as it came, from a page and from an event`, async () => {
      const mirror = createMirror(db);
      mirror.api.meddle = ({ path }) => (path === '/things' ? page(good(1), bad(value)) : undefined);
      expect((await mirror.full()).resources['thing']).toMatchObject({ created: 2, errors: 0 });
      mirror.account.tick(60);
      await mirror.accept(eventOf(mirror, `ev_${mirror.key}`, bad(value).replace('"bad"', '"by_event"')));
      await mirror.settle();
      const same = await mirror.query(
        `select count(*)::int as n from supasaasy.entities where app_key = $1 and raw_payload -> 'odd' = $2::jsonb`,
        [mirror.key, value],
      );
      expect(same).toEqual([{ n: 2 }]);
    });
  }

  const deep = PAST['60,000 nested arrays']?.[0] ?? '';

  it('C27: an answer to a single question, a dry run and an audit judge as a page does', async () => {
    const mirror = createMirror(db);
    const { id } = mirror.account.create('thing', { n: 1 });
    await mirror.full();
    mirror.api.meddle = ({ path }) =>
      path === `/things/${id}`
        ? json(`{"id":"${id}","created":5,"odd":${deep}}`)
        : path === '/things'
          ? page(`{"id":"${id}","created":5,"odd":${deep}}`, good(1))
          : undefined;
    mirror.account.tick(60);
    await mirror.accept({
      body: `{"id":"ev_${mirror.key}","type":"thing.touched","created":${mirror.account.now() / 1000},"object":{"id":"${id}"}}`,
    });
    await mirror.settle();
    expect(await mirror.quarantine()).toMatchObject([{ external_id: id, reason: /nests more than/ }]);
    expect(await mirror.row('thing', id)).toMatchObject({ deleted: false, raw_payload: { n: 1 } });
    const audit = await mirror.run('audit');
    expect(audit.state).toBe('completed');
    await mirror.engine.store.previewPage(
      mirror.key,
      `{"data":[{"id":"x","created":1,"odd":${deep}}],"has_more":false}`,
      {
        spec: mirror.engine.app(mirror.key).spec('thing'),
        started_at: '2026-01-01',
        version: 0,
        version_until: 0,
        next: { style: 'none' },
      },
    );
    mirror.api.meddle = () => undefined;
    await expectAlive(mirror);
  });

  it('C27: the log of changes: an event with such an object has it read again, the others are applied', async () => {
    const mirror = createMirror(db);
    const { id } = mirror.account.create('thing', { n: 1 });
    const other = mirror.account.create('thing', { n: 1 });
    await mirror.full();
    mirror.account.tick(100);
    mirror.account.update('thing', id, { n: 2 });
    mirror.account.update('thing', other.id, { n: 2 });
    const log = mirror.account.log.at(-2);
    if (log === undefined) throw new Error('no event');
    mirror.account.log[mirror.account.log.length - 2] = {
      ...log,
      body: log.body.replace('"n":2', `"n":2,"odd":${deep}`),
    };
    const run = await mirror.incremental();
    expect(run.state).toBe('completed');
    expect(await mirror.row('thing', id)).toMatchObject({ raw_payload: { n: 2 } });
    expect(await mirror.row('thing', other.id)).toMatchObject({ raw_payload: { n: 2 } });
  });

  it('C27: a consumer of the inbox gets such a body as its text', async () => {
    const mirror = createMirror(db);
    const store = createFeedStore(db.database);
    await store.declare([{ name: 'letters', kind: 'messages', topic: 'inbox' }], false);
    const { body } = eventOf(mirror, `ev_${mirror.key}`, bad(deep));
    await mirror.accept({ body });
    await mirror.accept(eventOf(mirror, `ev_${mirror.key}_2`, `{"id":"ok","created":1,"odd":${nested(100)}}`));
    const batch = await store.recv('letters', 10, null);
    expect(batch.changes.map(({ after }) => typeof after)).toEqual(['string', 'object']);
    expect(batch.changes[0]?.after).toBe(body);
    await store.drop('letters');
  });

  it('C27: an event that is published is judged too', async () => {
    const store = createFeedStore(db.database);
    const payload: unknown = JSON.parse(nested(600));
    await expect(store.publish('orders', [{ id: 'o1', payload }])).rejects.toThrow(/nests more than 500 levels/);
    await expect(store.publish('orders', [{ id: 'o1', payload: JSON.parse(deep) as unknown }])).rejects.toThrow(
      /cannot be published to orders/,
    );
  });

  it('C27: characters that the marks are made of stay what they are', async () => {
    const mirror = createMirror(db);
    const marks = '\uF8FE\uF8FF0000\uF8FF\uF8FD';
    const record = `{"id":"marked","created":1,"text":"\uF8FEno\uF8FEreason\uF8FE","more":"${marks}"}`;
    mirror.api.meddle = ({ path }) => (path === '/things' ? page(record, bad(deep)) : undefined);
    expect((await mirror.run('full')).resources['thing']).toMatchObject({ created: 1, errors: 1 });
    expect((await mirror.row('thing', 'marked'))?.raw_payload).toEqual(JSON.parse(record));
  });
});
