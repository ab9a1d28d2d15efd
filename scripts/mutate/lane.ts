import pg from 'pg';
import { createVitest, type TestSpecification } from 'vitest/node';
import type { Errand } from './errand.ts';
import { createLastingFork } from './lasting-fork.ts';

export interface Ran {
  /** The first test that failed, or what failed beside the tests. */
  readonly failed?: string;
  readonly timedOut: boolean;
  /** Codes of PostgreSQL's errors while it ran. */
  readonly codes: readonly string[];
  readonly files: readonly RanFile[];
}

export interface RanFile {
  readonly path: string;
  readonly ms: number;
  readonly tests: readonly {
    readonly id: string;
    readonly name: string;
    readonly ms: number;
    readonly state: string;
  }[];
  readonly meta: Readonly<Record<string, unknown>>;
}

/** Tests of a file by their ids; all of them without. */
export interface Chosen {
  readonly path: string;
  readonly ids?: readonly string[];
}

/** One Vitest with one test process and one PostgreSQL, for many runs one after the other. */
export async function createLane(root: string, include: readonly string[], part = '') {
  const fork = createLastingFork();
  const vitest = await createVitest(
    'test',
    {
      root,
      config: false,
      watch: false,
      include: [...include],
      exclude: ['**/node_modules/**'],
      globalSetup: ['test/setup/postgres.ts'],
      setupFiles: ['test/setup/determinism.ts', 'scripts/mutate/setup.ts'],
      pool: fork.pool,
      isolate: false,
      fileParallelism: false,
      maxWorkers: 1,
      bail: 1,
      testTimeout: 60_000,
      hookTimeout: 60_000,
      reporters: [{}],
      env: { TZ: 'UTC', TEST_DATABASES: 'postgres', FC_RUNS: '5', FC_SEED: '7' },
    },
    { cacheDir: `${root}/.vite`, logLevel: 'error' },
  );
  const project = vitest.getRootProject();
  const all = (await vitest.globTestSpecifications()).filter(({ moduleId }) => new RegExp(part).test(moduleId));
  const paths = all.map(({ moduleId }) => moduleId);
  const found = new Map(all.map((specification) => [specification.moduleId, specification]));

  async function run(chosen: readonly Chosen[], errand: Errand, limitMs: number): Promise<Ran> {
    vitest.state.filesMap.clear();
    project.provide('errand', errand);
    const specifications = chosen.flatMap(({ path, ids }): TestSpecification[] => {
      const whole = found.get(path);
      if (whole === undefined) return [];
      return [ids === undefined ? whole : project.createSpecification(path, { testIds: [...ids] }, whole.pool)];
    });
    let timedOut = false;
    const limit = setTimeout(() => {
      timedOut = true;
      fork.kill();
    }, limitMs);
    try {
      const { unhandledErrors } = await vitest.runTestSpecifications(specifications);
      return { timedOut, ...read(unhandledErrors) };
    } finally {
      clearTimeout(limit);
    }
  }

  function read(errors: readonly unknown[]): Omit<Ran, 'timedOut'> {
    let failed: string | undefined;
    const files = vitest.state.getTestModules().map((module) => {
      const tests = [...module.children.allTests()].map((test) => {
        const { state } = test.result();
        if (state === 'failed') failed ??= `${test.fullName}`;
        return { id: test.id, name: test.fullName, ms: test.diagnostic()?.duration ?? 0, state };
      });
      const [suite] = [...module.children.allSuites()].filter((one) => one.errors().length > 0);
      if (suite !== undefined) failed ??= `${suite.fullName}: ${String(suite.errors()[0]?.message)}`;
      const [error] = module.errors();
      if (error !== undefined) failed ??= `${module.relativeModuleId}: ${error.message}`;
      return {
        path: module.moduleId,
        ms: module.diagnostic().duration,
        tests,
        meta: module.meta() as Record<string, unknown>,
      };
    });
    const [error] = errors;
    if (error !== undefined) failed ??= `beside the tests: ${(error as { message?: string }).message ?? String(error)}`;
    const codes = files.flatMap(({ meta }) => (meta['codes'] as string[] | undefined) ?? []);
    return { files, codes, ...(failed === undefined ? {} : { failed }) };
  }

  /** Databases that tests start from, by whether they have our schema: some are empty. */
  const ours = new Map<string, boolean>();
  async function templates(): Promise<string[]> {
    const names = await onServer('postgres', async (client) => {
      const { rows } = await client.query<{ datname: string }>(
        `select datname from pg_database where datname ~ '^template_[0-9a-f]{12}$'`,
      );
      return rows.map(({ datname }) => datname);
    });
    for (const name of names) {
      if (ours.has(name)) continue;
      await onTemplate(name, async (client) => {
        const { rows } = await client.query(`select from pg_namespace where nspname = 'supasaasy'`);
        ours.set(name, rows.length > 0);
      });
    }
    return names.filter((name) => ours.get(name) === true);
  }

  /** A database in use cannot be copied: its session has ended when this returns. */
  async function onTemplate(name: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
    try {
      await onServer(name, work);
    } finally {
      await onServer('postgres', (client) =>
        client.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1', [name]),
      );
    }
  }

  async function onServer<T>(database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const { postgres } = project.getProvidedContext().servers;
    if ('unavailable' in postgres) throw new Error(postgres.unavailable);
    const url = new URL(postgres.url);
    url.pathname = `/${database}`;
    const client = new pg.Client({ connectionString: url.href });
    client.on('error', () => {});
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  return {
    paths,
    run,
    templates,
    /** In each database that tests start from. An error of PostgreSQL is thrown before any is changed. */
    async apply(statement: string): Promise<void> {
      for (const name of await templates()) await onTemplate(name, (client) => client.query(statement));
    },
    /** Databases of tests that were killed. */
    async sweep(): Promise<void> {
      await onServer('postgres', async (client) => {
        const { rows } = await client.query<{ datname: string }>(
          `select datname from pg_database where datname ~ '^test_[0-9a-f]{12}$'`,
        );
        for (const { datname } of rows) await client.query(`drop database if exists "${datname}" with (force)`);
      });
    },
    async close(): Promise<void> {
      fork.kill();
      await vitest.close();
    },
  };
}

export type Lane = Awaited<ReturnType<typeof createLane>>;
