import type { Config } from '../config.ts';
import { feedDeclarations } from './feed/declare-feed.ts';
import { DEFAULT_DEPLOYMENT, declaredBy } from './fleet/declare.ts';
import { CLOSE_SQL, checksumOf, LEDGER_SQL, ledgerEntry, type Migration, sortMigrations } from './migrate.ts';

/** A file that an earlier assembly wrote: it may be applied somewhere, so it is never written again. */
export interface AssembledFile {
  readonly name: string;
  readonly text: string;
}

export interface AssembleInput {
  readonly config: Pick<Config, 'apps' | 'auth' | 'consumers' | 'schedules'>;
  /** The name under which the file declares (default `main`). */
  readonly deployment?: string;
  /** Of the engine and of the configured connectors. */
  readonly migrations: readonly Migration[];
  /** What lies in `supabase/migrations/` already; files of others are passed over. */
  readonly existing: readonly AssembledFile[];
  readonly nowMs: number;
}

export type Assembly =
  | { readonly state: 'unchanged'; readonly latest: string }
  | { readonly state: 'new'; readonly file: AssembledFile; readonly contains: readonly Migration[] };

const FILE_NAME = /^(\d{14})_supasaasy\.sql$/;
const CONTAINS = /^-- supasaasy:contains (\S+) ([0-9a-f]{64})$/gm;
const DECLARES = /^-- supasaasy:declares ([0-9a-f]{64})$/m;

/**
 * One combined file for `supabase db push` (S4-36 … S4-41): what is new or changed since the files that are there,
 * and what the configuration declares. Its header names every part with its checksum; the next assembly reads it.
 */
export async function assembleMigrations(input: AssembleInput): Promise<Assembly> {
  const earlier = input.existing.filter(({ name }) => FILE_NAME.test(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  const known = new Map<string, string>();
  let declared: string | undefined;
  for (const { text } of earlier) {
    for (const [, part = '', checksum = ''] of text.matchAll(CONTAINS)) known.set(part, checksum);
    declared = DECLARES.exec(text)?.[1] ?? declared;
  }

  const configured = input.config.apps.length > 0;
  const declarations = configured || known.size > 0 ? declarationsOf(input) : '';
  const parts = await Promise.all(
    sortMigrations(configured ? input.migrations : []).map(async (migration) => ({
      migration,
      part: `${migration.source}/${migration.name}`,
      checksum: await checksumOf(migration.sql),
    })),
  );
  const wanted = parts.filter(({ part, checksum }) => known.get(part) !== checksum);
  const declares = await checksumOf(declarations);
  const latest = earlier.at(-1)?.name;
  if (wanted.length === 0 && declares === declared && latest !== undefined) return { state: 'unchanged', latest };

  const sources = [...new Set(wanted.map(({ migration }) => migration.source))];
  const text = [
    '-- Assembled by "npm run migrations" from the numbered SQL of the engine and of the configured connectors.',
    '-- Do not edit. A change of the sources or of supasaasy.config.ts makes a new file beside this one.',
    `-- Sources: ${sources.join(', ') || 'none'}`,
    ...wanted.map(({ part, checksum }) => `-- supasaasy:contains ${part} ${checksum}`),
    `-- supasaasy:declares ${declares}`,
    ...(declarations === ''
      ? ['', '-- No app is configured: there is nothing to do.', 'select 1;']
      : [
          '',
          LEDGER_SQL,
          ...wanted.flatMap(({ migration, part, checksum }) => [
            `\n-- ---- ${part} ----\n`,
            migration.sql.trimEnd(),
            `;\n${CLOSE_SQL}\n${ledgerEntry(migration, checksum)}`,
          ]),
          '\n-- ---- supasaasy.config.ts ----\n',
          declarations,
        ]),
    '',
  ].join('\n');
  const name = `${timestampAfter(latest, input.nowMs)}_supasaasy.sql`;
  return { state: 'new', file: { name, text }, contains: wanted.map(({ migration }) => migration) };
}

/** Apps, consumers, access and schedules, as SQL that may run any number of times. `set_auth` closes what has just been made. */
function declarationsOf({
  config,
  deployment = DEFAULT_DEPLOYMENT,
}: Pick<AssembleInput, 'config' | 'deployment'>): string {
  const { watched } = feedDeclarations(config);
  return [
    'select supasaasy.enable_extensions();',
    `select supasaasy.declare_deployment(${literal(deployment)}, ${jsonLiteral(declaredBy(config))});`,
    // Here, because only the table's owner can; the functions come as the service role.
    ...watched.map(
      ({ table, key }) =>
        `select supasaasy.watch_table(to_regclass(${literal(table)}), ${literal(key)}) where to_regclass(${literal(table)}) is not null;`,
    ),
    // It closes what has just been made.
    'select supasaasy.grant_access();',
  ].join('\n');
}

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;
const jsonLiteral = (value: unknown) => `${literal(JSON.stringify(value))}::jsonb`;

/** The moment as Supabase numbers files, and later than every file that we wrote. */
function timestampAfter(latest: string | undefined, nowMs: number): string {
  const now = stamp(nowMs);
  const last = latest === undefined ? '' : (FILE_NAME.exec(latest)?.[1] ?? '');
  return now > last ? now : stamp(momentOf(last) + 1000);
}

const stamp = (ms: number) => new Date(ms).toISOString().replaceAll(/\D/g, '').slice(0, 14);

function momentOf(text: string): number {
  const [, date, time] = /^(\d{8})(\d{6})$/.exec(text) ?? [];
  const iso = `${date?.replace(/(....)(..)(..)/, '$1-$2-$3')}T${time?.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`;
  return Date.parse(iso);
}
