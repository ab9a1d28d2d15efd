import { afterAll, describe, inject } from 'vitest';
import type { SqlDatabase } from '../../src/engine/database.ts';
import { createPostgres } from '../../src/runtime/node/postgres.ts';
import { type Cluster, findDebian15, startCluster } from './cluster.ts';
import { cloneInMemory, cloneOnServer, dropOnServer } from './templates.ts';

export { registerTemplate } from './templates.ts';

export type DatabaseKind = 'pglite' | 'postgres' | 'pg15';

export interface TestDatabase {
  readonly kind: DatabaseKind;
  /** What the engine takes. */
  readonly database: SqlDatabase;
  /** Superuser's address; absent on PGlite. */
  readonly connectionString?: string;
  query<Row = Record<string, unknown>>(sql: string, params?: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

export interface TestDatabaseOptions {
  /** Key of `registerTemplate`. Default `empty`. */
  readonly template?: string;
  /** On `pg15`: the one database in which pg_cron's worker runs. */
  readonly cron?: boolean;
  /** Connections of `database` at most. Default 10. */
  readonly max?: number;
}

export type MakeDatabase = (options?: TestDatabaseOptions) => Promise<TestDatabase>;

interface Database {
  readonly label: string;
  /** Why the kind cannot be had here, for the name of the skipped suite. */
  unavailable(options?: { readonly cron?: boolean }): string | undefined;
  create(options: TestDatabaseOptions): Promise<Omit<TestDatabase, 'query'>>;
}

/** Every database that the engine is tested on. */
export const databases: Readonly<Record<DatabaseKind, Database>> = {
  pglite: {
    label: 'PGlite',
    unavailable: () => unwanted('pglite'),
    async create({ template = 'empty' }) {
      const database = await cloneInMemory(inject('servers').folder, template);
      return { kind: 'pglite', database, close: () => database.close() };
    },
  },
  postgres: {
    label: 'PostgreSQL 18',
    unavailable() {
      const { postgres } = inject('servers');
      return 'unavailable' in postgres ? postgres.unavailable : unwanted('postgres');
    },
    async create(options) {
      const { postgres } = inject('servers');
      if ('unavailable' in postgres) throw new Error(postgres.unavailable);
      return await createOnServer('postgres', postgres.url, options);
    },
  },
  pg15: {
    label: 'PostgreSQL 15',
    unavailable(options) {
      const url = process.env['TEST_PG15_URL'];
      if (url) return options?.cron ? 'pg_cron is tried on a server of our own only: unset TEST_PG15_URL' : undefined;
      const found = findDebian15();
      if (typeof found === 'string') return found;
      if (options?.cron && !found.cron) return 'no pg_cron (apt-get install postgresql-15-cron)';
      return unwanted('pg15');
    },
    create: async (options) => await createOnServer('pg15', await urlOf15(options.cron === true), options),
  },
};

const DEFAULT_KINDS: readonly DatabaseKind[] = ['pglite', 'postgres'];

/** A database of its own for one suite. The caller closes it, which also drops it. */
export async function createTestDatabase(kind: DatabaseKind, options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const made = await databases[kind].create(options);
  return { ...made, query: (sql, params = []) => made.database.query(sql, params) };
}

/**
 * The same suite on each kind of database (PGlite and PostgreSQL 18 unless told). What `make` made is closed at the
 * end of the suite. A kind that cannot be had is skipped, with the reason in the suite's name.
 */
export function describeEachDatabase(
  name: string,
  body: (make: MakeDatabase, kind: DatabaseKind) => void,
  options: { readonly kinds?: readonly DatabaseKind[]; readonly cron?: boolean } = {},
): void {
  for (const kind of options.kinds ?? DEFAULT_KINDS) {
    const { label, unavailable } = databases[kind];
    const reason = unavailable(options);
    const title = `${name} on ${label}`;
    if (reason !== undefined) {
      describe.skip(`${title} (${reason})`, () => body(() => Promise.reject(new Error(reason)), kind));
      continue;
    }
    describe(title, () => {
      const made: TestDatabase[] = [];
      afterAll(async () => {
        await Promise.all(made.map((database) => database.close()));
      });
      body(async (wanted = {}) => {
        const database = await createTestDatabase(kind, { ...(options.cron ? { cron: true } : {}), ...wanted });
        made.push(database);
        return database;
      }, kind);
    });
  }
}

function unwanted(kind: DatabaseKind): string | undefined {
  const wanted = process.env['TEST_DATABASES'];
  return wanted === undefined || wanted.split(',').includes(kind) ? undefined : `TEST_DATABASES=${wanted}`;
}

async function createOnServer(
  kind: DatabaseKind,
  serverUrl: string,
  { template = 'empty', cron, max }: TestDatabaseOptions,
): Promise<Omit<TestDatabase, 'query'>> {
  const connectionString = await cloneOnServer(serverUrl, template, cron ? CRON_DATABASE : undefined);
  const database = createPostgres({ connectionString, ...(max === undefined ? {} : { max }) });
  let closed: Promise<void> | undefined;
  const close = async () => {
    await database.close();
    await dropOnServer(serverUrl, connectionString);
  };
  return {
    kind,
    database,
    connectionString,
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

/** pg_cron's worker lives in one database of a server, named when the server starts. */
const CRON_DATABASE = 'test_cron';
const clusters15 = new Map<boolean, Promise<Cluster>>();

/** A PostgreSQL 15 for the test file that asks: few do. */
async function urlOf15(cron: boolean): Promise<string> {
  const url = process.env['TEST_PG15_URL'];
  if (url) return url;
  const found = findDebian15();
  if (typeof found === 'string') throw new Error(found);
  const settings: Record<string, string> = cron
    ? { shared_preload_libraries: 'pg_cron', 'cron.database_name': CRON_DATABASE, 'cron.use_background_workers': 'on' }
    : {};
  const cluster = clusters15.get(cron) ?? startCluster({ ...found, settings });
  clusters15.set(cron, cluster);
  return (await cluster).url;
}
