/** Runs in the test process before each test file: turns the mutant on, or records what each test reaches. */
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, inject } from 'vitest';
import type { Errand } from './errand.ts';

interface Switches {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number;
  hitLimit?: number;
  mutantCoverage?: { static: Record<string, number>; perTest: Record<string, Record<string, number>> };
}
interface Reached {
  readonly sql: Map<string, Set<string>>;
  /** Codes of PostgreSQL's errors. */
  readonly codes: Set<string>;
}
interface Modules {
  idToModuleMap: Map<string, { promise?: unknown; exports?: unknown; evaluated?: boolean; importers: Set<string> }>;
}

const errand: Errand = inject('errand');
const shared = globalThis as typeof globalThis & {
  __stryker__?: Switches;
  __mutate__?: Reached;
  __vitest_worker__?: { evaluatedModules: Modules };
};
shared.__stryker__ ??= {};
const switches: Switches = shared.__stryker__;
shared.__mutate__ ??= watchStatements(switches);
const reached: Reached = shared.__mutate__;

forgetModules(errand.reload ? /^(?!.*\/node_modules\/)/ : /\.test\.ts$/);
switches.activeMutant = errand.activation;
switches.currentTestId = undefined;
delete switches.hitCount;
if (errand.hitLimit !== undefined) {
  switches.hitCount = 0;
  switches.hitLimit = errand.hitLimit;
}

reached.codes.clear();
// biome-ignore lint/correctness/noEmptyPattern: Vitest reads the names of what a hook wants.
afterAll(({}, suite) => {
  Object.assign(suite.meta, { codes: [...reached.codes] });
});

if (errand.record) {
  switches.mutantCoverage = { static: {}, perTest: {} };
  reached.sql.clear();
  beforeAll(() => {
    switches.currentTestId = 'file';
  });
  const beganAt = process.cpuUsage();
  const cpu: Record<string, number> = {};
  let testBeganAt = beganAt;
  beforeEach(({ task }) => {
    switches.currentTestId = task.id;
    testBeganAt = process.cpuUsage();
  });
  afterEach(({ task }) => {
    switches.currentTestId = 'file';
    cpu[task.id] = cpuMsSince(testBeganAt);
  });
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the names of what a hook wants.
  afterAll(({}, suite) => {
    const { static: loading = {}, perTest = {} } = switches.mutantCoverage ?? {};
    Object.assign(suite.meta, {
      reach: {
        cpu,
        fileCpu: cpuMsSince(beganAt),
        loading: Object.keys(loading),
        perTest: Object.fromEntries(Object.entries(perTest).map(([test, hits]) => [test, Object.entries(hits)])),
        sql: Object.fromEntries([...reached.sql].map(([test, names]) => [test, [...names]])),
      },
    });
  });
}

/** Of this process: it is the same on a busy machine. */
function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Modules stay from one run to the next: the test file never, ours only as long as no mutant is in what runs when they load. */
function forgetModules(which: RegExp): void {
  const modules = shared.__vitest_worker__?.evaluatedModules.idToModuleMap ?? new Map();
  for (const [path, node] of modules) {
    if (!which.test(path) || path.includes('/scripts/mutate/setup.ts')) continue;
    Object.assign(node, { promise: undefined, exports: undefined, evaluated: false });
    node.importers.clear();
  }
}

/** Remembers, for each test, which objects of our schema its statements name. */
function watchStatements(current: Switches): Reached {
  const sql = new Map<string, Set<string>>();
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function watched(this: pg.Client, ...args: unknown[]) {
    const [first] = args;
    const text = typeof first === 'string' ? first : ((first as { text?: string } | undefined)?.text ?? '');
    const test = current.currentTestId ?? 'file';
    const names = sql.get(test) ?? new Set();
    sql.set(test, names);
    for (const [, name = ''] of text.matchAll(/supasaasy\.([a-z_0-9]+)/g)) names.add(name);
    return Reflect.apply(query, this, args);
  } as typeof query;
  const codes = new Set<string>();
  const { handleError } = (pg.Query as unknown as { prototype: { handleError: (error: { code?: string }) => unknown } })
    .prototype;
  Object.assign(pg.Query.prototype, {
    handleError(this: pg.Query, ...args: [error: { code?: string }]) {
      codes.add(args[0].code ?? '');
      return Reflect.apply(handleError, this, args);
    },
  });
  return { sql, codes };
}
