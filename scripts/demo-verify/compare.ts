import { isDeepStrictEqual } from 'node:util';
import type { Account, RunningDemo } from './run-demo.ts';

type Json = Record<string, unknown>;

export interface Comparison {
  readonly account: number;
  readonly mirror: number;
  /** Objects of which every field is as the account has it. */
  readonly same: number;
  /** Older parts of conversations of which the provider shows the newest only: a mirror keeps what it has seen. */
  readonly beyond_cap?: number;
  /** What differs, with the first ids; empty when nothing does. */
  readonly differences: Readonly<Record<string, readonly string[]>>;
}

interface Row {
  readonly payload: Json;
  readonly archived: boolean;
  readonly parent: string | null;
}

const BATCH = 2_000;
/** Intercom shows so many parts of a conversation. */
const MOST_PARTS = 500;

/** Every collection of an account: ids, and contents field by field. */
export async function compareWithAccount(
  demo: Pick<RunningDemo, 'query'>,
  account: Pick<Account, 'name' | 'control' | 'objects'>,
): Promise<Record<string, Comparison>> {
  const result: Record<string, Comparison> = {};
  for (const resource of Object.keys((await account.control('counts')) as object)) {
    const collection = `${account.name}_${resource}`;
    result[collection] = compare(account.name, await account.objects(resource), await readMirror(demo, collection));
  }
  return result;
}

/** What the mirror holds: neither tombstones nor what the provider has archived away. */
async function readMirror(demo: Pick<RunningDemo, 'query'>, collection: string): Promise<Map<string, Row>> {
  const held = new Map<string, Row>();
  let last = '';
  for (;;) {
    const rows = await demo.query<Row & { id: string }>(
      `select external_id as id, parent_id as parent, raw_payload as payload, archived_at is not null as archived from entities
       where collection_key = '${collection}' and external_id > '${last}' and deleted_at is null order by external_id limit ${BATCH}`,
    );
    for (const { id, ...row } of rows) held.set(id, row);
    last = rows.at(-1)?.id ?? '';
    if (rows.length < BATCH) return held;
  }
}

function compare(
  provider: string,
  truth: readonly (Json & { readonly id: string })[],
  mirror: ReadonlyMap<string, Row>,
): Comparison {
  const ids = new Set(truth.map(({ id }) => id));
  const differences: Record<string, string[]> = {};
  const note = (what: string, id: string) => {
    differences[what] = [...(differences[what] ?? []), id].slice(0, 10);
  };
  let same = 0;
  for (const object of truth) {
    const row = mirror.get(object.id);
    const fields = row === undefined ? [] : fieldsThatDiffer(seen(provider, row.payload), seen(provider, object));
    if (row === undefined) note('missing', object.id);
    else if (fields.length === 0) same += 1;
    for (const field of fields) note(`other ${field}`, object.id);
  }
  // The provider's lists hide what is archived (S4-23); the mirror keeps it.
  const hidden = [...mirror].filter(([id, { archived }]) => !ids.has(id) && !archived);
  const shownOf = new Map<string, number>();
  for (const [id, { parent }] of mirror)
    if (parent !== null && ids.has(id)) shownOf.set(parent, (shownOf.get(parent) ?? 0) + 1);
  const capped = ({ parent }: Row) => provider === 'intercom' && (shownOf.get(parent ?? '') ?? 0) >= MOST_PARTS;
  const extra = hidden.filter(([, row]) => !capped(row));
  for (const [id] of extra) note('too many', id);
  const beyond = hidden.length - extra.length;
  return {
    account: truth.length,
    mirror: truth.filter(({ id }) => mirror.has(id)).length + extra.length,
    same,
    ...(beyond > 0 && { beyond_cap: beyond }),
    differences,
  };
}

function fieldsThatDiffer(ours: Json, theirs: Json): string[] {
  return [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].filter(
    (field) => !isDeepStrictEqual(ours[field], theirs[field]),
  );
}

/**
 * Without what no event and no list tells: Stripe's copies of a price inside other objects change without an event
 * (their ids are compared); Intercom's parts are a collection of their own, and a list of articles has no statistics.
 */
function seen(provider: string, object: Json): Json {
  if (provider === 'stripe')
    return JSON.parse(JSON.stringify(object), (key, value) =>
      (key === 'price' || key === 'plan') && value !== null && typeof value === 'object' ? value.id : value,
    );
  const { conversation_parts: _parts, statistics, ...rest } = object;
  return object['type'] === 'article' ? rest : { ...rest, statistics };
}
