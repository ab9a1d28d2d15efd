import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config.ts';
import { applyMigrations } from '../engine/migrate.ts';
import { outlast } from '../engine/outlast.ts';
import { ConfigError, DatabaseAwayError, DatabaseError, SupasaasyError } from '../errors.ts';
import { loadEnvFile } from '../runtime/node/env-file.ts';
import { freeLeases } from '../runtime/node/free-leases.ts';
import { freeDeadLeases } from '../runtime/node/holder.ts';
import { CONFIG_FILE, loadConfig } from '../runtime/node/load-config.ts';
import { packageFolder } from '../runtime/node/package-folder.ts';
import { describeAddress, parseAddress } from '../runtime/node/postgres/parse-address.ts';
import {
  configuredMigrations,
  databaseUrl,
  dataDirOf,
  migrate,
  openProject,
  type Project,
  type ProjectOptions,
  pendingMigrations,
} from '../runtime/node/project.ts';
import type { Cli, GlobalOptions } from './command.ts';
import { withDemoKeys } from './demo.ts';
import { createLog } from './output.ts';

export interface OpenOptions extends Partial<Pick<ProjectOptions, 'onPage' | 'config' | 'dataDir' | 'env'>> {
  /** Of `locate`, where it was asked before. */
  readonly place?: ReturnType<typeof locate>;
  /**
   * What the command may do to the database before its own work. `read` (the default): nothing, and no migration may be
   * missing; only an embedded database, which is ours alone, gets those that it lacks. `check`: not even that. `work`:
   * the command works tasks or deliveries. `install`: it applies migrations and declares the configuration. `ignore`: whatever is missing is the command's affair.
   */
  readonly access?: Access;
}

export type Access = 'read' | 'check' | 'work' | 'install' | 'ignore';

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
  const configured = open.config ?? (await loadConfig(configFile));
  const env = open.env ?? cli.env;
  const isDemo = open.dataDir === undefined && holdsDemo(configured, env, folder);
  const config = isDemo ? withDemoKeys(configured) : configured;
  const project = await openProject({
    configFile,
    folder,
    config,
    env,
    dataDir: open.dataDir ?? (isDemo ? join(demoDirOf(folder), 'pglite') : dataDirOf(folder)),
    ports: { log: createLog(cli.out, globals.verbose === true) },
    ...(open.onPage === undefined ? {} : { onPage: open.onPage }),
  });
  try {
    await prepare(cli, project, open.access ?? 'read');
    return await use(project);
  } finally {
    await project.close();
  }
}

/** Where the demo keeps its mirror: apart from that of real accounts, so that neither is ever mistaken for the other. */
export const demoDirOf = (folder: string) => join(folder, '.supasaasy', 'demo');

/** The demo's mirror is the one that is there, while no app has a key and no other database is named. */
function holdsDemo(config: Config, env: NonNullable<OpenOptions['env']>, folder: string): boolean {
  return (
    databaseUrl(env) === undefined &&
    !existsSync(dataDirOf(folder)) &&
    existsSync(join(demoDirOf(folder), 'pglite')) &&
    !config.apps.some((app) => env[app.apiKeyEnv])
  );
}

async function prepare(cli: Cli, project: Project, access: Access): Promise<void> {
  const { config, database, engine } = project;
  await assertReachable(project, cli);
  if (access === 'ignore') return;
  const embedded = database.kind === 'pglite';
  if (access !== 'check' && access !== 'read') await (embedded ? freeLeases(database) : freeDeadLeases(database));
  const pending = await pendingMigrations(config, database);
  if (pending.length > 0 && (access === 'install' || (embedded && access !== 'check'))) {
    const applied = access === 'read' ? await upgrade(project) : await migrate(project);
    if (applied.length > 0)
      cli.out.note(`applied ${applied.length} migrations to ${describeDatabase(project, cli.env)}`);
  } else if (pending.length > 0) {
    throw new ConfigError(
      `the database lacks ${pending.length} migrations (${pending[0]?.source}/${pending[0]?.name}${pending.length > 1 ? ' …' : ''}): run "supasaasy migrate"`,
    );
  } else if (access === 'install' || (embedded && access === 'work')) {
    await engine.declare();
  }
}

/** For a command that reads: whatever is declared in the folder stays as it is; a new folder gets what is configured. */
async function upgrade(project: Project): Promise<readonly unknown[]> {
  const applied = await applyMigrations(project.database, await configuredMigrations(project.config));
  const [declared] = await project.database.query('select from supasaasy.deployments limit 1');
  const [known] = await project.database.query('select from supasaasy.apps where configured limit 1');
  if (declared === undefined && known === undefined) await project.engine.declare();
  return applied;
}
const STARTING_MS = 60_000;

/** A wrong address, a wrong password: said in one line, before anything else is tried. */
async function assertReachable(project: Project, cli: Cli): Promise<void> {
  try {
    // A server that is starting answers soon; any other reason is said at once.
    await outlast(project.engine.ports, () => project.database.query('select 1'), {
      stop: (error) => !(error instanceof DatabaseError && /^57P0[1-3]$/.test(error.sqlState ?? '')),
      patienceMs: STARTING_MS,
    });
  } catch (error) {
    // What a server says of the connection has its remedy with it.
    if (error instanceof DatabaseAwayError)
      throw new DatabaseError(
        `${error.message}. Is it running, and is DATABASE_URL right? (Without DATABASE_URL, an embedded database is used.)`,
        { sqlState: error.sqlState },
      );
    if (error instanceof SupasaasyError && error.cause === undefined) throw error;
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
  if (url === undefined || project.dataDir !== undefined)
    return `the embedded database in ${relative(process.cwd(), join(project.folder, '.supasaasy')) || '.supasaasy'}/`;
  return describeAddress(parseAddress(url));
}
