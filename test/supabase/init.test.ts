import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { writeVendorBundle } from '../../scripts/build/vendor-bundle.ts';

const ROOT = join(import.meta.dirname, '../..');
const PACKAGES = join(ROOT, 'node_modules');
const DENO = ['--node-modules-dir=manual', '--no-remote', '--no-lock'];
const exec = promisify(execFile);

/** As after `npm install supasaasy` in an empty folder: the packed package, and what it depends on. */
async function install(folder: string): Promise<void> {
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const { stdout } = await exec('npm', pack, { cwd: ROOT });
  const [{ filename, version }] = JSON.parse(stdout) as [{ filename: string; version: string }];
  const own = join(folder, 'node_modules/supasaasy');
  mkdirSync(own, { recursive: true });
  await exec('tar', ['xzf', join(folder, filename), '-C', own, '--strip-components=1']);
  for (const name of readdirSync(PACKAGES))
    if (!name.startsWith('.')) symlinkSync(join(PACKAGES, name), join(folder, 'node_modules', name));
  // Deno looks there for which packages a project has.
  const { version: nodeTypes } = JSON.parse(readFileSync(join(PACKAGES, '@types/node/package.json'), 'utf8')) as {
    version: string;
  };
  const manifest = {
    name: 'mine',
    private: true,
    type: 'module',
    dependencies: { supasaasy: version },
    devDependencies: { '@types/node': nodeTypes },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
}

describe.each([
  { how: 'init', flags: [] },
  { how: 'init --vendor', flags: ['--vendor'] },
])('a project that "supasaasy $how" made, with the packed package', { timeout: 240_000 }, ({ flags }) => {
  let folder: string;
  const supasaasy = async (...args: string[]) =>
    JSON.parse(
      (
        await exec(process.execPath, [join(folder, 'node_modules/supasaasy/bin/supasaasy.js'), ...args, '--json'], {
          cwd: folder,
          env: { PATH: process.env['PATH'] },
        })
      ).stdout,
    );
  const map = 'supabase/functions/webhook/deno.json';
  const entry = 'supabase/functions/webhook/index.ts';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'supasaasy-init-'));
    await writeVendorBundle(ROOT);
    await install(folder);
    expect(await supasaasy('init', ...flags)).toMatchObject({ kept: [] });
  }, 240_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('assembles its migrations, and keeps what is there when init runs again', async () => {
    const config = join(folder, 'supasaasy.config.ts');
    writeFileSync(config, `${readFileSync(config, 'utf8')}\n// mine\n`);
    const again = await supasaasy('init', ...flags);
    expect(again.written).toEqual([]);
    expect(again.renewed).toContain('supabase/functions/webhook/deno.json');
    expect(again.vendored).toBe(flags.length > 0);
    expect(again.kept).toContain('supabase/config.toml');
    expect(readFileSync(config, 'utf8')).toContain('// mine');
    expect(await supasaasy('migrations')).toMatchObject({ state: 'new' });
    expect(readdirSync(join(folder, 'supabase/migrations'))).toHaveLength(1);
  });

  it('has functions of five lines and no copy of the sources', () => {
    expect(readFileSync(join(folder, entry), 'utf8').trimEnd().split('\n')).toHaveLength(5);
    const files = readdirSync(join(folder, 'supabase/functions'), { recursive: true, withFileTypes: true });
    const copies = files.filter((file) => file.isFile() && file.parentPath.endsWith('_supasaasy'));
    expect(copies.map(({ name }) => name).sort()).toEqual(
      flags.length === 0 ? ['manifest.json'] : ['manifest.json', 'supasaasy.js'],
    );
  });

  it('has an import map in which every name begins with the meaning of its shorter names', () => {
    const { imports } = JSON.parse(readFileSync(join(folder, map), 'utf8')) as { imports: Record<string, string> };
    // The Supabase CLI takes each key for a prefix, in any order: what it finds that way is the same, or nothing.
    for (const [key, target] of Object.entries(imports))
      for (const [other, meant] of Object.entries(imports)) {
        if (other === key || !other.startsWith(key)) continue;
        const found = target + other.slice(key.length);
        const isSame = found.replace('npm:/', 'npm:') === meant.replace('npm:/', 'npm:');
        expect(isSame || meant === target, `${other} as ${key}`).toBe(true);
      }
  });

  it('has functions that Deno finds no error in, and that answer', async () => {
    const env = {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      DENO_DIR: join(PACKAGES, '.cache/deno'),
      DENO_NO_UPDATE_CHECK: '1',
      DENO_SERVE_ADDRESS: 'tcp:127.0.0.1:0',
      SUPABASE_DB_URL: 'postgresql://nobody@127.0.0.1:1/none',
    };
    const options = { cwd: folder, env };
    const deno = join(PACKAGES, '.bin/deno');
    await exec(deno, ['check', ...DENO, '--import-map', map, entry], options);
    const child = spawn(deno, ['run', '-A', ...DENO, '--config', map, entry], {
      ...options,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(() => void child.kill());
    const url = await new Promise<string>((resolve, reject) => {
      let said = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk) => {
          said += chunk;
          const [, found] = /(http:\/\/[\d.:]+)/.exec(said) ?? [];
          if (found !== undefined) resolve(found);
        });
      child.once('exit', () => reject(new Error(said)));
    });
    expect((await fetch(`${url}/webhook/nobody`, { method: 'POST' })).status).toBe(404);
    expect((await fetch(`${url}/webhook/intercom_main`, { method: 'HEAD' })).status).toBe(200);
  });
});
