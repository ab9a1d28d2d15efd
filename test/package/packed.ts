import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { buildPackage } from '../../scripts/build/build-package.ts';

export const ROOT = join(import.meta.dirname, '../..');
const PACKAGES = join(ROOT, 'node_modules');
const exec = promisify(execFile);

/** Builds these sources in a folder of its own and packs them; `npm publish` would send that file. */
export async function packPackage(): Promise<{ readonly folder: string; readonly tarball: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'supasaasy-package-'));
  await buildPackage(ROOT, folder);
  const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: readonly string[] };
  for (const name of ['package.json', 'README.md', 'LICENSE', ...files])
    if (!name.startsWith('!') && name !== 'dist') cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  const { stdout } = await exec('npm', ['pack', '--json', '--ignore-scripts'], { cwd: folder });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  return { folder, tarball: join(folder, filename) };
}

export interface Project {
  readonly folder: string;
  write(path: string, text: string): void;
  run(program: string, args: readonly string[], env?: Record<string, string>): Promise<string>;
}

/** An empty project in which the tarball is installed, with what it depends on; `without`: packages that are not there. */
export async function createProject(tarball: string, without: readonly string[] = []): Promise<Project> {
  const folder = mkdtempSync(join(tmpdir(), 'supasaasy-consumer-'));
  const own = join(folder, 'node_modules/supasaasy');
  mkdirSync(own, { recursive: true });
  await exec('tar', ['xzf', tarball, '-C', own, '--strip-components=1']);
  for (const name of readdirSync(PACKAGES))
    if (
      !name.startsWith('.') &&
      !without.includes(name) &&
      !without.includes('*') &&
      !existsSync(join(folder, 'node_modules', name))
    )
      symlinkSync(join(PACKAGES, name), join(folder, 'node_modules', name));
  const { version } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')) as { version: string };
  const project: Project = {
    folder,
    write(path, text) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    },
    async run(program, args, env = {}) {
      const { PATH, HOME } = process.env;
      const options = { cwd: folder, env: { PATH, HOME, ...env } as NodeJS.ProcessEnv, maxBuffer: 1 << 26 };
      try {
        return (await exec(program, args, options)).stdout;
      } catch (error) {
        const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
        throw new Error(`${program} ${args.join(' ')}\n${stdout}${stderr}`, { cause: error });
      }
    },
  };
  const manifest = { name: 'mine', private: true, type: 'module', dependencies: { supasaasy: version } };
  project.write('package.json', JSON.stringify(manifest));
  project.write('tsconfig.json', JSON.stringify({ compilerOptions: STRICT, include: ['*.ts'] }));
  return project;
}

export const tool = (name: string) => join(PACKAGES, '.bin', name);

/** What a careful project asks of its compiler, `skipLibCheck` left at false. */
const STRICT = {
  module: 'nodenext',
  target: 'es2023',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  isolatedModules: true,
  outDir: 'out',
};
