import type { SqlDatabase } from '../../src/engine/database.ts';

const PAGE = 100;

/**
 * Writes `count` customers of about `bytes` as a backfill does: pages of 100 through `ingest_page`, one transaction each.
 * `feed: false` is the first load of an app with `feed: 'live'`. Returns the seconds it took.
 */
export async function ingestPages(
  database: SqlDatabase,
  options: { readonly count: number; readonly bytes: number; readonly feed: boolean },
): Promise<number> {
  const [run] = await database.query<{ id: string }>(
    `insert into supasaasy.runs (app_key, mode, trigger, options) values ('acme', 'full', 'bench', jsonb_build_object('n', random())) returning id`,
  );
  const description = 'y'.repeat(options.bytes - 100);
  const begun = performance.now();
  for (let first = 0; first < options.count; first += PAGE) {
    const [task] = await database.query<{ id: string }>(
      `insert into supasaasy.tasks (run_id, app_key, resource, collection_key, kind, state, lease_token)
      values ($1, 'acme', 'customer', 'stripe_customer', 'list', 'running', 1) returning id`,
      [run?.id],
    );
    const data = Array.from({ length: Math.min(PAGE, options.count - first) }, (_, i) => ({
      id: `cus_${first + i}`,
      object: 'customer',
      metadata: { plan: 'pro', seats: String(i) },
      description,
    }));
    const now = Date.now();
    await database.call('ingest_page', {
      task: Number(task?.id),
      token: 1,
      body: JSON.stringify({ data }),
      page: {
        spec: { resource: 'customer', collection: 'stripe_customer', id: ['id'], records: ['data'] },
        started_at: new Date(now).toISOString(),
        version: now,
        version_until: now,
        next: { style: 'none' },
        quiet_creates: !options.feed,
      },
    });
  }
  return (performance.now() - begun) / 1000;
}
