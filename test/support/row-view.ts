import type { TestDatabase } from '../setup/database.ts';

export type Values = Readonly<Record<string, unknown>>;

/** An instant for `insertRow`: so many seconds from now on the database's clock. */
export const fromNow = (seconds: number) => ({ fromNow: seconds });

/** Inserts one row; objects are JSON, `fromNow(…)` an instant. Resolves to its id. */
export async function insertRow(db: TestDatabase, table: string, values: Values): Promise<number> {
  const params: unknown[] = [];
  const places = Object.values(values).map((value) => {
    const instant = typeof value === 'object' && value !== null && 'fromNow' in value ? value.fromNow : undefined;
    params.push(
      instant ?? (typeof value === 'object' && value !== null && !Array.isArray(value) ? JSON.stringify(value) : value),
    );
    return instant === undefined ? `$${params.length}` : `clock_timestamp() + make_interval(secs => $${params.length})`;
  });
  const [row] = await db.query<{ row: { id?: number } }>(
    `insert into supasaasy.${table} as x (${Object.keys(values).join(', ')}) values (${places.join(', ')}) returning to_jsonb(x) as row`,
    params,
  );
  return row?.row.id ?? 0;
}

/**
 * Rows with their instants as text: "never", "past" (a minute ago and more), "now" (within a minute), or "+n s" in steps of
 * 30 seconds. A busy machine changes none of these.
 */
export async function readRows(
  db: TestDatabase,
  table: string,
  where: string,
  params: readonly unknown[] = [],
): Promise<Values[]> {
  const rows = await db.query<{ row: Values; clock: number }>(
    `select to_jsonb(x) as row, extract(epoch from clock_timestamp())::float8 as clock from supasaasy.${table} x where ${where}`,
    params,
  );
  return rows.map(({ row, clock }) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        isInstant(name) ? describeInstant(value, Number(clock)) : value,
      ]),
    ),
  );
}

const isInstant = (name: string) =>
  /(_at|_until|_since|not_before)$/.test(name) && name !== 'read_until' && name !== 'version_until';

function describeInstant(value: unknown, clock: number): unknown {
  if (value === null) return 'never';
  if (typeof value !== 'string') return value;
  const seconds = Date.parse(value) / 1000 - clock;
  if (seconds < -60) return 'past';
  return seconds < 30 ? 'now' : `+${Math.round(seconds / 30) * 30} s`;
}

/** An entity as a read of a while ago left it. */
export async function insertEntity(db: TestDatabase, values: Values): Promise<void> {
  await insertRow(db, 'entities', {
    raw_payload: {},
    payload_hash: 1,
    version: 1,
    version_until: 1,
    version_source: 'read',
    observed_at: fromNow(-600),
    created_at: fromNow(-600),
    updated_at: fromNow(-600),
    ...values,
  });
}
