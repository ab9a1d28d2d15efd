import { expect, it } from 'vitest';
import type { Database } from '../../src/engine/database.ts';
import { LeaseLostError } from '../../src/errors.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { createMirror, type Mirror } from '../support/mirror.ts';

const THINGS = 43;
const PAGES = Math.ceil(THINGS / 4);

/** An account of several pages, and two processes that mirror it into one database. */
function twoProcesses(db: TestDatabase, wrap?: (database: Database) => Database): [Mirror, Mirror] {
  // No page is asked for before the one in front of it is written: that would renew the lease which a test lets run out.
  const settings = { readAhead: false };
  const one = createMirror(db, { resources: ['thing'], settings, ...(wrap === undefined ? {} : { wrap }) });
  for (let i = 0; i < THINGS; i += 1) {
    one.account.create('thing', { value: i });
    one.account.tick();
  }
  return [one, createMirror(db, { resources: ['thing'], key: one.key, account: one.account })];
}

/** What the tasks of a run counted: every page once, every record once. */
async function tally(mirror: Mirror, runId: string) {
  const [row] = await mirror.query<{ pages: number; records: number; created: number }>(
    `select sum(pages)::int as pages, sum(records)::int as records, sum(created)::int as created
     from supasaasy.tasks where run_id = $1 and kind = 'list'`,
    [runId],
  );
  return row;
}

/** Lets through when it is opened. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describeEachDatabase(
  'leases and fences',
  (make) => {
    it('two workers share a run: no page lost, none twice (A19)', async () => {
      const [one, other] = twoProcesses(await make({ template: ACME_TEMPLATE, max: 20 }));
      const { runId } = await one.engine.startRun(one.key, 'full');
      const filter = { run_id: runId };
      await Promise.all([one.engine.work({ slots: 4, filter }), other.engine.work({ slots: 4, filter })]);
      await one.engine.work({ filter });
      expect((await one.engine.getRun(runId))?.state).toBe('completed');
      await one.expectTruth('thing');
      const [lists] = await one.query<{ n: number }>(
        `select count(*)::int as n from supasaasy.tasks where run_id = $1 and kind = 'list'`,
        [runId],
      );
      const counted = await tally(one, runId);
      expect(counted?.created).toBe(THINGS);
      expect(one.api.requests.length + other.api.requests.length).toBe(counted?.pages);
      // A range that was split has a half-empty page at its end.
      expect(counted?.pages).toBeLessThanOrEqual(PAGES + 2 * (lists?.n ?? 0));
      expect(await one.changes()).toHaveLength(THINGS);
    });

    it('two runs of one wish are one run, whoever starts it', async () => {
      const [one, other] = twoProcesses(await make({ template: ACME_TEMPLATE, max: 20 }));
      const runs = await Promise.all([one, other, one, other].map((each) => each.engine.startRun(each.key, 'full')));
      expect(new Set(runs.map(({ runId }) => runId)).size).toBe(1);
      expect(runs.filter(({ resumed }) => !resumed)).toHaveLength(1);
    });

    it('a stalled worker that wakes up late writes nothing', async () => {
      const [one, other] = twoProcesses(await make({ template: ACME_TEMPLATE, max: 20 }));
      const held = gate();
      const asked = gate();
      one.api.afterAnswer = async ({ nth }) => {
        if (nth !== 3) return;
        asked.open();
        await held.opened;
      };
      const { runId } = await one.engine.startRun(one.key, 'full');
      const stalled = one.engine.work({ slots: 1, filter: { run_id: runId } });
      await asked.opened;
      // Its lease runs out while it waits for the third page; the world goes on, and another worker does the rest.
      const [old] = one.account.ids('thing');
      one.account.update('thing', old ?? '', { value: 'newer' });
      one.account.remove('thing', one.account.ids('thing')[30] ?? '');
      await one.expireLeases();
      await other.engine.work({ slots: 1, filter: { run_id: runId } });
      const before = await one.rows('thing');
      const counted = await tally(one, runId);
      held.open();
      await stalled;
      expect(await one.rows('thing')).toEqual(before);
      expect(await tally(one, runId)).toEqual(counted);
      expect((await one.engine.getRun(runId))?.state).toBe('completed');
      await one.incremental();
      await one.expectTruth('thing');
    });

    it('a worker without its lease is told so by every call that writes', async () => {
      const [one, other] = twoProcesses(await make({ template: ACME_TEMPLATE, max: 20 }));
      await one.engine.startRun(one.key, 'full');
      const filter = { app_key: one.key };
      const [task] = await one.engine.store.claimTasks(1, 60, filter);
      if (task === undefined) throw new Error('nothing to claim');
      expect(await other.engine.store.claimTasks(1, 60, filter)).toEqual([]);
      await one.expireLeases();
      const [taken] = await other.engine.store.claimTasks(1, 60, filter);
      expect(taken?.id).toBe(task.id);
      const page = {
        spec: one.engine.app(one.key).spec('thing'),
        started_at: new Date().toISOString(),
        version: 0,
        version_until: 0,
        next: { style: 'none' },
      };
      const body = JSON.stringify({ data: [{ id: 'thing_of_the_dead' }], has_more: false });
      const { store } = one.engine;
      await expect(store.ingestPage(task, body, page)).rejects.toThrow(LeaseLostError);
      await expect(store.ingestRetrieved(task, body, page)).rejects.toThrow(LeaseLostError);
      expect(await store.extendLease(task, 60)).toBe(false);
      expect(await store.releaseTask(task, 'fail', 'late', 0, 1, 3)).toBeNull();
      expect(await one.rows('thing')).toEqual([]);
    });
  },
  { kinds: ['postgres'] },
);

describeEachDatabase(
  'a lease that expires in the middle of a page',
  (make) => {
    it('is not taken over before that page is committed, and the page counts once', async () => {
      const db = await make({ template: ACME_TEMPLATE, max: 20 });
      const [one, other] = twoProcesses(db);
      const { runId } = await one.engine.startRun(one.key, 'full');
      const filter = { app_key: one.key };
      const [task] = await one.engine.store.claimTasks(1, 60, filter);
      if (task === undefined) throw new Error('nothing to claim');
      await one.expireLeases();
      const answer = await one.api.fetch('https://acme.test/things?limit=4', {
        headers: { authorization: one.env['KEY'] ?? '' },
      });
      const page = {
        spec: one.engine.app(one.key).spec('thing'),
        started_at: new Date(0).toISOString(),
        version: one.account.now(),
        version_until: one.account.now() + 999,
        next: { style: 'last_id', more: ['has_more'] },
        lease_seconds: 60,
      };
      const between = gate();
      const written = gate();
      const writing = db.database.transaction(async (tx) => {
        await tx.call('ingest_page', { task: task.id, token: task.lease_token, body: await answer.text(), page });
        written.open();
        await between.opened;
      });
      await written.opened;
      // Expired, but its owner is writing: nobody waits for it, and nobody gets it.
      expect(await other.engine.store.claimTasks(1, 60, filter)).toEqual([]);
      between.open();
      await writing;
      expect(await other.engine.store.claimTasks(1, 60, filter)).toEqual([]);
      await one.expireLeases();
      await other.engine.work({ filter: { run_id: runId } });
      expect(await tally(one, runId)).toMatchObject({ records: THINGS, created: THINGS });
      await one.expectTruth('thing');
    });
  },
  { kinds: ['postgres'] },
);
