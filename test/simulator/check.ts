import type { Mirror } from '../support/mirror.ts';
import type { Chronicle } from './chronicle.ts';

interface Entry {
  readonly seq: string;
  readonly collection_key: string;
  readonly external_id: string;
  readonly operation: 'create' | 'update' | 'archive' | 'delete';
  readonly before: object | null;
  readonly previous_seq: string | null;
}

interface Held {
  readonly raw_payload: object | null;
  readonly deleted: boolean;
  readonly change_seq: string | null;
}

/** Everything that is wrong with a mirror at rest; empty when nothing is. */
export async function faultsOf(mirror: Mirror, chronicle: Chronicle | undefined): Promise<string[]> {
  return [...(await stuck(mirror)), ...(await untrueFeed(mirror, chronicle))];
}

/** Nothing may be left waiting, running, parked or refused. */
async function stuck({ query, key }: Mirror): Promise<string[]> {
  const rows = await query<{ what: string; n: number }>(
    `select what, n::int from (
       select 'open tasks' as what, count(*) as n from supasaasy.tasks where app_key = $1 and state in ('ready', 'running')
       union all select 'running runs', count(*) from supasaasy.runs where app_key = $1 and state = 'running'
       union all select 'waiting deliveries', count(*) from supasaasy.inbox where app_key = $1 and state in ('ready', 'running')
       union all select 'dead letters', count(*) from supasaasy.inbox where app_key = $1 and state = 'dead'
       union all select 'quarantined records', count(*) from supasaasy.quarantine where app_key = $1 and resolved_at is null
       union all select 'unsettled absences', count(*) from supasaasy.pass_missing m join supasaasy.passes p on p.id = m.pass_id where p.app_key = $1
       union all select 'left pages', count(*) from supasaasy.pass_pages m join supasaasy.passes p on p.id = m.pass_id where p.app_key = $1
     ) x where n > 0`,
    [key],
  );
  return rows.map(({ what, n }) => `${n} ${what}`);
}

/** The feed, played from its beginning, gives the rows; and it tells of nothing that never was. */
export async function untrueFeed({ query, key }: Mirror, chronicle: Chronicle | undefined): Promise<string[]> {
  const entries = await query<Entry>(
    `select seq, collection_key, external_id, operation, before, previous_seq from supasaasy.changes where app_key = $1 order by seq`,
    [key],
  );
  const rows = await query<Held & { collection_key: string; external_id: string }>(
    `select collection_key, external_id, raw_payload, deleted_at is not null as deleted, change_seq from supasaasy.entities where app_key = $1`,
    [key],
  );
  const held = new Map(rows.map((row) => [`${row.collection_key} ${row.external_id}`, row]));
  const stories = new Map<string, Entry[]>();
  for (const entry of entries) {
    const name = `${entry.collection_key} ${entry.external_id}`;
    stories.set(name, [...(stories.get(name) ?? []), entry]);
  }
  const wrong: string[] = [];
  for (const [name, row] of held) {
    if (!stories.has(name) && !row.deleted) wrong.push(`${name} is stored, and the feed never told of it`);
  }
  for (const [name, story] of stories) {
    const row = held.get(name);
    if (row === undefined) {
      wrong.push(`the feed tells of ${name}, which is not stored`);
      continue;
    }
    wrong.push(...brokenChain(name, story, row));
    const [collection = '', id = ''] = name.split(' ');
    const told = story.map(({ operation }, i) =>
      operation === 'delete' ? null : (story[i + 1]?.before ?? row.raw_payload),
    );
    const contradiction = chronicle?.contradiction(collection.replace(/^acme_/, ''), id, told);
    if (contradiction !== undefined) wrong.push(contradiction);
  }
  return wrong;
}

function brokenChain(name: string, story: readonly Entry[], row: Held): string[] {
  const wrong: string[] = [];
  let living = false;
  for (const [i, entry] of story.entries()) {
    if ((entry.previous_seq ?? null) !== (story[i - 1]?.seq ?? null))
      wrong.push(`${name}: entry ${entry.seq} does not follow entry ${story[i - 1]?.seq}`);
    if (living === (entry.operation === 'create'))
      wrong.push(`${name}: "${entry.operation}" while ${living ? 'alive' : 'not there'}`);
    living = entry.operation !== 'delete';
  }
  if (row.change_seq !== story.at(-1)?.seq) wrong.push(`${name}: the row does not name its last entry`);
  if (living === row.deleted) wrong.push(`${name}: the feed ends ${living ? 'alive' : 'deleted'}, the row does not`);
  return wrong;
}
