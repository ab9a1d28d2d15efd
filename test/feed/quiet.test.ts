import { expect, it } from 'vitest';
import { describeEachDatabase } from '../setup/database.ts';

const PAGE = (quiet: boolean) => ({
  spec: { resource: 'customer', collection: 'stripe_customer', id: ['id'], records: ['data'] },
  started_at: new Date(Date.now() + 60_000).toISOString(),
  version: Date.now(),
  version_until: Date.now(),
  next: { style: 'none' },
  quiet_creates: quiet,
});

describeEachDatabase(
  'an app with feed: live',
  (make) => {
    it('is quiet while a resource is loaded for the first time, and tells of everything new after that', async () => {
      const { database } = await make({ template: 'engine' });
      const ingest = async (ids: readonly string[]) => {
        const [run] = await database.query<{ id: string }>(
          `insert into supasaasy.runs (app_key, mode, trigger, options) values ('acme', 'full', 'test', jsonb_build_object('n', random())) returning id`,
        );
        const [task] = await database.query<{ id: string }>(
          `insert into supasaasy.tasks (run_id, app_key, resource, collection_key, kind, state, lease_token) values ($1, 'acme', 'customer', 'stripe_customer', 'list', 'running', 1) returning id`,
          [run?.id],
        );
        await database.call('ingest_page', {
          task: Number(task?.id),
          token: 1,
          body: JSON.stringify({ data: ids.map((id) => ({ id })) }),
          page: PAGE(true),
        });
      };
      const told = async () =>
        (await database.query<{ external_id: string }>('select external_id from supasaasy.changes order by seq')).map(
          (row) => row.external_id,
        );
      await ingest(['a', 'b']);
      await ingest(['c']);
      expect(await told()).toEqual([]);
      await database.query(`insert into supasaasy.sync_state (app_key, collection_key, last_full_at) values ('acme', 'stripe_customer', now())
        on conflict (app_key, collection_key) do update set last_full_at = now()`);
      await ingest(['a', 'b', 'c', 'd']);
      expect(await told()).toEqual(['d']);
      // What a webhook asked to read again has no run: always news.
      const [task] = await database.query<{ id: string }>(
        `insert into supasaasy.tasks (app_key, resource, collection_key, kind, external_id, state, lease_token) values ('acme', 'customer', 'stripe_customer', 'retrieve', 'e', 'running', 2) returning id`,
      );
      await database.query('delete from supasaasy.sync_state');
      const { records: _, ...spec } = PAGE(true).spec;
      await database.call('ingest_retrieved', {
        task: Number(task?.id),
        token: 2,
        body: JSON.stringify({ id: 'e' }),
        page: { ...PAGE(true), spec },
      });
      expect(await told()).toEqual(['d', 'e']);
    });
  },
  { kinds: ['pglite', 'postgres'] },
);
