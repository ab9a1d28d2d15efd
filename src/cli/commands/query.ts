import process from 'node:process';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import { queryMirror } from '../../engine/query.ts';
import { ConfigError, RequestRefusedError } from '../../errors.ts';
import { parseJson, stringifyJson } from '../../kit/json.ts';
import { type Door, findDoor } from '../../runtime/node/door.ts';
import { FolderInUseError } from '../../runtime/node/folder-lock.ts';
import type { Cli, DefineCommand, GlobalOptions } from '../command.ts';
import { withProject } from '../open.ts';
import { parseCount } from '../parse.ts';
import { formatTable } from '../table.ts';

interface QueryOptions {
  readonly limit: number;
  readonly json?: boolean;
}

/** The answer's text with objects (for machines) or with texts only (for a table: no digit is lost). */
type Ask = (cells: boolean) => Promise<string>;

export const query: DefineCommand = (cli) =>
  new Command('query')
    .description(
      'ask the mirror in SQL, also while "start" or "serve" has the embedded database; reads only, and only the mirror',
    )
    .argument('[sql]', 'one statement; the schema supasaasy need not be named. Without it, standard input is read')
    .option('--limit <rows>', 'rows at most', parseCount, 1000)
    .option('--json', 'print one JSON object (columns, rows, truncated) and nothing else')
    .action(async (given: string | undefined, options: QueryOptions, command: Command) => {
      const sql = (given ?? (await text(process.stdin))).trim();
      if (sql === '') throw new ConfigError('there is no SQL: supasaasy query "select count(*) from entities"');
      await withAsk(cli, command.optsWithGlobals(), { sql, limit: options.limit }, async (ask) => {
        if (options.json === true) return cli.out.print(await ask(false));
        show(cli, await ask(true));
      });
    });

/** The database itself; or, where another process has it, that process. */
async function withAsk(
  cli: Cli,
  globals: GlobalOptions,
  query: { readonly sql: string; readonly limit: number },
  use: (ask: Ask) => Promise<void>,
): Promise<void> {
  try {
    await withProject(cli, globals, { access: 'check' }, async ({ database }) => {
      await use((cells) => queryMirror(database, { ...query, cells }));
    });
  } catch (error) {
    const door = error instanceof FolderInUseError ? findDoor(error.folder) : undefined;
    if (door === undefined) throw error;
    await use((cells) => askServer(door, { ...query, cells }));
  }
}

async function askServer({ url, key }: Door, body: unknown): Promise<string> {
  const response = await fetch(`${url}/query`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: stringifyJson(body),
  });
  const answer = await response.text();
  if (response.ok) return answer;
  const { error } = parseJson(answer) as { error: { message: string } };
  throw new RequestRefusedError(error.message);
}

function show(cli: Cli, answer: string): void {
  const { columns, rows, truncated } = parseJson(answer) as {
    columns: string[];
    rows: (string | null)[][];
    truncated: boolean;
  };
  // What a record says must not steer the terminal.
  const table = rows.map((row) => row.map((cell) => (cell ?? '').replaceAll(/\p{Cc}/gu, ' ')));
  if (table.length > 0) cli.out.print(formatTable(columns, alignNumbers(table)));
  cli.out.note(
    truncated
      ? `the first ${rows.length} rows: --limit shows more`
      : `${rows.length} ${rows.length === 1 ? 'row' : 'rows'}`,
  );
}

/** As texts: their digits stay as PostgreSQL wrote them. */
function alignNumbers(table: readonly string[][]): string[][] {
  const widths = (table[0] ?? []).map((_, i) => {
    const cells = table.map((row) => row[i] ?? '');
    return cells.every((cell) => /^(-?\d+(\.\d+)?)?$/.test(cell)) ? Math.max(...cells.map(({ length }) => length)) : 0;
  });
  return table.map((row) => row.map((cell, i) => cell.padStart(widths[i] ?? 0)));
}
