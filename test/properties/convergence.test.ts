import fc from 'fast-check';
import { beforeAll, expect, it, vi } from 'vitest';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { createMirror, type Mirror } from '../support/mirror.ts';
import { PROPERTY_TIMEOUT_MS, runs } from '../support/runs.ts';
import { expectFeedToReplay, expectNothingOpen, play, story, without } from '../support/story.ts';

const RESOURCES = ['thing', 'part', 'note', 'tag'];

vi.setConfig({ testTimeout: PROPERTY_TIMEOUT_MS });

describeEachDatabase('whatever order pages, events and deletes arrive in', (make, kind) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });
  const numRuns = { pglite: 4, postgres: 30 }[kind as 'pglite' | 'postgres'];

  it('I2 an older state never replaces a newer one: the rows end equal to the truth and the feed replays to them', async () => {
    await fc.assert(
      fc.asyncProperty(story, async (steps) => {
        const mirror = createMirror(db, { resources: RESOURCES });
        await mirror.full();
        await play(mirror, steps);
        // What was lost on its way is found by reading the log and searching; lost deletes of notes by a pass.
        await mirror.incremental();
        await mirror.expectTruth('thing', 'part');
        await mirror.full();
        await mirror.expectTruth();
        await expectFeedToReplay(mirror);
        await expectNothingOpen(mirror);
      }),
      runs(numRuns),
    );
  });

  it('I2 without any loss the deliveries alone lead to the truth', async () => {
    await fc.assert(
      fc.asyncProperty(story, async (steps) => {
        const mirror = createMirror(db, { resources: RESOURCES });
        await mirror.full();
        await play(mirror, without(steps, 'lose'));
        await mirror.expectTruth('thing', 'part', 'note');
        await expectFeedToReplay(mirror);
        await expectNothingOpen(mirror);
      }),
      runs(numRuns),
    );
  });

  it('I1 applying everything a second time writes no row of the mirror and adds nothing to the feed', async () => {
    await fc.assert(
      fc.asyncProperty(story, async (steps) => {
        const mirror = createMirror(db, { resources: RESOURCES });
        await play(mirror, steps);
        await mirror.incremental();
        await mirror.full();
        const before = await everythingOf(mirror);
        await mirror.engine.store.replayDeliveries({ app_key: mirror.key });
        await mirror.settle();
        await mirror.incremental();
        await mirror.full();
        expect(await everythingOf(mirror)).toEqual(before);
      }),
      runs(numRuns),
    );
  });

  it('I11 nothing is deleted that the provider still has, at any moment', async () => {
    await fc.assert(
      fc.asyncProperty(story, fc.nat({ max: 12 }), async (steps, failing) => {
        const mirror = createMirror(db, { resources: [...RESOURCES, 'label'], settings: { maxAttempts: 1 } });
        // Labels fill a few pages, and nobody can ask for one: only the list tells whether it is still there.
        for (let n = 0; n < 9; n += 1) mirror.account.create('label');
        await mirror.full();
        // Passes that break off half-way.
        mirror.api.meddle = ({ nth, path }) =>
          failing > 0 && nth % (failing + 3) === 0 && !path.includes('_')
            ? new Response('{}', { status: 500 })
            : undefined;
        const pass = { do: 'run', mode: 'full', during: [] } as const;
        await play(mirror, [...without(steps, 'revive'), pass, pass, pass], async () => {
          for (const kind of ['thing', 'note', 'tag', 'label']) {
            const truth = mirror.account.truth(kind);
            const buried = (await mirror.rows(kind)).filter((row) => row.deleted && truth.has(row.external_id));
            expect(buried).toEqual([]);
          }
        });
      }),
      runs(numRuns),
    );
  });
});

describeEachDatabase('a story in which a page that was asked for ahead is dropped', (make) => {
  it('C41: ends with everything that happened after that page was answered', async () => {
    const mirror = createMirror(await make({ template: ACME_TEMPLATE }), { resources: RESOURCES });
    const { account } = mirror;
    const parts = Array.from({ length: 6 }, (_, n) => ({ id: `part_${n}`, text: 0 }));
    const thing = account.create('thing', { value: 0, parts });
    const other = account.create('thing', { value: 0 });
    await mirror.full();
    account.tick();
    account.update('thing', thing.id, { value: 1 });
    const path = `/things/${thing.id}/parts`;
    // What happens after the answer to the page that was asked for ahead lasts longer than the run, as on a busy machine.
    let runEnded = () => {};
    const ended = new Promise<void>((resolve) => {
      runEnded = resolve;
    });
    let late = 0;
    mirror.api.afterAnswer = async ({ path: asked, query }) => {
      if (asked !== path) return;
      if (!query.has('after')) {
        account.tick();
        account.remove('thing', thing.id);
        await mirror.accept(account.log.at(-1) ?? { body: '' });
        await mirror.engine.drain({ retryBaseMs: 0 });
        return;
      }
      await ended;
      account.tick();
      account.update('thing', other.id, { value: 2 });
      late += 1;
    };
    await mirror.full();
    runEnded();
    await mirror.api.idle();
    expect(late).toBe(1);
    mirror.api.afterAnswer = () => {};
    await mirror.incremental();
    await mirror.expectTruth('thing', 'part');
    await expectNothingOpen(mirror);
  });
});

/** The rows as their readers see them, and the feed. */
async function everythingOf(mirror: Mirror): Promise<unknown> {
  const rows = await mirror.query(
    `select collection_key, external_id, raw_payload, updated_at, archived_at, deleted_at, change_seq
     from supasaasy.entities where app_key = $1 order by 1, 2`,
    [mirror.key],
  );
  return { rows, changes: await mirror.changes() };
}
