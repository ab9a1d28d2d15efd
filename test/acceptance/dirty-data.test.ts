import { beforeAll, expect, it } from 'vitest';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { json } from '../support/acme-api.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { createMirror } from '../support/mirror.ts';
import { expectNothingOpen } from '../support/story.ts';

const HOSTILE: Record<string, string> = {
  'a text with U+0000': '{"id":"bad","created":1,"text":"a\\u0000b"}',
  'half of a surrogate pair': '{"id":"bad","created":1,"text":"\\ud800"}',
  'a number that no numeric can hold': '{"id":"bad","created":1,"n":1e400000}',
};
const HARMLESS: Record<string, string> = {
  'a number of 40 digits': '{"id":"odd","created":1,"n":1234567890123456789012345678901234567890}',
  'a fraction of 40 digits': '{"id":"odd","created":1,"n":0.1234567890123456789012345678901234567891}',
  'a date of year 0': '{"id":"odd","created":-99999999999999,"at":"0000-00-00"}',
  'a creation time beyond all calendars': '{"id":"odd","created":1e30}',
  'a creation time that is a text': '{"id":"odd","created":"yesterday"}',
  'a number as id': '{"id":17,"created":1}',
  'an id with quotes and slashes': '{"id":"a/\\"b\'?&%20","created":1}',
  'an emoji and a right-to-left mark': '{"id":"odd","created":1,"text":"👩‍👩‍👧 \\u200f"}',
};

