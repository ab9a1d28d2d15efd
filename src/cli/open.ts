import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config.ts';
import { ConfigError, DatabaseError } from '../errors.ts';
import { loadEnvFile } from '../runtime/node/env-file.ts';
import { freeLeases } from '../runtime/node/free-leases.ts';
import { CONFIG_FILE, loadConfig } from '../runtime/node/load-config.ts';
import { packageFolder } from '../runtime/node/package-folder.ts';
import {
  databaseUrl,
  dataDirOf,
  declare,
  migrate,
  openProject,
  type Project,
  type ProjectOptions,
  pendingMigrations,
} from '../runtime/node/project.ts';
import type { Cli, GlobalOptions } from './command.ts';
import { createLog } from './output.ts';

export interface OpenOptions extends Partial<Pick<ProjectOptions, 'onPage' | 'config' | 'dataDir' | 'env'>> {
  /** Of `locate`, where it was asked before. */
  readonly place?: ReturnType<typeof locate>;
  /**
   * What to do about migrations that the database lacks: `apply` them; `require` that there are none (the embedded
   * database, which is ours alone, gets them anyway); `check` too, but write nothing at all; `ignore` them.
   */
  readonly migrations?: 'apply' | 'require' | 'check' | 'ignore';
}

/** The configuration of this package, for a folder that has none: the demo's, and enough for one account of each. */
const ownConfig = () => fileURLToPath(new URL(CONFIG_FILE, packageFolder()));

/**
 * The configuration that a command is about, and the folder that it is for; `.env` there is read. Where there is no
 * configuration, but a mirror was started (or `orOwn`: is to be), it is this package's.
 */
export function locate(
  cli: Cli,
  globals: GlobalOptions,
  orOwn = existsSync(join(cli.cwd, '.supasaasy')),
): { readonly configFile: string; readonly folder: string } {
  const named = resolve(cli.cwd, globals.config ?? CONFIG_FILE);
  const place =
    orOwn && globals.config === undefined && !existsSync(named)
      ? { configFile: ownConfig(), folder: cli.cwd }
      : { configFile: named, folder: dirname(named) };
  loadEnvFile(place.folder);
  return place;
}

/** Opens config, database and engine for a command, lets it use them, and closes them whatever happens. */
export async function withProject<T>(
  cli: Cli,
  globals: GlobalOptions,
  open: OpenOptions,
  use: (project: Project) => Promise<T>,
): Promise<T> {
  const { configFile, folder } = open.place ?? locate(cli, globals);
  const config = open.config ?? (await loadConfig(configFile));
  const env = open.env ?? cli.env;
  const project = await openProject({
    configFile,
    folder,
    config,
    env,
    dataDir: open.dataDir ?? dataDirFor(config, env, folder),
    ports: { log: createLog(cli.out, globals.verbose === true) },
    ...(open.onPage === undefined ? {} : { onPage: open.onPage }),
  });
  try {
    await prepare(cli, project, open.migrations ?? 'require');
    return await use(project);
  } finally {
    await project.close();
  }
}

/** Where the demo keeps its mirror: apart from that of real accounts, so that neither is ever mistaken for the other. */
export const demoDirOf = (folder: string) => join(folder, '.supasaasy', 'demo');

/** The real mirror; or the demo's, while no app has a key and there is no other. */
function dataDirFor(config: Config, env: NonNullable<OpenOptions['env']>, folder: string): string {
  const demo = join(demoDirOf(folder), 'pglite');
  const isDemo = !existsSync(dataDirOf(folder)) && existsSync(demo) && !config.apps.some((app) => env[app.apiKeyEnv]);
  return isDemo ? demo : dataDirOf(folder);
}

async function prepare(cli: Cli, project: Project, wish: NonNullable<OpenOptions['migrations']>): Promise<void> {
  const { config, database } = project;
  await assertReachable(project, cli);
  if (wish === 'ignore') return;
  if (database.kind === 'pglite' && wish !== 'check') await freeLeases(database);
  const pending = await pendingMigrations(config, database);
  if (pending.length > 0 && (wish === 'apply' || (database.kind === 'pglite' && wish !== 'check'))) {
    const applied = await migrate(config, database);
    if (applied.length > 0)
      cli.out.note(`applied ${applied.length} migrations to ${describeDatabase(project, cli.env)}`);
  } else if (pending.length > 0) {
    throw new ConfigError(
      `the database lacks ${pending.length} migrations (${pending[0]?.source}/${pending[0]?.name}${pending.length > 1 ? ' …' : ''}): run "supasaasy migrate"`,
    );
  } else if (wish !== 'check') {
    await declare(config, database);
  }
}

/** A wrong address, a wrong password: said in one line, before anything else is tried. */
async function assertReachable(project: Project, cli: Cli): Promise<void> {
  try {
    await project.database.query('select 1');
  } catch (error) {
    const cause = error instanceof DatabaseError && error.cause !== undefined ? error.cause : error;
    throw new DatabaseError(
      `${describeDatabase(project, cli.env)} cannot be used: ${reasonOf(cause)}. Is it running, and is DATABASE_URL right? (Without DATABASE_URL, an embedded database is used.)`,
      // The driver's own error: its words are in the message already.
      { cause },
    );
  }
}

/** Node tries every address of a host and reports them together, without words of its own. */
function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return reasonOf(cause.errors[0]);
  return cause instanceof Error && cause.message !== ''
    ? cause.message
    : String((cause as { code?: unknown }).code ?? cause);
}

/** Which database, without a secret. */
export function describeDatabase(project: Project, env: NonNullable<OpenOptions['env']>): string {
  const url = databaseUrl(env);
  if (url === undefined)
    return `the embedded database in ${relative(process.cwd(), join(project.folder, '.supasaasy')) || '.supasaasy'}/`;
  try {
    const { host, pathname } = new URL(url);
    return `PostgreSQL ${host}${pathname}`;
  } catch {
    return 'PostgreSQL';
  }
}
