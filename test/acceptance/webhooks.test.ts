import { beforeAll, expect, it } from 'vitest';
import { WebhookVerificationError } from '../../src/errors.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import type { AcmeEvent } from '../support/acme-account.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { createMirror, type Mirror, type MirrorOptions } from '../support/mirror.ts';
import { expectFeedToReplay, expectNothingOpen } from '../support/story.ts';

describeEachDatabase('webhooks', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });
  const open = (options?: MirrorOptions) => createMirror(db, options);
  const last = ({ account }: Mirror, back = 1): AcmeEvent => account.log.at(-back) as AcmeEvent;

  it('A1 S4-09 an unmapped but verified event is kept in the inbox, counted and ignored', async () => {
    const mirror = open();
    await mirror.deliver(mirror.account.announce('invoice.upcoming', { id: 'x' }));
    await mirror.deliver(mirror.account.announce('thing.teleported', { id: 'x' }));
    const inbox = await mirror.inbox();
    expect(inbox.map((row) => row.state)).toEqual(['ignored', 'ignored']);
    expect(inbox[0]?.reason).toContain('invoice.upcoming');
    expect(await mirror.changes()).toEqual([]);
  });

  it('A1 a verified body that is no event is kept as a dead letter with its reason', async () => {
    const mirror = open();
    await mirror.accept({ body: '{"hello":' });
    const [row] = await mirror.inbox();
    expect(row).toMatchObject({ state: 'dead', event_id: expect.stringMatching(/^sha256:/) });
    expect(row?.reason).toContain('cannot be read');
  });

  it('I7 A9 S4-08 S4-27 a wrong signature is refused before anything is written; a rotated secret is accepted', async () => {
    const mirror = open();
    mirror.account.create('thing');
    await expect(mirror.accept(last(mirror), 'another secret')).rejects.toThrow(WebhookVerificationError);
    expect(await mirror.inbox()).toEqual([]);
    mirror.env['SECRET'] = 'newer secret';
    await expect(mirror.accept(last(mirror))).rejects.toThrow(WebhookVerificationError);
    await mirror.accept(last(mirror), 'newer secret');
    expect(await mirror.inbox()).toHaveLength(1);
  });

  it('A3 a newer event, then an older one delivered late: the newer state stays', async () => {
    const mirror = open();
    const { id } = mirror.account.create('thing', { value: 1 });
    mirror.account.tick();
    mirror.account.update('thing', id, { value: 2 });
    await mirror.deliver(last(mirror), last(mirror, 2));
    expect(await mirror.row('thing', id)).toMatchObject({ raw_payload: { value: 2 } });
    expect(await mirror.changes()).toHaveLength(1);
  });

  it('A3 an older event never undoes a return to an earlier state', async () => {
    const mirror = open();
    const { id } = mirror.account.create('thing', { value: 1 });
    await mirror.deliver(last(mirror));
    for (const value of [2, 1]) {
      mirror.account.tick();
      mirror.account.update('thing', id, { value });
    }
    await mirror.deliver(last(mirror), last(mirror, 2));
    expect(await mirror.row('thing', id)).toMatchObject({ raw_payload: { value: 1 } });
  });

  it('A3 an older event never undoes what a later pass has seen unchanged', async () => {
    const mirror = open();
    const { id } = mirror.account.create('thing', { value: 1 });
    await mirror.full();
    for (const value of [2, 1]) {
      mirror.account.tick();
      mirror.account.update('thing', id, { value });
    }
    mirror.account.tick();
    await mirror.full();
    await mirror.deliver(last(mirror, 2));
    expect(await mirror.row('thing', id)).toMatchObject({ raw_payload: { value: 1 } });
    expect(await mirror.changes()).toHaveLength(1);
  });

  it('A5 a creation that is told after a pass has not seen the object brings nothing to life', async () => {
    const mirror = open();
    const { id } = mirror.account.create('thing');
    const created = last(mirror);
    mirror.account.tick();
    mirror.account.remove('thing', id);
    mirror.account.tick();
    await mirror.full();
    await mirror.deliver(created);
    expect(await mirror.held('thing')).toEqual(new Map());
    expect(await mirror.changes()).toEqual([]);
  });

  for (const order of ['as they happened', 'reversed', 'in one batch']) {
    it(`A4 two events in one second, ${order}: the provider's current state, read again`, async () => {
      const mirror = open();
      const { id } = mirror.account.create('thing', { value: 1 });
      mirror.account.tick();
      mirror.account.update('thing', id, { value: 2 });
      mirror.account.update('thing', id, { value: 3 });
      const events = order === 'reversed' ? [last(mirror), last(mirror, 2)] : [last(mirror, 2), last(mirror)];
      if (order === 'in one batch') {
        for (const event of events) await mirror.accept(event);
        await mirror.settle();
      } else await mirror.deliver(...events);
      expect(await mirror.row('thing', id)).toMatchObject({ raw_payload: { value: 3 } });
      expect(mirror.api.requests).toContain(`/things/${id}`);
      await expectNothingOpen(mirror);
    });
  }

  it('A5 a deletion, then a late update: it stays deleted; a real re-creation lives again', async () => {
    const mirror = open();
    const { id } = mirror.account.create('thing', { value: 1, parts: [{ id: `${mirror.key}_p` }] });
    await mirror.full();
    mirror.account.tick();
    mirror.account.update('thing', id, { value: 2 });
    const late = last(mirror);
    mirror.account.tick();
    mirror.account.remove('thing', id);
    await mirror.deliver(last(mirror), late);
    expect(await mirror.row('thing', id)).toMatchObject({ deleted: true });
    expect(await mirror.row('part', `${mirror.key}_p`)).toMatchObject({ deleted: true });
    mirror.account.tick();
    mirror.account.create('thing', { id, value: 3 });
    await mirror.deliver(last(mirror));
    expect(await mirror.row('thing', id)).toMatchObject({ deleted: false, raw_payload: { value: 3 } });
    expect((await mirror.changes()).filter((c) => c.external_id === id).map((c) => c.operation)).toEqual([
      'create',
      'delete',
      'create',
    ]);
    await expectFeedToReplay(mirror);
  });

  it('A5 a deletion of an object that was never seen is remembered, and adds nothing to the feed', async () => {
    const mirror = open();
    const { id } = mirror.account.create('thing');
    const created = last(mirror);
    mirror.account.tick();
    mirror.account.remove('thing', id);
    await mirror.deliver(last(mirror), created);
    expect(await mirror.row('thing', id)).toMatchObject({ deleted: true });
    expect(await mirror.changes()).toEqual([]);
  });

  it('A6 the same delivery ten times, concurrently: one row, one change in the feed', async () => {
    const mirror = open();
    mirror.account.create('thing');
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        await mirror.accept(last(mirror));
        await mirror.engine.drain();
      }),
    );
    expect(await mirror.changes()).toHaveLength(1);
    expect(await mirror.rows('thing')).toHaveLength(1);
    expect(await mirror.inbox()).toMatchObject([{ state: 'processed', deliveries: 10 }]);
  });

  it("A7 a page read before an event and written after it: the event's state stays", async () => {
    const mirror = open();
    const { id } = mirror.account.create('thing', { value: 1 });
    mirror.api.afterAnswer = async ({ path }) => {
      if (path !== '/things') return;
      mirror.api.afterAnswer = () => {};
      mirror.account.tick(2);
      mirror.account.update('thing', id, { value: 2 });
      await mirror.accept(last(mirror));
      await mirror.engine.drain();
    };
    const run = await mirror.full();
    expect(await mirror.row('thing', id)).toMatchObject({ raw_payload: { value: 2 } });
    expect(run.resources['thing']).toMatchObject({ stale: 1 });
  });

  it('A7 a page read before a deletion and written after it: it stays deleted', async () => {
    const mirror = open();
    const { id } = mirror.account.create('thing');
    mirror.api.afterAnswer = async ({ path }) => {
      if (path !== '/things') return;
      mirror.api.afterAnswer = () => {};
      mirror.account.tick(2);
      mirror.account.remove('thing', id);
      await mirror.accept(last(mirror));
      await mirror.engine.drain();
    };
    await mirror.full();
    expect(await mirror.row('thing', id)).toMatchObject({ deleted: true });
    await expectNothingOpen(mirror);
  });

  it('A10 an event that shows less than the API never shrinks the entity: it is read again', async () => {
    const mirror = open();
    const { id } = mirror.account.create('thing', { value: 1, much: 'more' });
    await mirror.full();
    mirror.account.tick();
    mirror.account.update('thing', id, { value: 2 });
    await mirror.deliver(mirror.account.announce('thing.touched', { id, value: 2 }));
    expect(await mirror.row('thing', id)).toMatchObject({ raw_payload: { value: 2, much: 'more' } });
  });

  it('A11 children that are removed from their parent disappear with that event', async () => {
    const mirror = open();
    const part = (n: number) => ({ id: `${mirror.key}_${n}` });
    const { id } = mirror.account.create('thing', { parts: [part(1), part(2), part(3)] });
    await mirror.deliver(last(mirror));
    mirror.account.tick();
    mirror.account.update('thing', id, { parts: [part(1), part(3)] });
    await mirror.deliver(last(mirror));
    await mirror.expectTruth('part');
    expect(await mirror.row('part', part(2).id)).toMatchObject({ deleted: true, parent_id: id });
  });

  it('A11 an event that comes too late brings back no part that its successor no longer had', async () => {
    const mirror = open({ resources: ['thing', 'part'] });
    const part = { id: `${mirror.key}_p1`, text: 'one' };
    const { id } = mirror.account.create('thing', { parts: [part] });
    const [first] = mirror.account.log.slice(-1);
    mirror.account.tick(10);
    mirror.account.update('thing', id, { parts: [] });
    const [second] = mirror.account.log.slice(-1);
    for (const event of [second, first]) if (event !== undefined) await mirror.deliver(event);
    await mirror.expectTruth();
    expect(await mirror.row('part', part.id)).toBeUndefined();
  });

  it('A11 A22 a nested list that says has_more is completed first', async () => {
    const mirror = open();
    const part = (n: number) => ({ id: `${mirror.key}_${n}` });
    const { id } = mirror.account.create('thing', { parts: Array.from({ length: 25 }, (_, i) => part(i)) });
    await mirror.deliver(last(mirror));
    await mirror.expectTruth('part');
    mirror.account.tick();
    // One of those that the event does not show.
    mirror.account.update('thing', id, { parts: Array.from({ length: 24 }, (_, i) => part(i)) });
    await mirror.accept(last(mirror));
    await mirror.engine.drain();
    expect(await mirror.held('part')).toHaveLength(25);
    await mirror.settle();
    await mirror.expectTruth('part');
  });

  it('A11 a part that an event adds while the whole list is read stays', async () => {
    const mirror = open();
    const part = (n: number) => ({ id: `${mirror.key}_${n}` });
    const ten = Array.from({ length: 10 }, (_, i) => part(i));
    const { id } = mirror.account.create('thing', { parts: ten });
    let pages = 0;
    mirror.api.afterAnswer = async ({ path }) => {
      if (!path.endsWith('/parts') || ++pages !== 1) return;
      mirror.account.tick(2);
      mirror.account.update('thing', id, { parts: [part(99), ...ten] });
      await mirror.accept(last(mirror));
      await mirror.engine.drain();
      mirror.account.tick(2);
    };
    await mirror.deliver(last(mirror));
    expect(await mirror.row('part', part(99).id)).toMatchObject({ deleted: false });
    await mirror.expectTruth('part');
    await expectFeedToReplay(mirror);
    expect((await mirror.changes()).filter((c) => c.operation === 'delete')).toEqual([]);
  });

  it('A11 I11 a part that was read to be gone is not brought back by an event of the same second: its parent is read again', async () => {
    const mirror = open();
    const part = (n: number) => ({ id: `${mirror.key}_${n}` });
    const { id } = mirror.account.create('thing', { parts: [1, 2, 3, 4].map(part) });
    const created = last(mirror);
    mirror.api.afterAnswer = async ({ path }) => {
      if (path === '/things') mirror.account.update('thing', id, { parts: [1, 2, 4].map(part) });
    };
    await mirror.full();
    mirror.api.afterAnswer = async () => {};
    expect(await mirror.row('part', part(3).id)).toMatchObject({ deleted: true });
    await mirror.deliver(created);
    expect((await mirror.changes()).filter((c) => c.external_id === part(3).id)).toHaveLength(2);
    await mirror.expectTruth('part');
    await expectNothingOpen(mirror);
  });

  it('A11 I11 a part that an event of the same second shows is not deleted by a list that was read before: it is read again', async () => {
    const mirror = open();
    const part = (n: number) => ({ id: `${mirror.key}_${n}` });
    const four = [1, 2, 3, 4].map(part);
    const { id } = mirror.account.create('thing', { parts: four });
    mirror.api.afterAnswer = async ({ path }) => {
      if (!path.endsWith('/parts') || mirror.account.log.length > 1) return;
      mirror.account.update('thing', id, { parts: [part(99), ...four] });
      await mirror.accept(last(mirror));
      await mirror.engine.drain();
    };
    await mirror.deliver(last(mirror));
    await mirror.expectTruth('part');
    expect((await mirror.changes()).filter((c) => c.operation === 'delete')).toEqual([]);
    await expectNothingOpen(mirror);
  });

  it('A12 deliveries missed while nobody listened are healed by the next incremental run, without a full pass', async () => {
    const mirror = open();
    const [a, b] = [mirror.account.create('thing', { value: 1 }), mirror.account.create('thing')];
    for (let i = 0; i < 10; i++) mirror.account.create('thing');
    await mirror.full();
    mirror.account.tick(100);
    mirror.account.update('thing', a.id, { value: 2 });
    mirror.account.remove('thing', b.id);
    mirror.account.create('thing');
    const before = mirror.api.requests.length;
    const run = await mirror.incremental();
    await mirror.expectTruth();
    expect(mirror.api.requests.slice(before).filter((path) => path.startsWith('/things?'))).toEqual([]);
    expect(run.resources['thing']).toMatchObject({ created: 1, updated: 1, deleted: 1 });
  });

  it('A13 events can be replayed from the inbox without calling the provider', async () => {
    const mirror = open({ resources: ['note'] });
    mirror.account.create('thing', { value: 1 });
    await mirror.deliver(last(mirror));
    expect(await mirror.inbox()).toMatchObject([{ state: 'ignored' }]);
    const wiser = open({ key: mirror.key, account: mirror.account });
    expect(await wiser.engine.store.replayDeliveries({ app_key: mirror.key, state: 'ignored' })).toBe(1);
    await wiser.settle();
    await wiser.expectTruth('thing');
    expect(wiser.api.requests).toEqual([]);
  });

  it('A13 deliveries are replayed one, many, all of a type, of a state, or of a time', async () => {
    const mirror = open();
    const { id } = mirror.account.create('thing');
    const created = last(mirror);
    mirror.account.update('thing', id, { n: 1 });
    const updated = last(mirror);
    const strange = mirror.account.announce('moon.rose', { id: 'moon' });
    await mirror.deliver(created, updated, strange);
    await db.query(`update supasaasy.inbox set received_at = '2026-01-01' where app_key = $1 and event_id = $2`, [
      mirror.key,
      created.id,
    ]);
    const before = await mirror.rows('thing');
    const replayed = async (filter: Parameters<typeof mirror.engine.store.replayDeliveries>[0]) => {
      const count = await mirror.engine.store.replayDeliveries({ app_key: mirror.key, ...filter });
      const ready = (await mirror.inbox()).filter(({ state }) => state === 'ready').map(({ event_id }) => event_id);
      expect(ready).toHaveLength(count);
      await mirror.settle();
      return ready;
    };
    expect(await replayed({ event_ids: [updated.id] })).toEqual([updated.id]);
    expect(await replayed({ event_ids: [created.id, strange.id, 'ev_nobody'] })).toEqual([created.id, strange.id]);
    expect(await replayed({ type: 'thing.updated' })).toEqual([updated.id]);
    expect(await replayed({ state: 'ignored' })).toEqual([strange.id]);
    expect(await replayed({ to: '2026-01-02' })).toEqual([created.id]);
    expect(await replayed({ from: '2026-01-01', to: '2026-01-02' })).toEqual([created.id]);
    expect(await replayed({ from: '2026-01-02' })).toEqual([updated.id, strange.id]);
    expect(await replayed({})).toHaveLength(3);
    expect(await replayed({ app_key: 'another' })).toEqual([]);
    // Applying them again changed nothing (I1).
    expect(await mirror.rows('thing')).toEqual(before);
  });

  it('A13 the inbox has retention', async () => {
    const mirror = open();
    mirror.account.create('thing');
    await mirror.deliver(last(mirror));
    await db.query(`update supasaasy.inbox set received_at = received_at - interval '8 days' where app_key = $1`, [
      mirror.key,
    ]);
    await mirror.engine.store.trimInbox(30, 100);
    expect(await mirror.inbox()).toHaveLength(1);
    await mirror.engine.store.trimInbox(7, 100);
    expect(await mirror.inbox()).toEqual([]);
  });

  it('A14 events for another account of the same platform never land in the wrong app', async () => {
    const mirror = open({ app: { account: 'acct_ours' } });
    const { id } = mirror.account.create('thing');
    const { body } = last(mirror);
    const of = (account: string, event: string) => ({
      body: JSON.stringify({ ...JSON.parse(body), id: event, account }),
    });
    await mirror.accept(of('acct_theirs', 'ev_theirs'));
    await mirror.accept({ body });
    await mirror.settle();
    expect(await mirror.rows('thing')).toEqual([]);
    await mirror.accept(of('acct_ours', 'ev_ours'));
    await mirror.settle();
    expect([...(await mirror.held('thing')).keys()]).toEqual([id]);
    expect((await mirror.inbox()).map((row) => row.state)).toEqual(['ignored', 'ignored', 'processed']);
  });

  it('S4-29 an event about an object that no longer exists ends in a tombstone', async () => {
    const mirror = open();
    const { id } = mirror.account.create('thing');
    await mirror.full();
    const touched = mirror.account.announce('thing.touched', { id });
    mirror.account.tick();
    mirror.account.remove('thing', id);
    await mirror.deliver(touched);
    expect(await mirror.row('thing', id)).toMatchObject({ deleted: true });
    await expectNothingOpen(mirror);
  });

  it('S4-29 a nested list whose parent no longer exists ends quietly, with the parent', async () => {
    const mirror = open();
    const { id } = mirror.account.create('thing', {
      parts: Array.from({ length: 5 }, (_, i) => ({ id: `${mirror.key}_${i}` })),
    });
    const created = last(mirror);
    mirror.account.tick();
    mirror.account.remove('thing', id);
    await mirror.deliver(created);
    await mirror.expectTruth();
    await expectNothingOpen(mirror);
  });

  it('S4-10 S4-23 creating, changing, archiving and deleting are told apart', async () => {
    const mirror = open();
    const { id } = mirror.account.create('thing', { active: true });
    const steps: (() => void)[] = [
      () => mirror.account.update('thing', id, { value: 1 }),
      () => mirror.account.update('thing', id, { active: false }),
      () => mirror.account.remove('thing', id),
    ];
    await mirror.deliver(last(mirror));
    for (const step of steps) {
      mirror.account.tick();
      step();
      await mirror.deliver(last(mirror));
    }
    expect((await mirror.changes()).map((change) => change.operation)).toEqual([
      'create',
      'update',
      'archive',
      'delete',
    ]);
    expect(await mirror.row('thing', id)).toMatchObject({ archived: true, deleted: true });
  });

  it('I8 one poisonous delivery does not hold back the others', async () => {
    const mirror = open();
    for (let i = 0; i < 3; i++) {
      mirror.account.create('thing', i === 1 ? { text: 'U+0000: \u0000' } : {});
      await mirror.accept(last(mirror));
    }
    await mirror.settle();
    expect((await mirror.inbox()).map((row) => row.state)).toEqual(['processed', 'dead', 'processed']);
    expect(await mirror.rows('thing')).toHaveLength(2);
  });

  it('I8 a delivery with an unwritable id or type is kept, and costs no other its place', async () => {
    const mirror = open();
    mirror.account.create('thing');
    const odd = [
      JSON.stringify({ id: 'ev_\u0000', type: 'thing.\u0000', created: 1, object: { id: 'x' } }),
      JSON.stringify({ id: `ev_${'x'.repeat(9_000)}${Math.random()}`, type: 'odd', created: 1 }),
      '{"id":"ev_\\ud800","type":"\\ud800","created":1}',
    ];
    await Promise.all([...odd.map((body) => mirror.accept({ body })), mirror.accept(last(mirror))]);
    await mirror.settle();
    expect(await mirror.inbox()).toHaveLength(4);
    expect(await mirror.rows('thing')).toHaveLength(1);
  });
});
