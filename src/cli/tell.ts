import { databaseUrl, type Project } from '../runtime/node/project.ts';
import type { Cli } from './command.ts';
import type { Demo } from './demo.ts';
import { formatCount, formatTable } from './table.ts';

/** A table of what the mirror holds. */
export async function showArrival(cli: Cli, { database, config }: Project): Promise<void> {
  const rows = await database.query<{
    app_key: string;
    collection_key: string;
    living: string;
    archived: string;
    deleted: string;
  }>(
    `select app_key, collection_key, count(*) filter (where deleted_at is null) as living,
       count(*) filter (where deleted_at is null and archived_at is not null) as archived,
       count(*) filter (where deleted_at is not null) as deleted
     from supasaasy.entities where app_key = any($1) group by 1, 2 order by array_position($1, app_key), 3 desc`,
    [config.apps.map((app) => app.app_key)],
  );
  const table = rows.map((row) => [
    row.app_key,
    row.collection_key,
    Number(row.living),
    Number(row.archived),
    Number(row.deleted),
  ]);
  cli.out.print(`\n${formatTable(['app', 'collection', 'rows', 'of them archived', 'deleted'], table)}`);
  const total = rows.reduce((sum, row) => sum + Number(row.living), 0);
  cli.out.print(
    `\n${cli.out.bold(`${formatCount(total)} rows`)} in supasaasy.entities, and in one view per collection.\n`,
  );
}

const ANY_EXAMPLE = `select app_key, collection_key, count(*) as rows
from supasaasy.entities
where deleted_at is null
group by app_key, collection_key
order by rows desc
limit 5`;

/** A query, and what it answers here. */
export async function showExample(cli: Cli, { database }: Project, demo: Demo | undefined): Promise<void> {
  const example = demo?.accounts[0]?.example ?? ANY_EXAMPLE;
  const rows = await database.query<Record<string, unknown>>(example);
  cli.out.print(`${cli.out.bold('Ask it something')} (also while this runs):\n`);
  // The demo is never in the database of the environment, where the command would look.
  const where = demo === undefined || databaseUrl(cli.env) === undefined ? '' : 'DATABASE_URL= ';
  cli.out.print(`${where}npx supasaasy query "${example}"`.replaceAll(/^/gm, '  '));
  const head = Object.keys(rows[0] ?? {});
  const table = formatTable(
    head,
    rows.map((row) => head.map((name) => toCell(row[name]))),
  );
  cli.out.print(`\n${table.replaceAll(/^/gm, '  ')}`);
}

/** Numbers come as text, with every digit. */
function toCell(value: unknown): string | number {
  if (typeof value === 'number') return value;
  const text = String(value ?? '');
  return /^-?\d{1,15}(\.\d+)?$/.test(text) ? Number(text) : text;
}