describeEachDatabase('dirty data', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });
  const page = (...records: string[]) => json(`{"data":[${records.join(',')}],"has_more":false}`);
  const good = (n: number) =>
    `{"id":"good_${n}","created":${n},"parts":{"data":[{"id":"part_${n}"}],"has_more":false}}`;

  for (const [what, record] of Object.entries(HOSTILE)) {
    it(`A27 ${what} is quarantined with its reason and its text; the page and the run go on`, async () => {
      const mirror = createMirror(db);
      mirror.api.meddle = ({ path }) => (path === '/things' ? page(good(1), record, good(2)) : undefined);
      const run = await mirror.partial();
      expect(run.resources['thing']).toMatchObject({ created: 2, errors: 1 });
      expect((await mirror.rows('thing')).map((row) => row.external_id)).toEqual(['good_1', 'good_2']);
      expect(await mirror.rows('part')).toHaveLength(2);
      expect(await mirror.quarantine()).toEqual([
        {
          external_id: 'bad',
          reason: expect.stringMatching(/\w/),
          raw: expect.stringContaining(record.slice(20)),
          resolved: false,
        },
      ]);
      // Quarantined is not gone.
      await mirror.partial();
      expect(await mirror.quarantine()).toHaveLength(1);
    });
  }

  for (const [what, record] of Object.entries(HARMLESS)) {
    it(`A27 ${what} is stored as it came`, async () => {
      const mirror = createMirror(db);
      mirror.api.meddle = ({ path }) => (path === '/things' ? page(good(1), record) : undefined);
      const run = await mirror.full();
      expect(run.resources['thing']).toMatchObject({ created: 2, errors: 0 });
      const [row] = await mirror.query<{ same: boolean }>(
        `select raw_payload = $2::jsonb and raw_payload::text = $2::jsonb::text as same from supasaasy.entities
         where app_key = $1 and collection_key = 'acme_thing' and external_id not like 'good%'`,
        [mirror.key, record],
      );
      expect(row).toEqual({ same: true });
    });
  }

  it('A27 an object of 5 MB is stored', async () => {
    const mirror = createMirror(db);
    const text = 'x'.repeat(5_000_000);
    mirror.account.create('thing', { text });
    await mirror.full();
    expect((await mirror.rows('thing'))[0]?.raw_payload?.['text']).toHaveLength(text.length);
    expect((await mirror.full()).resources['thing']).toMatchObject({ unchanged: 1 });
  });

  it('A27 an id that no index can hold, and a record that is no object, cost only themselves', async () => {
    const mirror = createMirror(db);
    const long = Array.from({ length: 900 }, (_, i) => (i * 7_919).toString(36)).join('');
    mirror.api.meddle = ({ path }) =>
      path === '/things' ? page(good(1), `{"id":"${long}","created":1}`, '17', 'null', good(2)) : undefined;
    const run = await mirror.partial();
    expect(run.resources['thing']).toMatchObject({ created: 2, errors: 3 });
    expect(run.passes[0]).toMatchObject({ state: 'incomplete' });
  });

  it('A27 a stored object whose newer state is unreadable keeps its row and is not deleted', async () => {
    const mirror = createMirror(db);
    mirror.api.meddle = ({ path }) => (path === '/things' ? page(good(1), good(2)) : undefined);
    await mirror.full();
    mirror.api.meddle = ({ path }) =>
      path === '/things' ? page(good(1), '{"id":"good_2","created":2,"text":"\\u0000"}') : undefined;
    await mirror.partial();
    expect(await mirror.row('thing', 'good_2')).toMatchObject({ deleted: false });
    expect((await mirror.quarantine()).map((row) => row.external_id)).toEqual(['good_2']);
  });

  it('A27 one object that nobody can store does not stop the log of changes', async () => {
    const mirror = createMirror(db);
    const { id } = mirror.account.create('thing');
    const other = mirror.account.create('thing');
    await mirror.full();
    mirror.account.tick(100);
    mirror.account.update('thing', id, { text: '\u0000' });
    mirror.account.update('thing', other.id, { value: 1 });
    const run = await mirror.partial('incremental');
    expect(run.resources['thing']).toMatchObject({ updated: 1, errors: 1 });
    expect((await mirror.quarantine()).map((row) => row.external_id)).toEqual([id]);
    expect(await mirror.row('thing', other.id)).toMatchObject({ raw_payload: { value: 1 } });
    await expectNothingOpen(mirror, [run.id]);
  });

  it('A27 one event that nobody can read does not stop the log of changes, and is kept to be replayed', async () => {
    const mirror = createMirror(db);
    const { id } = mirror.account.create('thing', { n: 1 });
    await mirror.full();
    mirror.account.tick(60);
    mirror.account.update('thing', id, { n: 2 });
    const created = mirror.account.now() / 1000;
    mirror.account.log.push({ id: 'ev_odd', type: '', created, body: '{"id":"ev_odd","type":17,"created":"soon"}' });
    mirror.account.tick(60);
    mirror.account.update('thing', id, { n: 3 });
    await mirror.incremental();
    expect((await mirror.row('thing', id))?.raw_payload).toMatchObject({ n: 3 });
    const dead = (await mirror.inbox()).filter(({ state }) => state === 'dead');
    expect(dead).toMatchObject([{ reason: expect.stringContaining('in the log of changes, but cannot be read') }]);
    // Read again with the overlap, it is still one.
    await mirror.incremental();
    expect((await mirror.inbox()).filter(({ state }) => state === 'dead')).toHaveLength(1);
  });

  it("A27 one of a parent's children that nobody can store costs its parent, not the page", async () => {
    const mirror = createMirror(db);
    mirror.api.meddle = ({ path }) =>
      path === '/things'
        ? page(good(1), '{"id":"bad","created":1,"parts":{"data":[{"id":"p","text":"\\u0000"}]}}', good(2))
        : undefined;
    const run = await mirror.partial();
    expect(run.resources['thing']).toMatchObject({ created: 2, errors: 1 });
    expect(await mirror.rows('part')).toHaveLength(2);
  });

  it('A27 an unreadable record in a list of children keeps the others, and lets none be deleted', async () => {
    const mirror = createMirror(db);
    const parts = Array.from({ length: 6 }, (_, i) => ({ id: `${mirror.key}_${i}` }));
    const { id } = mirror.account.create('thing', { parts });
    await mirror.full();
    mirror.api.meddle = ({ path }) =>
      path.endsWith('/parts') ? page(`{"id":"${parts[0]?.id}"}`, '{"no":"id"}') : undefined;
    mirror.account.tick();
    mirror.account.update('thing', id, { parts, value: 2 });
    await mirror.partial();
    expect((await mirror.rows('part')).filter((row) => row.deleted)).toEqual([]);
  });
});
