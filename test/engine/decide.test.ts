import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { fromNow, insertEntity, readRows, type Values } from '../support/row-view.ts';

type Decision = 'create' | 'write' | 'bury' | 'again' | 'same' | 'note' | 'stale';

interface Context {
  readonly source?: 'read' | 'event';
  /** The request left before the stored state had reached us, or after it. */
  readonly asked?: 'before' | 'after';
  readonly owned?: boolean;
  readonly authoritative?: boolean;
  readonly retrievable?: boolean;
  readonly list_until?: number;
  readonly volatile?: readonly string[];
  readonly purge?: boolean;
  readonly dry?: boolean;
  readonly quiet_creates?: boolean;
  readonly fresh?: boolean;
}

interface State {
  readonly id?: string;
  readonly parent?: string | null;
  readonly payload?: unknown;
  readonly created?: number;
  readonly archived?: boolean;
  readonly archivedAt?: number;
  readonly deleted?: boolean;
  readonly at?: number;
  readonly until?: number;
}

const KINDS = ['created', 'updated', 'unchanged', 'archived', 'deleted', 'stale'];

describeEachDatabase('the write of one state', (make) => {
  let db: TestDatabase;
  let app = '';
  let count = 0;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });
  beforeEach(() => {
    count += 1;
    app = `decide_${count}`;
  });

  /** What is stored: true from 1000 to 1999, and with us for ten minutes. */
  const store = (values: Values = {}) =>
    insertEntity(db, {
      app_key: app,
      collection_key: 'acme_thing',
      external_id: 'x',
      raw_payload: { a: 1 },
      version: 1000,
      version_until: 1999,
      api_version: 'old',
      ...values,
    });
  const tombstone = (values: Values = {}) => store({ deleted_at: fromNow(-600), ...values });
  async function apply(states: readonly State[], { asked = 'before', source = 'read', ...context }: Context = {}) {
    const [row] = await db.query<{ result: Record<string, unknown> }>(
      `select supasaasy.apply_states($1, 'acme_thing', array(
         select row(s ->> 'id', s ->> 'parent', s -> 'payload', (s ->> 'created')::bigint, (s ->> 'archived')::boolean, (s ->> 'archivedAt')::bigint,
           (s ->> 'deleted')::boolean, (s ->> 'at')::bigint, (s ->> 'until')::bigint, 'new')::supasaasy.entity_state
         from jsonb_array_elements($2::jsonb) s),
         $3::jsonb || jsonb_build_object('started_at', clock_timestamp() + make_interval(secs => $4))) as result`,
      [
        app,
        JSON.stringify(
          states.map((state) => ({
            id: 'x',
            payload: { a: 2 },
            archived: false,
            deleted: false,
            at: 1000,
            until: 1999,
            ...state,
          })),
        ),
        JSON.stringify({ source, origin: 'sync', origin_id: 'run', ...context }),
        asked === 'before' ? -900 : -300,
      ],
    );
    if (row === undefined) throw new Error('no answer');
    return row.result;
  }
  const rows = () => readRows(db, 'entities', 'app_key = $1 order by external_id', [app]);
  const row = async (): Promise<Values> => (await rows())[0] ?? { absent: true };
  const changes = () => readRows(db, 'changes', 'app_key = $1 order by seq', [app]);

  /** The decision, as its counts and what it did to the row show it. */
  async function decide(state: State, context: Context): Promise<Decision> {
    const [before] = await rows();
    const result = await apply([state], context);
    const after = await row();
    const log = await changes();
    const counts = Object.fromEntries(KINDS.map((kind) => [kind, result[kind]]));
    const none = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
    if ((result['again'] as string[]).length > 0) {
      expect([counts, after, log]).toEqual([none, before ?? { absent: true }, []]);
      expect(result).toMatchObject({ again: ['x'], gone: [], old: [] });
      return 'again';
    }
    if (result['stale'] === 1) {
      expect([counts, after, log]).toEqual([{ ...none, stale: 1 }, before, []]);
      expect(result).toMatchObject({ again: [], gone: [], old: ['x'] });
      return 'stale';
    }
    expect(result).toMatchObject({ again: [], old: [], gone: state.deleted === true && log.length > 0 ? ['x'] : [] });
    if (log.length > 0) {
      expect(log).toHaveLength(1);
      expect(after['change_seq']).toBe(log[0]?.['seq']);
      return before === undefined ? 'create' : 'write';
    }
    expect(counts).toEqual({ ...none, unchanged: 1 });
    if (before === undefined) return 'bury';
    if (JSON.stringify(before) === JSON.stringify(after)) return 'same';
    expect({ ...after, version: 0, version_until: 0, version_source: 0, observed_at: 0 }).toEqual({
      ...before,
      version: 0,
      version_until: 0,
      version_source: 0,
      observed_at: 0,
    });
    return 'note';
  }

  const event: Context = { source: 'event', retrievable: true };
  const same = { payload: { a: 1 } };

  describe('of which nothing is stored', () => {
    it.each<[State, Context, Decision]>([
      [{}, {}, 'create'],
      [{}, { fresh: true }, 'create'],
      [{}, { retrievable: true, list_until: 9999 }, 'create'],
      [{ deleted: true }, {}, 'bury'],
      [{ deleted: true }, event, 'bury'],
      [{ deleted: true }, { fresh: true }, 'bury'],
      [{}, event, 'create'],
      // A list may have shown that it is gone.
      [{ at: 5001 }, { ...event, list_until: 5000 }, 'create'],
      [{ at: 5000 }, { ...event, list_until: 5000 }, 'again'],
      [{ at: 5000 }, { ...event, retrievable: false, list_until: 5000 }, 'create'],
    ])('%o, %o: %s', async (state, context, decision) => {
      expect(await decide(state, context)).toBe(decision);
    });
  });

  describe('of which the same is stored', () => {
    it.each<[State, Context, Decision]>([
      [same, {}, 'same'],
      [{ ...same, at: 9000, until: 9999 }, {}, 'same'],
      [{ ...same, at: 9000, until: 9999 }, { asked: 'after' }, 'same'],
      [{ ...same, at: 1001 }, { authoritative: true }, 'note'],
      [{ ...same, at: 1000 }, { authoritative: true }, 'same'],
      [{ ...same, at: 1001 }, event, 'note'],
      [{ ...same, at: 1000 }, event, 'same'],
      [{ ...same, at: 10 }, event, 'same'],
      [{ payload: { a: 1, link: 'new' } }, { volatile: ['link'] }, 'same'],
      [{ payload: { a: 1, link: 'new' }, at: 1001 }, { ...event, volatile: ['link'] }, 'note'],
      [{ payload: { a: 1.0 } }, { asked: 'after' }, 'same'],
      [{ ...same, parent: 'p' }, { asked: 'after' }, 'write'],
    ])('%o, %o: %s', async (state, context, decision) => {
      await store();
      expect(await decide(state, context)).toBe(decision);
    });

    it.each<[State, Context, Decision]>([
      [{ deleted: true, at: 9000, until: 9999 }, {}, 'same'],
      [{ deleted: true, at: 1001 }, event, 'note'],
      [{ deleted: true, at: 1000 }, event, 'same'],
    ])('a tombstone: %o, %o: %s', async (state, context, decision) => {
      await tombstone();
      expect(await decide(state, context)).toBe(decision);
    });
  });

  describe('of which something else is stored, by the moments of observation', () => {
    it.each<[State, Context, Decision]>([
      // Asked for after the stored one had reached us: newer, whatever the clocks say.
      [{ at: 0, until: 10 }, { asked: 'after' }, 'write'],
      [{ at: 0, until: 10 }, { asked: 'after', retrievable: true }, 'write'],
      // Else by intervals that do not touch.
      [{ at: 2000, until: 2999 }, { retrievable: true }, 'write'],
      [{ at: 1999, until: 2999 }, { retrievable: true }, 'again'],
      [{ at: 0, until: 999 }, { retrievable: true }, 'stale'],
      [{ at: 0, until: 1000 }, { retrievable: true }, 'again'],
      // Those that touch, where nobody can be asked.
      [{ at: 1000, until: 1999 }, {}, 'write'],
      [{ at: 999, until: 1999 }, {}, 'stale'],
      // Events: never against a list that was read further.
      [{ at: 2000, until: 2999 }, event, 'write'],
      [{ at: 1999, until: 2999 }, event, 'again'],
      [{ at: 2001, until: 2999 }, { ...event, list_until: 2000 }, 'write'],
      [{ at: 2000, until: 2999 }, { ...event, list_until: 2000 }, 'again'],
      [{ at: 0, until: 999 }, event, 'again'],
      [{ at: 0, until: 999 }, { source: 'event' }, 'stale'],
      [{ at: 1000, until: 1999 }, { source: 'event' }, 'write'],
      [{ at: 2000, until: 2999, deleted: true }, event, 'write'],
      [{ at: 0, until: 10, deleted: true }, { asked: 'after' }, 'write'],
    ])('%o, %o: %s', async (state, context, decision) => {
      await store();
      expect(await decide(state, context)).toBe(decision);
    });

    it.each<[State, Context, Decision]>([
      [{ at: 0, until: 999 }, event, 'stale'],
      [{ at: 0, until: 1000 }, event, 'again'],
      [{ at: 0, until: 999 }, { source: 'event' }, 'stale'],
      [{ at: 0, until: 999 }, { retrievable: true }, 'stale'],
    ])('after an event: %o, %o: %s', async (state, context, decision) => {
      await store({ version_source: 'event' });
      expect(await decide(state, context)).toBe(decision);
    });

    it.each<[State, Context, Decision]>([
      [{ at: 0, until: 999 }, { retrievable: true }, 'stale'],
      [{ at: 1500, until: 1999 }, { retrievable: true }, 'again'],
      [{ at: 2000, until: 2999 }, event, 'write'],
      [{ at: 0, until: 10 }, { asked: 'after' }, 'write'],
    ])('a tombstone: %o, %o: %s', async (state, context, decision) => {
      await tombstone();
      expect(await decide(state, context)).toBe(decision);
    });
  });

  describe('of which something else is stored, by a change time of its own', () => {
    const owned: Context = { owned: true, retrievable: true };
    it.each<[State, Context, Decision]>([
      [{ at: 2000, until: 2999 }, owned, 'write'],
      [{ at: 2000, until: 2999 }, { ...owned, source: 'event', list_until: 9999 }, 'write'],
      [{ at: 1999, until: 2999 }, owned, 'again'],
      [{ at: 0, until: 999 }, owned, 'stale'],
      // An index that lags, however late it is asked.
      [{ at: 0, until: 999 }, { ...owned, asked: 'after' }, 'stale'],
      [{ at: 0, until: 1000 }, { ...owned, asked: 'after' }, 'write'],
      [{ at: 0, until: 1000 }, owned, 'again'],
      [{ at: 1000, until: 1999 }, { owned: true }, 'write'],
      [{ at: 999, until: 1999 }, { owned: true }, 'stale'],
      // A deletion has no change time.
      [{ at: 0, until: 999, deleted: true }, { ...owned, asked: 'after' }, 'write'],
      [{ at: 0, until: 999, deleted: true }, owned, 'again'],
    ])('%o, %o: %s', async (state, context, decision) => {
      await store();
      expect(await decide(state, context)).toBe(decision);
    });

    it.each<[State, Context, Decision]>([
      // A list shows again what was deleted: asked for by its id, or believed where that was just done.
      [{ at: 0, until: 999 }, { ...owned, asked: 'after' }, 'again'],
      [{ at: 0, until: 999 }, { ...owned, asked: 'after', authoritative: true }, 'write'],
      [{ at: 0, until: 999 }, { owned: true, asked: 'after' }, 'write'],
      [{ at: 0, until: 999 }, owned, 'stale'],
      [{ at: 0, until: 999 }, { ...owned, source: 'event', asked: 'after' }, 'stale'],
    ])('a tombstone: %o, %o: %s', async (state, context, decision) => {
      await tombstone();
      expect(await decide(state, context)).toBe(decision);
    });
  });

  it('writes a new object with all that is known of it, and its change', async () => {
    expect(
      await apply([
        {
          parent: 'p',
          created: 1_700_000_000_000,
          archived: true,
          archivedAt: 1_600_000_000_000,
          at: 5000,
          until: 5999,
        },
      ]),
    ).toMatchObject({ created: 1, archived: 0 });
    expect(await row()).toMatchObject({
      external_id: 'x',
      parent_id: 'p',
      api_version: 'new',
      raw_payload: { a: 2 },
      version: 5000,
      version_until: 5999,
      version_source: 'read',
      observed_at: 'now',
      created_at: 'now',
      updated_at: 'now',
      archived_at: 'past',
      deleted_at: 'never',
    });
    const [stored] = await db.query<{ archived: string; created: string }>(
      `select extract(epoch from archived_at)::bigint::text as archived, extract(epoch from source_created_at)::bigint::text as created from supasaasy.entities where app_key = $1`,
      [app],
    );
    expect(stored).toEqual({ archived: '1600000000', created: '1700000000' });
    expect(await changes()).toMatchObject([
      {
        external_id: 'x',
        operation: 'create',
        origin: 'sync',
        origin_id: 'run',
        version: 5000,
        before: null,
        previous_seq: null,
      },
    ]);
  });

  it('keeps of the old one what a new one does not say, and remembers it in the change', async () => {
    await store({ change_seq: 77, source_created_at: fromNow(-9000), archived_at: null, parent_id: 'q' });
    expect(await apply([{ at: 500, until: 1500, parent: 'p' }], { asked: 'after' })).toMatchObject({ updated: 1 });
    expect(await row()).toMatchObject({
      parent_id: 'p',
      api_version: 'new',
      raw_payload: { a: 2 },
      version: 1000,
      version_until: 1999,
      version_source: 'read',
      observed_at: 'now',
      updated_at: 'now',
      created_at: 'past',
      source_created_at: 'past',
    });
    expect(await changes()).toMatchObject([{ operation: 'update', version: 500, before: { a: 1 }, previous_seq: 77 }]);
  });

  it('archives once, at the moment that is known', async () => {
    await store();
    expect(await apply([{ archived: true, at: 3_000_000, until: 3_000_999 }])).toMatchObject({
      archived: 1,
      updated: 0,
    });
    const first = (
      await db.query<{ at: string }>(
        'select extract(epoch from archived_at)::int::text as at from supasaasy.entities where app_key = $1',
        [app],
      )
    )[0]?.at;
    expect(first).toBe('3000');
    expect(await apply([{ archived: true, payload: { a: 3 }, at: 4_000_000, until: 4_000_999 }])).toMatchObject({
      archived: 0,
      updated: 1,
    });
    expect(
      (
        await db.query<{ at: string }>(
          'select extract(epoch from archived_at)::int::text as at from supasaasy.entities where app_key = $1',
          [app],
        )
      )[0]?.at,
    ).toBe('3000');
    expect(await apply([{ archived: false, payload: { a: 4 }, at: 5_000_000, until: 5_000_999 }])).toMatchObject({
      updated: 1,
    });
    expect(await row()).toMatchObject({ archived_at: 'never' });
    expect((await changes()).map(({ operation }) => operation)).toEqual(['archive', 'update', 'update']);
  });

  it('deletes by a tombstone that keeps what was there, or nothing of it where that is wished', async () => {
    for (const purge of [false, true]) {
      app = `${app}_${purge}`;
      await store({ parent_id: 'q', payload_hash: 5 });
      expect(await apply([{ deleted: true, at: 9000, until: 9999 }], { purge })).toMatchObject({
        deleted: 1,
        gone: ['x'],
        updated: 0,
      });
      expect(await row()).toMatchObject({
        parent_id: 'q',
        api_version: 'old',
        raw_payload: purge ? null : { a: 1 },
        payload_hash: 5,
        version: 9000,
        version_until: 9999,
        deleted_at: 'past',
        updated_at: 'now',
      });
      expect(await changes()).toMatchObject([{ operation: 'delete', before: purge ? null : { a: 1 } }]);
      // It comes back as something new.
      expect(await apply([{ at: 20_000, until: 20_999 }])).toMatchObject({ created: 1 });
      expect(await row()).toMatchObject({ raw_payload: { a: 2 }, deleted_at: 'never' });
    }
  });

  it('buries what it never saw, without a change', async () => {
    expect(await apply([{ deleted: true, at: 9000, until: 9999 }], event)).toMatchObject({ unchanged: 1, gone: [] });
    expect(await row()).toMatchObject({
      raw_payload: null,
      payload_hash: 0,
      version: 9000,
      deleted_at: 'past',
      change_seq: null,
    });
    expect(await apply([{ at: 100, until: 200 }], event)).toMatchObject({ stale: 1 });
  });

  it('notes a later time, and that it was seen', async () => {
    await store();
    await apply([{ payload: { a: 1 }, at: 1500, until: 1600 }], event);
    expect(await row()).toMatchObject({
      version: 1500,
      version_until: 1999,
      version_source: 'event',
      observed_at: 'now',
      updated_at: 'past',
      raw_payload: { a: 1 },
    });
    await apply([{ payload: { a: 1 }, at: 2500, until: 2600 }], { authoritative: true });
    expect(await row()).toMatchObject({ version: 2500, version_until: 2600, version_source: 'read' });
  });

  it('says nothing of a first load where that is wished, but of what comes later', async () => {
    for (const fresh of [false, true]) {
      app = `${app}_${fresh}`;
      expect(await apply([{}, { id: 'y' }], { quiet_creates: true, fresh })).toMatchObject({ created: 2 });
      expect(await changes()).toEqual([]);
      expect(await rows()).toMatchObject([{ change_seq: null }, { change_seq: null }]);
      expect(await apply([{ payload: { a: 3 }, at: 9000, until: 9999 }], { quiet_creates: true })).toMatchObject({
        updated: 1,
      });
      expect(await changes()).toMatchObject([{ operation: 'update', before: { a: 2 }, previous_seq: null }]);
    }
  });

  it('decides and writes nothing on trial', async () => {
    await store();
    const all: State[] = [{ at: 9000, until: 9999 }, { id: 'new' }, { id: 'buried', deleted: true }];
    expect(await apply(all, { dry: true, fresh: true })).toMatchObject({
      updated: 1,
      created: 1,
      unchanged: 1,
      again: [],
    });
    expect(await changes()).toEqual([]);
    expect(await rows()).toMatchObject([{ external_id: 'x', raw_payload: { a: 1 }, version: 1000 }]);
  });

  it('touches no other app, collection or object', async () => {
    const bystanders = [
      { app_key: `${app}_b`, external_id: 'x' },
      { app_key: app, external_id: 'x', collection_key: 'acme_note' },
      { app_key: app, external_id: 'x2' },
    ];
    for (const values of bystanders) await store(values);
    await apply([{ deleted: true, at: 9000, until: 9999 }], event);
    expect(await apply([{ payload: { a: 5 }, at: 19_000, until: 19_999 }])).toMatchObject({ created: 1 });
    for (const { app_key, external_id, collection_key = 'acme_thing' } of bystanders)
      expect(
        await readRows(db, 'entities', 'app_key = $1 and external_id = $2 and collection_key = $3', [
          app_key,
          external_id,
          collection_key,
        ]),
      ).toMatchObject([{ raw_payload: { a: 1 }, version: 1000, deleted_at: 'never', observed_at: 'past' }]);
  });

  it('decides each of many by itself', async () => {
    await store();
    await store({ external_id: 'y' });
    await store({ external_id: 'z' });
    const states: State[] = [
      { at: 9000, until: 9999 },
      { id: 'y', at: 0, until: 10 },
      { id: 'z', payload: { a: 1 } },
      { id: 'w' },
    ];
    expect(await apply(states)).toEqual({
      created: 1,
      updated: 1,
      unchanged: 1,
      archived: 0,
      deleted: 0,
      stale: 1,
      again: [],
      gone: [],
      old: ['y'],
    });
    expect(await apply([])).toEqual({
      created: 0,
      updated: 0,
      unchanged: 0,
      archived: 0,
      deleted: 0,
      stale: 0,
      again: [],
      gone: [],
      old: [],
    });
    // A first load that knows one of them after all decides as ever.
    expect(await apply([{ id: 'v' }, { payload: { a: 9 }, at: 0, until: 10 }], { fresh: true })).toMatchObject({
      created: 1,
      stale: 1,
      old: ['x'],
    });
  });
});
