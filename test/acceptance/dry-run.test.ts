import { beforeAll, expect, it } from 'vitest';
import { previewRun } from '../../src/engine/sync/preview.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { createMirror, type Mirror } from '../support/mirror.ts';

describeEachDatabase('a dry run', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });
  const preview = async (mirror: Mirror, mode: 'full' | 'incremental') =>
    await previewRun(mirror.engine, mirror.key, mode, {}, new AbortController().signal);
  /** Every row of the engine's tables, and where it lies. */
  async function everything(): Promise<unknown> {
    const tables = [
      'entities',
      'changes',
      'runs',
      'passes',
      'tasks',
      'sync_state',
      'inbox',
      'quarantine',
      'rate_budgets',
      'apps',
    ];
    return await Promise.all(
      tables.map(
        async (table) =>
          await db.query(
            `select tableoid::regclass::text, ctid::text, xmin::text from supasaasy.${table} order by 1, 2`,
          ),
      ),
    );
  }

  it('A30 writes nothing and says what a run would do', async () => {
    const mirror = createMirror(db, { resources: ['thing', 'part', 'note', 'tag'] });
    const make = (kind: string) => Array.from({ length: 9 }, (_, n) => mirror.account.create(kind, { n }).id);
    const [things, notes, tags] = ['thing', 'note', 'tag'].map(make);
    mirror.account.update('thing', things?.[0] ?? '', { parts: [{ id: 'part_x' }] });
    mirror.account.update('thing', things?.[1] ?? '', { parts: [{ id: 'part_a' }, { id: 'part_b' }] });
    await mirror.full();
    mirror.account.tick(3600);
    mirror.account.create('thing', { text: '\u0000' });
    mirror.account.create('thing', {});
    mirror.account.update('note', notes?.[0] ?? '', { n: 100 });
    mirror.account.remove('tag', tags?.[0] ?? '');
    mirror.account.remove('thing', things?.[0] ?? '');
    // Nested: one is new, one is gone, and one goes with its thing.
    mirror.account.update('thing', things?.[1] ?? '', { parts: [{ id: 'part_b' }, { id: 'part_c' }] });
    const before = await everything();
    const full = await preview(mirror, 'full');
    const incremental = await preview(mirror, 'incremental');
    expect(await everything()).toEqual(before);
    expect(full).toMatchObject({ dry_run: true, status: 'completed', errors: [] });
    expect(full.resources).toMatchObject({
      thing: { created: 1, updated: 1, unchanged: 7, deleted: 1, errors: 1 },
      part: { created: 1, unchanged: 1, deleted: 2 },
      note: { updated: 1, unchanged: 8 },
      tag: { created: 0, updated: 0, unchanged: 8 },
    });
    expect(full.resources['tag']?.deleted).toBe(1);
    expect(incremental.status).toBe('completed');
    const run = await mirror.run('full');
    expect(run.resources['part']).toMatchObject({ created: 1, unchanged: 1 });
    expect((await mirror.rows('part')).filter((row) => row.deleted)).toHaveLength(2);
  });
});
