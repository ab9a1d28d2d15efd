import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { pathOf } from '../../src/runtime/edge/create-edge.ts';
import { run, temporaryFolder } from './cli.ts';

const FUNCTIONS = 'supabase/functions';
const put = (folder: string, path: string, text: string) => {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
};
const read = (folder: string, path: string) => readFileSync(join(folder, path), 'utf8');

it('C16: a function of the project with one of our names is an error before anything is written; a prefix is the way', async () => {
  const folder = temporaryFolder();
  const own = 'Deno.serve(() => new Response("mine"));\n';
  put(folder, `${FUNCTIONS}/webhook/index.ts`, own);
  put(folder, `${FUNCTIONS}/status/handler.js`, own);
  for (const args of [['init'], ['init', '--force']]) {
    const refused = await run(args, { cwd: folder });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain(`${FUNCTIONS}/webhook, ${FUNCTIONS}/status are functions of this project`);
    expect(refused.stderr).toContain('--prefix');
    expect(readdirSync(folder)).toEqual(['supabase']);
    expect(readdirSync(join(folder, FUNCTIONS)).sort()).toEqual(['status', 'webhook']);
    expect(readdirSync(join(folder, FUNCTIONS, 'webhook'))).toEqual(['index.ts']);
  }
  const made = await run(['init', '--prefix', 'supasaasy-', '--json'], { cwd: folder });
  expect([made.code, made.stderr]).toEqual([0, '']);
  expect(read(folder, `${FUNCTIONS}/webhook/index.ts`)).toBe(own);
  expect(read(folder, `${FUNCTIONS}/supasaasy-webhook/index.ts`)).toContain(
    "serveEdge(config, 'webhook', 'supasaasy-')",
  );
  expect(read(folder, 'supabase/config.toml')).toContain('[functions.supasaasy-webhook]');
  expect(existsSync(join(folder, FUNCTIONS, 'webhook/deno.json'))).toBe(false);
  // The prefix is remembered.
  const again = JSON.parse((await run(['init', '--json'], { cwd: folder })).stdout);
  expect(again).toMatchObject({ prefix: 'supasaasy-', written: [] });
  expect((await run(['init', '--prefix', '../x'], { cwd: folder })).code).toBe(2);
}, 300_000);

it('C17: again after an upgrade, what is the engine’s is renewed whole, and what is the project’s is not touched', async () => {
  const folder = temporaryFolder();
  expect((await run(['init'], { cwd: folder })).code).toBe(0);
  const fresh = read(folder, `${FUNCTIONS}/webhook/deno.json`);
  // As an older version left it; with a package that the project added, and one that the older version needed.
  const old = JSON.parse(fresh) as { imports: Record<string, string> };
  const imports = {
    ...old.imports,
    supasaasy: 'npm:supasaasy@0.0.1',
    gone: 'npm:gone@1.0.0',
    added: 'npm:added@1.0.0',
  };
  put(folder, `${FUNCTIONS}/webhook/deno.json`, JSON.stringify({ imports }));
  put(
    folder,
    `${FUNCTIONS}/_supasaasy/manifest.json`,
    JSON.stringify({ prefix: '', imports: [...Object.keys(old.imports), 'gone'] }),
  );
  put(folder, `${FUNCTIONS}/sync/index.ts`, `${read(folder, `${FUNCTIONS}/sync/index.ts`)}// of an older version\n`);
  const mine = {
    'supasaasy.config.ts': '// mine\n',
    '.env.example': 'MINE=1\n',
    '.gitignore': 'mine\n',
    'supabase/config.toml': '# mine\n',
  };
  for (const [path, text] of Object.entries(mine)) put(folder, path, text);
  put(folder, `${FUNCTIONS}/hello/index.ts`, '// mine\n');
  expect((await run(['init'], { cwd: folder })).code).toBe(0);
  const renewed = JSON.parse(read(folder, `${FUNCTIONS}/webhook/deno.json`));
  expect(renewed.imports).toEqual({ ...old.imports, added: 'npm:added@1.0.0' });
  expect(read(folder, `${FUNCTIONS}/sync/index.ts`)).not.toContain('of an older version');
  for (const [path, text] of Object.entries(mine)) expect(read(folder, path)).toBe(text);
  expect(read(folder, `${FUNCTIONS}/hello/index.ts`)).toBe('// mine\n');
}, 300_000);

it('C16: a function with a prefix answers to its own name', () => {
  expect(pathOf('/functions/v1/supasaasy-webhook/shop', 'webhook', 'supasaasy-')).toBe('/webhook/shop');
  expect(pathOf('/supasaasy-status/health', 'status', 'supasaasy-')).toBe('/health');
  expect(pathOf('/supasaasy-sync', 'sync', 'supasaasy-')).toBe('/sync');
  expect(pathOf('/webhook/shop', 'webhook')).toBe('/webhook/shop');
});
