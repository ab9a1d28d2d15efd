import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EdgeFunction, listEdgeFunctions, runDeno } from './deno.ts';
import type { Gate } from './gate.ts';

/**
 * `supabase functions deploy` sends only the files that it finds: from the entry on, over everything that its regular
 * expression takes for an import with a file extension (pkg/function/deno.go). What it misses, the deployed function
 * misses. So the same walk is made here, and compared with what Deno itself loads.
 */
export const edgeFiles: Gate = {
  name: 'edge-files',
  what: 'the Supabase CLI would upload every file and know every package of the functions',
  async run(root) {
    const problems: string[] = [];
    for (const fn of listEdgeFunctions(root)) {
      const imports = readImports(root, fn);
      const loaded = await loadedByDeno(root, fn);
      const walked = walkAsTheCli(root, fn.entry, imports);
      for (const [file, importer] of loaded.files) {
        if (!walked.has(file)) {
          problems.push(
            `${fn.name}: ${file} would not be uploaded; ${importer} must import it on one line, statically`,
          );
        }
      }
      for (const [name, importer] of loaded.packages)
        problems.push(...packageProblems(root, fn, imports, name, importer));
    }
    return problems;
  },
};

type Imports = Readonly<Record<string, string>>;

interface DenoModule {
  readonly specifier: string;
  readonly local?: string;
  readonly error?: string;
  readonly dependencies?: readonly { readonly specifier: string; readonly code?: { readonly specifier?: string } }[];
}

function readImports(root: string, fn: EdgeFunction): Imports {
  const path = join(root, fn.config);
  if (!existsSync(path)) return {};
  const { imports = {} } = JSON.parse(readFileSync(path, 'utf8')) as { imports?: Imports };
  return imports;
}

/** Our own files and the packages that are imported at run time, each with one that imports it. */
async function loadedByDeno(root: string, fn: EdgeFunction) {
  const { status, stdout, stderr } = await runDeno(root, 'info', fn, ['--json']);
  if (status !== 0) throw new Error(`deno info ${fn.entry}: ${stderr}`);
  const { modules } = JSON.parse(stdout) as { modules: readonly DenoModule[] };
  const files = new Map([[fn.entry, fn.entry]]);
  const packages = new Map<string, string>();
  // From the entry on: what is there for its types only is not run.
  const known = new Map(modules.map((module) => [module.specifier, module.dependencies ?? []]));
  const waiting = [...known.keys()].filter(
    (specifier) => !isForeign(specifier) && pathOf(root, specifier) === fn.entry,
  );
  for (let from = waiting.pop(); from !== undefined; from = waiting.pop()) {
    const importer = pathOf(root, from);
    for (const { specifier, code } of known.get(from) ?? []) {
      const to = code?.specifier;
      const isOwn = to !== undefined && !isForeign(to);
      if (code !== undefined && !isOwn && !/^(\.|\/|[a-z]+:)/.test(specifier)) packages.set(specifier, importer);
      if (!isOwn || files.has(pathOf(root, to))) continue;
      files.set(pathOf(root, to), importer);
      waiting.push(to);
    }
  }
  return { files, packages };
}

function isForeign(url: string): boolean {
  return !url.startsWith('file:') || url.includes('/node_modules/');
}

function pathOf(root: string, url: string): string {
  return relative(root, fileURLToPath(url)).replaceAll('\\', '/');
}

const IMPORT = /(?:import|export)\s+(?:\{[^{}]+\}|.*?)\s*(?:from)?\s*['"](.*?)['"]|import\(\s*['"](.*?)['"]\)/gi;

function walkAsTheCli(root: string, entry: string, imports: Imports): Set<string> {
  const seen = new Set<string>();
  const waiting = [entry];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (seen.has(file) || !existsSync(join(root, file))) continue;
    seen.add(file);
    for (const [, stated, called] of readFileSync(join(root, file), 'utf8').matchAll(IMPORT)) {
      const name = (stated || called || '').trim();
      const mapped = Object.entries(imports).find(([key]) => name.startsWith(key));
      const target = mapped === undefined ? name : mapped[1] + name.slice(mapped[0].length);
      // Without an extension it is taken for a folder, and passed over.
      if (!/\.[^./]+$/.test(target) || !/^\.{0,2}\//.test(target)) continue;
      waiting.push(normalize(join(dirname(mapped === undefined ? file : entry), target)).replaceAll('\\', '/'));
    }
  }
  return seen;
}

/** On Supabase there is no package.json: a function's `deno.json` must name each package, in our version. */
function packageProblems(root: string, fn: EdgeFunction, imports: Imports, name: string, importer: string): string[] {
  const [key, target] =
    Object.entries(imports).find(([k]) => name === k || (k.endsWith('/') && name.startsWith(k))) ?? [];
  if (key === undefined || target === undefined)
    return [`${fn.config} does not map "${name}", which ${importer} imports`];
  const [, found, version] = /^npm:\/?((?:@[^/]+\/)?[^@/]+)(?:@([^/]+))?/.exec(target) ?? [];
  if (found === undefined) return [];
  const { dependencies = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>;
  };
  if (dependencies[found] === version) return [];
  return [`${fn.config} takes ${found}@${version ?? 'any'}, package.json ${dependencies[found] ?? 'has none'}`];
}
