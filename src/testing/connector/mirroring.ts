import assert from 'node:assert/strict';
import { instantMs, PRECISION_MS, widthMs } from '../../kit/instant.ts';
import { parseJson } from '../../kit/json.ts';
import { valueAt } from '../../kit/normalize.ts';
import { readMigrations } from '../../runtime/node/migration-files.ts';
import {
  type ConnectorCase,
  type ConnectorSubject,
  check,
  collectionOf,
  type Json,
  type TrialDelivery,
} from './subject.ts';
import { assertCompleted, assertTrue, createWorld, databaseOf, sharedWorld, type World } from './world.ts';

const READ = 'read';
const CHECKPOINT = 'checkpoint';
const ORDER = 'ordering and idempotence';
const DELETES = 'deletes';

/** Synced once, and then only looked at. */
const whole = (subject: ConnectorSubject): Promise<World> =>
  sharedWorld(subject, 'whole', async () => {
    const world = await createWorld(subject);
    const run = await world.sync('full');
    assertCompleted(run);
    return world;
  });

/** Resources whose changes an incremental run must find. */
const followed = (subject: ConnectorSubject, world: World) =>
  world.resources.filter((name) =>
    ['events', 'search'].includes(subject.connector.resources[name]?.incremental.by ?? ''),
  );

function change(world: World, times: number): TrialDelivery[] {
  return Array.from({ length: times }, () => world.account.mutate()).flat();
}

/** The living objects of the mirror, as far as events tell of them. */
async function living(subject: ConnectorSubject, world: World): Promise<Map<string, unknown>> {
  const all = new Map<string, unknown>();
  for (const name of world.resources) {
    const rows = await world.query<{ id: string; payload: Json }>(
      `select external_id as id, raw_payload as payload from supasaasy.entities
       where app_key = $1 and collection_key = $2 and deleted_at is null order by external_id`,
      [world.app, collectionOf(subject.connector, name)],
    );
    for (const { id, payload } of rows) all.set(`${name} ${id}`, subject.see?.(name, payload, 'news') ?? payload);
  }
  return all;
}

/** Pages that were asked for again. A question about one object may be; and who reads a scroll begins it anew. */
function pagesTwice({ connector }: ConnectorSubject, { requests }: World): string[] {
  const paths = new Set(
    Object.values(connector.resources).flatMap(({ list }) => (list?.next.style === 'scroll' ? [] : [list?.path])),
  );
  return requests.filter(
    (request, i) => requests.indexOf(request) !== i && paths.has(request.split(' ')[1]?.split('?')[0]),
  );
}

