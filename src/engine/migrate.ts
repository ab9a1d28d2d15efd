import type { SqlDatabase } from './database.ts';

/** One numbered SQL file of the engine or of a connector. */
export interface Migration {
  /** `engine` or the connector's name. */
  readonly source: string;
  /** `001_tables.sql` */
  readonly name: string;
  readonly sql: string;
}

export interface AppliedMigration {
  readonly source: string;
  readonly name: string;
  readonly checksum: string;
}

/** The ledger of what a database has; the first thing that any migration makes sure of. */
export const LEDGER_SQL = `do $make$
begin
  -- "if not exists" asks for the right to create even where the schema is there.
  if to_regnamespace('supasaasy') is null then
    create schema supasaasy;
  elsif not has_schema_privilege('supasaasy', 'usage') or not has_schema_privilege('supasaasy', 'create') then
    raise exception '% may not create tables in the schema supasaasy: let an administrator run "alter schema supasaasy owner to %", then run this again',
      current_user, quote_ident(current_user) using errcode = 'SY005';
  end if;
exception when insufficient_privilege then
  raise exception '% may create no schema in the database %: let an administrator run "create schema supasaasy authorization %", then run this again',
    current_user, current_database(), quote_ident(current_user) using errcode = 'SY005';
end $make$;
create table if not exists supasaasy.migrations (
  source text not null, name text not null, checksum text not null, applied_at timestamptz not null default now(),
  primary key (source, name)
);
alter table supasaasy.migrations enable row level security;`;

/** PostgreSQL lets everybody call a new function: not for a moment. What readers may call, `grant_access` grants. */
export const CLOSE_SQL = 'revoke all on all functions in schema supasaasy from public;';

/** Numeric prefix first (2 before 10), then the name (S4-35). The engine's come before the connectors'. */
export function sortMigrations(migrations: readonly Migration[]): Migration[] {
  const number = (m: Migration) => Number.parseInt(m.name, 10);
  return [...migrations].sort(
    (a, b) =>
      Number(b.source === 'engine') - Number(a.source === 'engine') ||
      (a.source < b.source ? -1 : a.source > b.source ? 1 : 0) ||
      number(a) - number(b) ||
      (a.name < b.name ? -1 : 1),
  );
}

/** SHA-256 of the text, hex. */
export async function checksumOf(sql: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(sql));
  return [...new Uint8Array(digest)].map((b) => b.toString(16).padStart(2, '0')).join('');
}

/** The SQL that records one migration as applied. Values are our own file names and hex. */
export function ledgerEntry(migration: Migration, checksum: string): string {
  const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;
  return `insert into supasaasy.migrations (source, name, checksum) values (${quote(migration.source)}, ${quote(migration.name)}, ${quote(checksum)})
on conflict (source, name) do update set checksum = excluded.checksum, applied_at = now();`;
}

/**
 * Brings a database up to date: applies, in order and each in its own transaction, every migration that the ledger
 * lacks or has in an older text (they are idempotent). Two processes that migrate at once wait for each other.
 * Returns what was applied.
 */
export async function applyMigrations(database: SqlDatabase, migrations: readonly Migration[]): Promise<Migration[]> {
  const lock = `select pg_advisory_xact_lock(hashtextextended('supasaasy:migrate', 0));`;
  await database.script(`${lock}\n${LEDGER_SQL}`);
  const done = new Map((await readLedger(database)).map((row) => [`${row.source}/${row.name}`, row.checksum]));
  const applied: Migration[] = [];
  for (const migration of sortMigrations(migrations)) {
    const checksum = await checksumOf(migration.sql);
    if (done.get(`${migration.source}/${migration.name}`) === checksum) continue;
    await database.script(`${lock}\n${migration.sql}\n;${CLOSE_SQL}\n${ledgerEntry(migration, checksum)}`);
    applied.push(migration);
  }
  if (applied.length > 0) await database.call('grant_access', {});
  return applied;
}

export async function readLedger(database: SqlDatabase): Promise<AppliedMigration[]> {
  const [table] = await database.query<{ there: boolean }>(
    "select to_regclass('supasaasy.migrations') is not null as there",
  );
  if (table?.there !== true) return [];
  return await database.query<AppliedMigration>('select source, name, checksum from supasaasy.migrations');
}
