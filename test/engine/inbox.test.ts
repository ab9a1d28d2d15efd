import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createStore, type ReplayFilter, type Store } from '../../src/engine/store.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { createMirror } from '../support/mirror.ts';
import { fromNow, insertRow, readRows, type Values } from '../support/row-view.ts';

describeEachDatabase('the inbox', (make) => {
  let db: TestDatabase;
  let store: Store;
  let app = '';
  let count = 0;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
    store = createStore(db.database);
  });
  beforeEach(() => {
    count += 1;
    app = `inbox_${count}`;
  });

  let events = 0;
  const create = (values: Values = {}) =>
    insertRow(db, 'inbox', {
      app_key: app,
      event_id: `ev_${++events}`,
      event_type: 'thing.updated',
      body: '{}',
      ...values,
    });
  const read = async (id: number): Promise<Values> =>
    (await readRows(db, 'inbox', 'id = $1', [id]))[0] ?? { gone: true };
  const claim = (limit = 10, filter = {}) => store.claimInbox(limit, 300, { app_key: app, ...filter });

  it('counts what was delivered before, and within one call', async () => {
    const delivery = (event_id: string, values: object = {}) => ({
      app_key: app,
      event_id,
      event_type: 'thing.updated',
      occurred_at: null,
      body: '{"a":1}',
      state: 'ready' as const,
      reason: null,
      ...values,
    });
    expect(
      await store.acceptDeliveries([
        delivery('e1'),
        delivery('e2', { state: 'ignored', reason: 'not wanted', occurred_at: '2026-03-01T00:00:00Z' }),
        delivery('e1'),
      ]),
    ).toEqual({ accepted: 2, repeated: 0 });
    expect(
      await store.acceptDeliveries([
        delivery('e1', { body: 'other' }),
        delivery('e3', { state: 'dead' }),
        delivery('e1', { app_key: `${app}_b` }),
      ]),
    ).toEqual({ accepted: 2, repeated: 1 });
    expect(await readRows(db, 'inbox', 'app_key = $1 order by event_id', [app])).toMatchObject(
      [
        {
          event_id: 'e1',
          deliveries: 3,
          state: 'ready',
          body: '{"a":1}',
          processed_at: 'never',
          reason: null,
          occurred_at: null,
          received_at: 'now',
          not_before: 'now',
          attempts: 0,
        },
        {
          event_id: 'e2',
          deliveries: 1,
          state: 'ignored',
          reason: 'not wanted',
          processed_at: 'now',
          occurred_at: 'past',
        },
        { event_id: 'e3', deliveries: 1, state: 'dead', processed_at: 'never' },
      ].map((row) => ({ ...row, ...(row.occurred_at === null ? { occurred_at: 'never' } : {}) })),
    );
  });

  describe('hands out', () => {
    it('the oldest first, as many as were asked for, all under one token', async () => {
      const ids = [await create(), await create(), await create()];
      const first = await claim(2);
      expect(first.map(({ id }) => id)).toEqual(ids.slice(0, 2));
      expect(new Set(first.map(({ lease_token }) => lease_token)).size).toBe(1);
      expect(first[0]).toMatchObject({ app_key: app, event_type: 'thing.updated', body: '{}', attempts: 1 });
      expect(await read(ids[0] ?? 0)).toMatchObject({
        state: 'running',
        attempts: 1,
        lease_until: '+300 s',
        lease_token: first[0]?.lease_token,
      });
      const second = await claim(2);
      expect(second.map(({ id }) => id)).toEqual(ids.slice(2));
      expect(second[0]?.lease_token).not.toBe(first[0]?.lease_token);
      expect(await claim(2)).toEqual([]);
    });

    it.each<[string, Values, boolean]>([
      ['ready', {}, true],
      ['ready in a while', { not_before: fromNow(60), lease_until: fromNow(-60) }, false],
      ['held', { state: 'running', lease_until: fromNow(60), not_before: fromNow(-60) }, false],
      ['held by a worker that is gone', { state: 'running', lease_until: fromNow(-1), not_before: fromNow(60) }, true],
      ['processed', { state: 'processed', lease_until: fromNow(-1) }, false],
      ['ignored', { state: 'ignored' }, false],
      ['dead', { state: 'dead' }, false],
    ])('what is %s: %o', async (_, values, may) => {
      await create(values);
      expect(await claim()).toHaveLength(may ? 1 : 0);
    });

    it('of the apps that were named', async () => {
      const [mine, other] = [await create(), await create({ app_key: `${app}_b` })];
      expect((await claim(1, { app_key: undefined, apps: [`${app}_b`] })).map(({ id }) => id)).toEqual([other]);
      expect((await claim(1)).map(({ id }) => id)).toEqual([mine]);
    });
  });

  describe('takes back', () => {
    const give = async (values: Values, max: number, dead = false) => {
      const [id, bystander] = [await create(values), await create()];
      const claimed = await claim();
      const token = claimed[0]?.lease_token ?? 0;
      const outcome = await store.releaseDeliveries(token, [id], 'the reason', 120_000, max, dead);
      expect(await read(bystander)).toMatchObject({ state: 'running', reason: null });
      return { ...outcome, row: await read(id) };
    };
    it.each([
      { attempts: 0, max: 3, dead: false, state: 'ready' },
      { attempts: 1, max: 3, dead: false, state: 'ready' },
      { attempts: 2, max: 3, dead: false, state: 'dead' },
      { attempts: 7, max: 3, dead: false, state: 'dead' },
      { attempts: 0, max: 3, dead: true, state: 'dead' },
    ])('as $state after $attempts of $max attempts, hopeless: $dead', async ({ attempts, max, dead, state }) => {
      const { row, ...outcome } = await give({ attempts }, max, dead);
      expect(outcome).toEqual({ released: 1, dead: state === 'dead' ? 1 : 0 });
      expect(row).toMatchObject({
        state,
        reason: 'the reason',
        attempts: attempts + 1,
        not_before: '+120 s',
        lease_token: null,
        lease_until: 'never',
        processed_at: state === 'dead' ? 'now' : 'never',
      });
    });

    it('nothing from who does not hold it', async () => {
      const id = await create();
      const [one] = await claim();
      const before = await read(id);
      expect(await store.releaseDeliveries((one?.lease_token ?? 0) + 1, [id], 'x', 0, 3, false)).toEqual({
        released: 0,
        dead: 0,
      });
      expect(await read(id)).toEqual(before);
      await expect(
        store.ingestEvents(app, (one?.lease_token ?? 0) + 1, [], [{ id, state: 'processed', reason: null }], {
          source: 'event',
          origin: 'webhook',
          priority: 0,
          purge: false,
        }),
      ).rejects.toThrow('no longer ours');
      expect(await read(id)).toEqual(before);
    });

    it('all of a batch, settled, or none', async () => {
      const [a, b, c] = [await create(), await create(), await create({ state: 'processed' })];
      const [one] = await claim();
      const settle = (ids: number[]) =>
        store.ingestEvents(
          app,
          one?.lease_token ?? 0,
          [],
          ids.map((id) => ({ id, state: 'ignored' as const, reason: `why ${id}` })),
          { source: 'event', origin: 'webhook', priority: 0, purge: false },
        );
      await expect(settle([a, c])).rejects.toThrow('no longer ours');
      expect(await read(a)).toMatchObject({ state: 'running', reason: null });
      await settle([a, b]);
      expect(await read(a)).toMatchObject({
        state: 'ignored',
        reason: `why ${a}`,
        processed_at: 'now',
        lease_token: null,
        lease_until: 'never',
      });
      expect(await read(b)).toMatchObject({ state: 'ignored', reason: `why ${b}` });
    });
  });

  it('works a delivery again when a person wishes it, and no other', async () => {
    const ids = {
      processed: await create({
        state: 'processed',
        attempts: 3,
        reason: 'r',
        processed_at: fromNow(-9),
        not_before: fromNow(500),
      }),
      ignored: await create({ state: 'ignored', event_type: 'note.updated' }),
      dead: await create({ state: 'dead', received_at: fromNow(-3600) }),
      running: await create({ state: 'running', lease_until: fromNow(60) }),
      other: await create({ state: 'dead', app_key: `${app}_b` }),
    };
    const replayed = async (filter: ReplayFilter) => {
      const n = await store.replayDeliveries({ app_key: app, ...filter });
      const { rows } = { rows: await readRows(db, 'inbox', `app_key = $1 and state = 'ready' order by id`, [app]) };
      expect(rows).toHaveLength(n);
      for (const [state, id] of Object.entries(ids))
        if (state !== 'other') await db.query('update supasaasy.inbox set state = $2 where id = $1', [id, state]);
      return rows.map(({ id }) => Object.entries(ids).find(([, known]) => known === id)?.[0]);
    };
    const eventOf = async (id: number) => String((await read(id))['event_id']);
    expect(await replayed({})).toEqual(['processed', 'ignored', 'dead']);
    expect(await replayed({ state: 'dead' })).toEqual(['dead']);
    expect(await replayed({ type: 'note.updated' })).toEqual(['ignored']);
    expect(await replayed({ event_ids: [await eventOf(ids.dead), await eventOf(ids.running)] })).toEqual(['dead']);
    const hourAgo = new Date(Date.now() - 1_800_000).toISOString();
    expect(await replayed({ from: hourAgo })).toEqual(['processed', 'ignored']);
    expect(await replayed({ to: hourAgo })).toEqual(['dead']);
    const [exact] = await db.query<{ at: string }>(
      `select to_json(received_at) #>> '{}' as at from supasaasy.inbox where id = $1`,
      [ids.dead],
    );
    expect(await replayed({ from: exact?.at ?? '', state: 'dead' })).toEqual(['dead']);
    expect(await replayed({ to: exact?.at ?? '', state: 'dead' })).toEqual([]);
    expect(await store.replayDeliveries({ app_key: app, event_ids: [await eventOf(ids.processed)] })).toBe(1);
    expect(await read(ids.processed)).toMatchObject({
      state: 'ready',
      attempts: 0,
      reason: null,
      processed_at: 'never',
      not_before: 'now',
    });
    expect(await read(ids.other)).toMatchObject({ state: 'dead' });
  });

  it('forgets what was worked long ago, oldest first, and keeps what waits for a worker or a person', async () => {
    const day = 86_400;
    const old = { received_at: fromNow(-11 * day) };
    const [first, second] = [await create({ ...old, state: 'processed' }), await create({ ...old, state: 'ignored' })];
    const kept = [
      await create({ ...old, state: 'ready' }),
      await create({ ...old, state: 'running' }),
      await create({ ...old, state: 'dead' }),
      await create({ received_at: fromNow(-9 * day), state: 'processed' }),
    ];
    expect(await store.trimInbox(10, 1)).toBe(1);
    expect([await read(first), (await read(second))['id']]).toEqual([{ gone: true }, second]);
    expect(await store.trimInbox(10, 100)).toBe(1);
    expect(await store.trimInbox(10, 100)).toBe(0);
    expect((await readRows(db, 'inbox', 'app_key = $1 order by id', [app])).map(({ id }) => id)).toEqual(kept);
  });

  it('gives a delivery up that fails for ever, after as many attempts as are allowed, and goes on with the others', async () => {
    const logged: string[] = [];
    const mirror = createMirror(db, {
      key: app,
      ports: { random: () => 1, log: (level, message) => logged.push(`${level} ${message}`) },
    });
    const { account, engine } = mirror;
    account.create('thing', { id: 't1' });
    const [event] = account.log;
    if (event === undefined) throw new Error('no event');
    await mirror.accept(event);
    // A statement that fails for a reason that is not the delivery's.
    await db.query(
      `create or replace function public.refuse() returns trigger language plpgsql as $$ begin if new.app_key = tg_argv[0] then raise exception 'the disk is full' using errcode = '53100'; end if; return new; end $$`,
    );
    await db.query(
      `create trigger refuse before insert on supasaasy.changes for each row execute function public.refuse('${app}')`,
    );
    try {
      for (let attempt = 1; attempt <= 4; attempt += 1) {
        await db.query(`update supasaasy.inbox set not_before = clock_timestamp() where app_key = $1`, [app]);
        await engine.drain({ maxAttempts: 3, retryBaseMs: 60_000 });
        const [row] = await readRows(db, 'inbox', 'app_key = $1', [app]);
        expect(row).toMatchObject(
          attempt < 3
            ? { state: 'ready', attempts: attempt, not_before: `+${60 * 2 ** (attempt - 1)} s` }
            : { state: 'dead', attempts: 3, processed_at: 'now', reason: expect.stringContaining('the disk is full') },
        );
      }
    } finally {
      await db.query('drop trigger refuse on supasaasy.changes');
    }
    expect(logged.map((line) => line.split(' ')[0])).toEqual(['warn', 'warn', 'error']);
    expect(logged[2]).toContain('1 deliveries could not be processed');
  });
});