/** What shows only when an engine mirrors an account. */
export const mirroringCases: readonly ConnectorCase[] = [
  check(READ, 'has migrations that may run twice', async (subject) => {
    const database = await databaseOf(subject);
    const own = (await readMigrations([subject.connector])).filter(({ source }) => source !== 'engine');
    for (const { sql } of [...own, ...own]) await database.script(sql);
    for (const { collection } of Object.values(subject.connector.resources)) {
      await database.query('select supasaasy.ensure_collection($1)', [collection]);
      await database.query(`select from supasaasy.entities_${collection} limit 0`);
    }
  }),
  check(READ, 'a full sync completes', async (subject) => void (await whole(subject))),
  check(
    READ,
    'brings every object, and none that is not there',
    async (subject) => await assertTrue(await whole(subject), 'ids'),
  ),
  check(READ, 'brings every object whole', async (subject) => await assertTrue(await whole(subject), 'list')),
  check(READ, 'records the API version with every object', async (subject) => {
    const world = await whole(subject);
    const rows = await world.query(
      'select external_id from supasaasy.entities where app_key = $1 and api_version is distinct from $2 limit 3',
      [world.app, subject.connector.metadata.apiVersion],
    );
    assert.deepEqual(rows, []);
  }),
  check(READ, 'knows how exact the change times are that order two states', (subject) => {
    const account = subject.account();
    for (const name of subject.resources ?? Object.keys(subject.connector.resources)) {
      const at = subject.connector.resources[name]?.version;
      if (at === undefined) continue;
      const written = [...account.objects(name)].map(({ json }) => valueAt(parseJson(json), at.path));
      const times = new Set(written.map((value) => instantMs(value, at.unit)).filter((ms) => ms !== null));
      // Five at full seconds by chance are one in 10^15.
      const unit = (['1m', '1s'] as const).find((one) => [...times].every((ms) => ms % PRECISION_MS[one] === 0));
      if (times.size < 5 || unit === undefined) continue;
      assert.ok(
        written.every((value) => widthMs(value, at) >= PRECISION_MS[unit]),
        `${name}: every change time is a multiple of ${unit}, and its description takes it for finer: say precision: '${unit}'`,
      );
    }
  }),
  check(READ, 'knows when an object was created, where its description says so', async (subject) => {
    const world = await whole(subject);
    for (const name of world.resources) {
      const resource = subject.connector.resources[name];
      if (resource?.created === undefined) continue;
      const [row] = await world.query<{ n: number; dated: number }>(
        `select count(*)::int as n, count(*) filter (where source_created_at between '2005-01-01' and '2100-01-01')::int as dated
         from supasaasy.entities where app_key = $1 and collection_key = $2`,
        [world.app, resource.collection],
      );
      assert.ok(
        (row?.n ?? 0) === 0 || (row?.dated ?? 0) > 0,
        `${name}: no object has a time of creation in this century`,
      );
    }
  }),
  check(READ, 'reads no page twice', async (subject) => {
    const world = await whole(subject);
    assert.deepEqual(pagesTwice(subject, world), []);
  }),
  check(READ, 'stores nothing that it could not read', async (subject) => {
    const world = await whole(subject);
    const records = await world.engine.proof.listQuarantine({ app_key: world.app });
    assert.deepEqual(
      records.map(({ reason }) => reason),
      [],
    );
  }),
  check(READ, 'reads the same again without writing anything', async (subject) => {
    const world = await createWorld(subject);
    assertCompleted(await world.sync('full'));
    const before = await world.changes();
    assertCompleted(await world.sync('full'));
    assert.equal(await world.changes(), before);
  }),
  check(READ, 'an audit finds mirror and source equal', async (subject) => {
    const world = await whole(subject);
    const run = await world.engine.audit(world.app);
    assertCompleted(run);
    for (const [name, { missing = 0, stale = 0, extra = 0 }] of Object.entries(run.resources))
      assert.deepEqual({ name, missing, stale, extra }, { name, missing: 0, stale: 0, extra: 0 });
  }),
  check(CHECKPOINT, 'a run that was stopped goes on where it was', async (subject) => {
    const world = await createWorld(subject, { few: 6 });
    const { runId } = await world.engine.startRun(world.app, 'full');
    const pages = new AbortController();
    let seen = 0;
    world.between = async (url, init, go) => {
      const answer = await go(url, init);
      seen += 1;
      if (seen === 2) pages.abort();
      return answer;
    };
    await world.engine.work({ slots: 1, filter: { run_id: runId }, signal: pages.signal });
    assert.equal((await world.engine.getRun(runId))?.state, 'running');
    world.between = (url, init, go) => go(url, init);
    await world.engine.work({ filter: { run_id: runId } });
    const run = await world.engine.getRun(runId);
    assert.deepEqual({ state: run?.state, error: run?.error }, { state: 'completed', error: null });
    await assertTrue(world, 'list');
    // Its answer had not been stored when the run was stopped.
    assert.ok(pagesTwice(subject, world).length <= 1, `read again: ${pagesTwice(subject, world).join(', ')}`);
  }),
  check(CHECKPOINT, 'a run with a limit deletes nothing', async (subject) => {
    const world = await createWorld(subject, { few: 4 });
    assertCompleted(await world.sync('full'));
    assertCompleted(await world.sync('full', { limit: 1 }));
    await assertTrue(world, 'ids');
  }),
  check(CHECKPOINT, 'an incremental run right after a full one changes nothing', async (subject) => {
    const world = await whole(subject);
    const before = await world.changes();
    assertCompleted(await world.sync('incremental'));
    assert.equal(await world.changes(), before);
  }),
  check(ORDER, 'follows the account by its deliveries, and an incremental run brings the rest', async (subject) => {
    const world = await createWorld(subject);
    assertCompleted(await world.sync('full'));
    await world.deliver(change(world, 15));
    assertCompleted(await world.sync('incremental'));
    await assertTrue(world, 'news', followed(subject, world));
  }),
  check(ORDER, 'finds what changed while nobody listened', async (subject) => {
    const world = await createWorld(subject);
    assertCompleted(await world.sync('full'));
    change(world, 15);
    assertCompleted(await world.sync('incremental'));
    await assertTrue(world, 'news', followed(subject, world));
  }),
  check(ORDER, 'takes a delivery that comes again for no news', async (subject) => {
    const world = await createWorld(subject);
    assertCompleted(await world.sync('full'));
    const deliveries = change(world, 10);
    await world.deliver(deliveries);
    const before = await world.changes();
    await world.deliver(deliveries);
    await world.engine.store.replayDeliveries({ app_key: world.app });
    await world.deliver([]);
    assert.equal(await world.changes(), before);
  }),
  check(ORDER, "keeps another account's delivery, says why, and takes nothing from it", async (subject) => {
    const { parse } = subject.connector.webhook;
    const world = await createWorld(subject);
    assertCompleted(await world.sync('full'));
    const before = await world.changes();
    const theirs = change(world, 10).flatMap((delivery) => {
      const { account } = parse(delivery.body);
      const renamed = account === undefined ? [] : [delivery.body.replaceAll(`"${account}"`, '"another_account"')];
      return (subject.foreign?.(delivery.body) ?? renamed).map((body) => ({ ...delivery, body }));
    });
    await world.deliver(theirs);
    assert.equal(await world.changes(), before, "another account's delivery has changed the mirror");
    const kept = await world.query<{ state: string; reason: string | null }>(
      'select state, reason from supasaasy.inbox where app_key = $1',
      [world.app],
    );
    assert.equal(kept.length, new Set(theirs.map(({ body }) => parse(body).id)).size, 'not every delivery was kept');
    for (const { state, reason } of kept) {
      assert.equal(state, 'ignored');
      assert.match(reason ?? '', /\S/);
    }
  }),
  check(ORDER, 'ends the same when the deliveries come in reverse', async (subject) => {
    const after = async (order: (deliveries: TrialDelivery[]) => TrialDelivery[]) => {
      const world = await createWorld(subject);
      assertCompleted(await world.sync('full'));
      for (const delivery of order(change(world, 15))) await world.deliver([delivery]);
      return await living(subject, world);
    };
    assert.deepEqual(await after((deliveries) => deliveries.reverse()), await after((deliveries) => deliveries));
  }),
  check(ORDER, 'lets no old delivery undo what a later sync has read', async (subject) => {
    const world = await createWorld(subject);
    assertCompleted(await world.sync('full'));
    const deliveries = change(world, 15);
    assertCompleted(await world.sync('full', { allow_mass_delete: true }));
    for (const delivery of deliveries.reverse()) await world.deliver([delivery]);
    await assertTrue(world, 'list');
  }),
  check(DELETES, 'a full pass finds every deletion that nobody told of', async (subject) => {
    const world = await createWorld(subject);
    assertCompleted(await world.sync('full'));
    change(world, 60);
    assertCompleted(await world.sync('full', { allow_mass_delete: true }));
    await assertTrue(world, 'list');
  }),
  check(DELETES, 'keeps a tombstone of what was deleted', async (subject) => {
    const world = await createWorld(subject);
    assertCompleted(await world.sync('full'));
    const before = new Set((await Promise.all(world.resources.map((name) => world.ids(name)))).flat());
    await world.deliver(change(world, 60));
    assertCompleted(await world.sync('full', { allow_mass_delete: true }));
    const rows = await world.query<{ id: string }>(
      'select external_id as id from supasaasy.entities where app_key = $1',
      [world.app],
    );
    const stored = new Set(rows.map(({ id }) => id));
    assert.deepEqual(
      [...before].filter((id) => !stored.has(id)),
      [],
    );
  }),
  check(DELETES, 'an empty answer deletes nothing', async (subject) => {
    const world = await createWorld(subject, { few: 8 });
    assertCompleted(await world.sync('full'));
    const [before] = await world.query(
      'select count(*)::int as n from supasaasy.entities where app_key = $1 and deleted_at is null',
      [world.app],
    );
    const paths = new Map(Object.values(subject.connector.resources).map(({ list, records }) => [list?.path, records]));
    world.between = async (url, init, go) => {
      const answer = await go(url, init);
      const records = paths.get(url.pathname);
      if (records === undefined || !answer.ok) return answer;
      const body = (await answer.json()) as Record<string, unknown>;
      let inner = body;
      for (const step of records.slice(0, -1)) inner = inner[step] as Record<string, unknown>;
      inner[records.at(-1) ?? ''] = [];
      return Response.json({ ...body, has_more: false, pages: null, scroll_param: null }, { headers: answer.headers });
    };
    await world.sync('full');
    world.between = (url, init, go) => go(url, init);
    const [after] = await world.query(
      'select count(*)::int as n from supasaasy.entities where app_key = $1 and deleted_at is null',
      [world.app],
    );
    assert.deepEqual(after, before);
  }),
];
