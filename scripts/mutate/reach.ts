import type { Lane } from './lane.ts';
import type { SqlSource } from './sql-mutants.ts';

export interface KnownTest {
  readonly id: string;
  readonly name: string;
  /** Relative to the sandbox. */
  readonly file: string;
  /** By the clock. */
  readonly ms: number;
  /** Milliseconds of a processor, the database's share guessed. */
  readonly cost: number;
}

/** Which tests reach what. */
export interface Reach {
  readonly tests: readonly KnownTest[];
  /** Of a file beside its tests. */
  readonly files: Readonly<Record<string, { readonly ms: number; readonly cost: number }>>;
  /** By the switch of a TypeScript mutant or the name of an SQL object: places in `tests`, and how often it was reached. */
  readonly of: Readonly<Record<string, readonly (readonly [test: number, hits: number])[]>>;
  /** Switches in code that runs while a module is loaded. */
  readonly loading: readonly string[];
  /** Tests that fail without any mutant. */
  readonly failing: readonly string[];
}

/** For each millisecond of the test process, PostgreSQL takes about one. */
const DATABASE_SHARE = 2;

interface Recorded {
  readonly cpu: Readonly<Record<string, number>>;
  readonly fileCpu: number;
  readonly loading: readonly string[];
  readonly perTest: Readonly<Record<string, readonly (readonly [string, number])[]>>;
  readonly sql: Readonly<Record<string, readonly string[]>>;
}

/** Runs every test once, each file by itself, on as many lanes as there are. */
export async function recordReach(
  lanes: readonly Lane[],
  roots: readonly string[],
  sources: readonly SqlSource[],
  slowestMs: number,
): Promise<Reach> {
  const tests: KnownTest[] = [];
  const files: Record<string, { ms: number; cost: number }> = {};
  const of = new Map<string, Map<number, number>>();
  const loading = new Set<string>();
  const failing: string[] = [];
  const leadsTo = followSql(sources);
  const queue = (lanes[0]?.paths ?? []).map((path) => path.slice((roots[0] ?? '').length + 1)).values();
  await Promise.all(
    lanes.map(async (lane, index) => {
      for (const file of queue) {
        const path = `${roots[index]}/${file}`;
        const ran = await lane.run([{ path }], { reload: true, record: true }, 600_000);
        console.log(`  ${(ran.files[0]?.ms ?? 0).toFixed(0).padStart(6)} ms  ${file}`);
        if (ran.failed !== undefined) failing.push(`${file}: ${ran.failed}`);
        const [result] = ran.files;
        const reach = result?.meta['reach'] as Recorded | undefined;
        if (result === undefined || reach === undefined) continue;
        for (const id of reach.loading) loading.add(id);
        const passed = result.tests.filter(({ state }) => state === 'passed');
        const total = passed.reduce((sum, { ms }) => sum + ms, 0);
        const cpu = passed.reduce((sum, { id }) => sum + (reach.cpu[id] ?? 0), 0);
        files[file] = {
          ms: Math.max(10, result.ms - total),
          cost: Math.max(10, DATABASE_SHARE * (reach.fileCpu - cpu)),
        };
        for (const { id, name, ms } of passed) {
          const cost = Math.max(2, DATABASE_SHARE * (reach.cpu[id] ?? 0));
          if (cost > slowestMs) continue;
          const place = tests.push({ id, name, file, ms, cost }) - 1;
          const note = (what: string, hits: number) => {
            const known = of.get(what) ?? new Map<number, number>();
            of.set(what, known.set(place, (known.get(place) ?? 0) + hits));
          };
          for (const what of reach.loading) note(what, 1);
          for (const owner of ['file', id]) {
            for (const [what, hits] of reach.perTest[owner] ?? []) note(what, hits);
            for (const object of leadsTo(reach.sql[owner] ?? [])) note(object, 1);
          }
        }
      }
    }),
  );
  return {
    tests,
    files,
    loading: [...loading],
    failing,
    of: Object.fromEntries([...of].map(([what, places]) => [what, [...places]])),
  };
}

/** From the objects that a statement names to all that they name in turn; a table leads to its triggers' functions. */
function followSql(sources: readonly SqlSource[]): (names: readonly string[]) => Set<string> {
  const named = new Map<string, Set<string>>();
  const add = (name: string, more: Iterable<string>) => {
    named.set(name, new Set([...(named.get(name) ?? []), ...more]));
  };
  const namesIn = (text: string) => [...text.matchAll(/supasaasy\.([a-z_0-9]+)/g)].map(([, name = '']) => name);
  for (const { text, objects } of sources) {
    for (const object of objects) add(object.name, namesIn(object.text));
    for (const [, table = '', fn = ''] of text.matchAll(
      /create (?:or replace )?trigger[^;]*? on supasaasy\.([a-z_]+)[^;]*?execute function supasaasy\.([a-z_]+)/g,
    ))
      add(table, [fn]);
    for (const [, table = '', rule = ''] of text.matchAll(/create policy [a-z_]+ on supasaasy\.([a-z_]+)([^;]*);/g))
      add(table, namesIn(rule));
  }
  // The policies of these are made in a loop.
  for (const table of ['entities', 'changes', 'runs', 'sync_state', 'apps']) add(table, ['readable_app_keys']);
  return (names) => {
    const reached = new Set<string>();
    const waiting = [...names];
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      if (reached.has(name)) continue;
      reached.add(name);
      waiting.push(...(named.get(name) ?? []));
    }
    return reached;
  };
}
