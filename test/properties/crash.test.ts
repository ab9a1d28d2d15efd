import fc from 'fast-check';
import { beforeAll, expect, it, vi } from 'vitest';
import type { Database } from '../../src/engine/database.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { createMirror } from '../support/mirror.ts';
import { PROPERTY_TIMEOUT_MS, runs } from '../support/runs.ts';
import { expectFeedToReplay, expectNothingOpen } from '../support/story.ts';

const RESOURCES = ['thing', 'part', 'note', 'card', 'tag'];

/** A process that is killed at its `nth` call of the database: before it, or after its commit and before the answer. */
function mortal(nth: number, after: boolean) {
  let calls = 0;
  let dead = false;
  const underWay = new Set<Promise<unknown>>();
  return {
    wrap: (database: Database): Database => ({
      ...database,
      async call<T>(name: string, args: Readonly<Record<string, unknown>>): Promise<T> {
        if (dead) throw new Error('this process is dead');
        const fatal = ++calls === nth;
        if (fatal && !after) {
          dead = true;
          throw new Error('killed before a call');
        }
        const answer = database.call<T>(name, args);
        underWay.add(answer);
        const result = await answer.finally(() => underWay.delete(answer));
        if (fatal) dead = true;
        if (dead) throw new Error('killed after a commit');
        return result;
      },
    }),
    isDead: () => dead,
    /** The server has ended what the process had begun. */
    async buried(): Promise<void> {
      await Promise.allSettled(underWay);
    },
  };
}

const crash = fc.record({ nth: fc.integer({ min: 1, max: 60 }), after: fc.boolean() });

vi.setConfig({ testTimeout: PROPERTY_TIMEOUT_MS });

describeEachDatabase('killed at any call and started again', (make, kind) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });

  it('I3 I6 A18 a run ends with the same rows, and a kill costs each task one page at most', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(crash, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom('full' as const, 'incremental' as const),
        async (crashes, slots, mode) => {
          const mirror = createMirror(db, { resources: RESOURCES, slots });
          const { account } = mirror;
          const made: string[] = [];
          for (let n = 0; n < 7; n++) {
            if (n % 2 === 0) account.tick();
            const own = `${mirror.key}_${n}`;
            made.push(
              account.create('thing', {
                n,
                parts: [0, 1, 2, 3, 4].map((i) => ({ id: `${own}_${i}` })),
                cards: [{ id: own }],
              }).id,
            );
            account.create('note', { n });
            account.create('tag', { n });
          }
          if (mode === 'incremental') {
            await mirror.full();
            account.tick(1000);
            account.update('thing', made[0] ?? '', { n: 100 });
            account.update('thing', made[1] ?? '', { n: 101 });
            account.update('thing', made[1] ?? '', { n: 102 });
            account.remove('thing', made[2] ?? '');
            account.create('note', { n: 103 });
          }
          mirror.api.requests.length = 0;
          const begun = mode === 'full' ? 0 : 1;
          for (const { nth, after } of crashes) {
            const process = mortal(nth, after);
            mirror.restart(process.wrap, process.isDead);
            await mirror.run(mode).catch(() => {});
            await process.buried();
            await mirror.expireLeases();
          }
          mirror.restart((database) => database);
          await mirror.settle();
          const { requests } = mirror.api;
          if ((await mirror.query('select from supasaasy.runs where app_key = $1', [mirror.key])).length === begun + 1)
            expect(requests.length - new Set(requests).size).toBeLessThanOrEqual(slots * crashes.length);
          const run = await mirror.run(mode);
          expect(run).toMatchObject({ state: 'completed', error: null });
          await mirror.expectTruth();
          await expectFeedToReplay(mirror);
          await expectNothingOpen(mirror);
          const changes = await mirror.changes();
          const created = new Set(
            changes
              .filter((one) => one.operation === 'create')
              .map((one) => `${one.collection_key} ${one.external_id}`),
          );
          expect(changes.filter((one) => one.operation === 'create')).toHaveLength(created.size);
        },
      ),
      runs(kind === 'pglite' ? 3 : 25),
    );
  });

  it('I4 I6 a delivery that was acknowledged is applied, whenever the process is killed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ nth: fc.integer({ min: 1, max: 8 }), after: fc.boolean() }), {
          minLength: 1,
          maxLength: 3,
        }),
        async (crashes) => {
          const mirror = createMirror(db, { resources: ['thing', 'part'] });
          for (const { nth, after } of crashes) {
            mirror.account.tick();
            mirror.account.create('thing', { parts: [{ id: `${mirror.key}_${mirror.account.log.length}` }] });
            const event = mirror.account.log.at(-1) ?? { body: '' };
            const process = mortal(nth, after);
            mirror.restart(process.wrap, process.isDead);
            // Not acknowledged: the provider delivers it again.
            const acknowledged = await mirror.accept(event).then(
              () => true,
              () => false,
            );
            await mirror.settle().catch(() => {});
            await process.buried();
            await mirror.expireLeases();
            mirror.restart((database) => database);
            if (!acknowledged) await mirror.accept(event);
          }
          await mirror.settle();
          await mirror.expectTruth();
          await expectFeedToReplay(mirror);
          await expectNothingOpen(mirror);
        },
      ),
      runs(kind === 'pglite' ? 3 : 25),
    );
  });
});
