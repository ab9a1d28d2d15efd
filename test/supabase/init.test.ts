import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const PACKAGES = join(ROOT, 'node_modules');
const DENO = ['--node-modules-dir=manual', '--no-remote', '--no-lock'];
const exec = promisify(execFile);

/** As after `npm install supasaasy` in an empty folder: the packed package, and what it depends on. */
async function install(folder: string): Promise<void> {
  const { stdout } = await exec('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  const own = join(folder, 'node_modules/supasaasy');
  mkdirSync(own, { recursive: true });
  await exec('tar', ['xzf', join(folder, filename), '-C', own, '--strip-components=1']);
  for (const name of readdirSync(PACKAGES))
    if (!name.startsWith('.')) symlinkSync(join(PACKAGES, name), join(folder, 'node_modules', name));
  // Deno looks there for which packages a project has.
  const { version } = JSON.parse(readFileSync(join(PACKAGES, '@types/node/package.json'), 'utf8')) as {
    version: string;
  };
  const manifest = { name: 'mine', private: true, type: 'module', devDependencies: { '@types/node': version } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
}

describe('a project that "supasaasy init" made, with the packed package', { timeout: 240_000 }, () => {
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
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'supasaasy-init-'));
    await install(folder);
    expect(await supasaasy('init')).toMatchObject({ kept: [], copied: expect.any(Number) });
  }, 240_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('assembles its migrations, and touches nothing of its own when it is made again', async () => {
    writeFileSync(join(folder, 'supabase/functions/_supasaasy/src/of-an-older-version.ts'), '');
    const again = await supasaasy('init');
    expect(again.written).toEqual([]);
    expect(again.kept).toContain('supabase/config.toml');
    expect(again.renewed).toContain('supabase/functions/webhook/deno.json');
    expect(readdirSync(join(folder, 'supabase/functions/_supasaasy/src'))).not.toContain('of-an-older-version.ts');
    expect(await supasaasy('migrations')).toMatchObject({ state: 'new' });
    expect(readdirSync(join(folder, 'supabase/migrations'))).toHaveLength(1);
  });

  it('has an import map that means the same to Deno and to the Supabase CLI, which takes keys for prefixes', () => {
    const { imports } = JSON.parse(readFileSync(join(folder, 'supabase/functions/webhook/deno.json'), 'utf8'));
    const keys = Object.keys(imports);
    for (const key of keys)
      expect(
        keys.filter((other) => other !== key && other.startsWith(key)),
        key,
      ).toEqual([]);
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
    const map = 'supabase/functions/webhook/deno.json';
    const entry = 'supabase/functions/webhook/index.ts';
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
