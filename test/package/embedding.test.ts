import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { type SandboxServer, serveSandbox } from '../../sandbox/http/serve.ts';
import { createStripeSandbox, type StripeSandbox } from '../../sandbox/stripe/index.ts';
import { customerEvent, signature } from '../http/hosted.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { createProject, type Project, packPackage, ROOT, tool } from './packed.ts';

const SECRET = 'whsec_of_the_program';

/** The programs of docs/embedding.md, by the file that each block names. */
function programs(): Map<string, string> {
  const text = readFileSync(join(ROOT, 'docs/embedding.md'), 'utf8');
  const blocks = text.matchAll(/^```ts file=embedding\/(\S+).*\n([\s\S]*?)^```$/gm);
  return new Map([...blocks].map(([, file = '', code = '']) => [file, code]));
}

async function freePort(): Promise<number> {
  return await new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

describeEachDatabase(
  'the programs of docs/embedding.md',
  (make) => {
    let packed: Awaited<ReturnType<typeof packPackage>>;
    let stripe: StripeSandbox;
    let provider: SandboxServer;
    const folders: string[] = [];
    beforeAll(async () => {
      packed = await packPackage();
      stripe = createStripeSandbox({ seed: 5, size: { customers: 12 } });
      provider = await serveSandbox(stripe, { port: 0 });
      folders.push(packed.folder);
    }, 600_000);
    afterAll(async () => {
      await provider?.close();
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    });

    const environment = (db: TestDatabase, port: number) => ({
      PORT: String(port),
      DATABASE_URL: db.connectionString ?? '',
      STRIPE_BASE_URL: provider.url,
      SHOP_API_KEY: stripe.apiKey,
      SHOP_WEBHOOK_SECRET: SECRET,
    });

    /** Starts a program and asks of it what the document promises: a sync, a delivery, and a row of each. */
    async function serves(project: Project, args: readonly string[], prefix: string, db: TestDatabase): Promise<void> {
      const port = await freePort();
      const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', ...environment(db, port) };
      const child = spawn(process.execPath, args, {
        cwd: project.folder,
        env,
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      const url = `http://127.0.0.1:${port}${prefix}`;
      const post = async (path: string, body: string, headers: Record<string, string> = {}) => {
        const answer = await fetch(`${url}${path}`, { method: 'POST', body, headers });
        return { status: answer.status, body: await answer.text() };
      };
      await expect
        .poll(() => post('/sync', '').catch(() => undefined), { timeout: 60_000 })
        .toMatchObject({ status: 200 });
      expect(JSON.parse((await post('/sync', '')).body)).toMatchObject({ app_key: 'shop', status: 'completed' });
      const body = customerEvent('evt_embedded', { id: 'cus_embedded', email: 'embedded@example.com' });
      expect((await post('/webhooks/shop', body, signature(body, 'whsec_wrong'))).status).toBe(401);
      expect((await post('/webhooks/shop', body, signature(body, SECRET))).status).toBe(200);
      await expect
        .poll(() => db.query(`select email from supasaasy.stripe_customers where id = 'cus_embedded'`), {
          timeout: 60_000,
        })
        .toEqual([{ email: 'embedded@example.com' }]);
    }

    it.each(['hono', 'node'])(
      '%s.ts mirrors an account and takes a delivery',
      async (name) => {
        const db = await make();
        const project = await createProject(packed.tarball);
        folders.push(project.folder);
        project.write('main.ts', programs().get(`${name}.ts`) ?? '');
        await project.run(tool('tsc'), ['-p', '.', '--types', 'node']);
        await serves(project, ['out/main.js'], '', db);
      },
      300_000,
    );

    it('node.ts does the same as one file that a bundler made', async () => {
      const db = await make();
      const project = await createProject(packed.tarball);
      folders.push(project.folder);
      project.write('main.ts', programs().get('node.ts') ?? '');
      // What any bundler leaves to Node: a driver in CommonJS, and PostgreSQL with its files.
      const flags = ['--bundle', '--platform=node', '--format=esm', '--external:pg', '--external:@electric-sql/pglite'];
      await project.run(tool('esbuild'), ['main.ts', ...flags, '--outfile=bundle/main.js']);
      await serves(project, ['bundle/main.js'], '', db);
    }, 300_000);

    it('the routes of Next.js are built, mirror an account and take a delivery', async (context) => {
      const db = await make({ template: 'empty' });
      const project = await createProject(packed.tarball, ['*']);
      folders.push(project.folder);
      const packages = [
        'next@16.4.6',
        'react@19',
        'react-dom@19',
        '@types/react@19',
        '@types/node@20',
        '@types/pg@8',
        'typescript@6.0.3',
      ];
      const install = [
        'install',
        '--no-audit',
        '--no-fund',
        '--ignore-scripts',
        '--prefer-offline',
        packed.tarball,
        ...packages,
      ];
      project.write('package.json', JSON.stringify({ name: 'site', private: true }));
      const installed = await project.run('npm', install).then(
        () => true,
        () => false,
      );
      if (!installed) context.skip('Next.js is not to be had here');
      for (const [file, code] of programs()) if (file.includes('/')) project.write(file, code);
      project.write(
        'app/layout.tsx',
        'export default function Layout({ children }: { children: React.ReactNode }) {\n  return <html><body>{children}</body></html>;\n}\n',
      );
      project.write(
        'tsconfig.json',
        JSON.stringify({ compilerOptions: NEXT, include: ['**/*.ts', '**/*.tsx'], exclude: ['node_modules'] }),
      );
      const env = { NEXT_TELEMETRY_DISABLED: '1', ...environment(db, 0) };
      await project.run(process.execPath, ['node_modules/next/dist/bin/next', 'build'], env);
      await project.run(process.execPath, ['node_modules/supasaasy/bin/supasaasy.js', 'init'], env);
      project.write(
        'supasaasy.config.ts',
        `import { defineConfig } from 'supasaasy';\nimport { stripe } from 'supasaasy/connectors/stripe';\nexport default defineConfig({ apps: [{ app_key: 'shop', connector: stripe }] });\n`,
      );
      await project.run(process.execPath, ['node_modules/supasaasy/bin/supasaasy.js', 'migrate'], env);
      await serves(project, ['node_modules/next/dist/bin/next', 'start'], '/api', db);
    }, 600_000);
  },
  { kinds: ['postgres'] },
);

const NEXT = {
  target: 'es2022',
  lib: ['dom', 'dom.iterable', 'esnext'],
  strict: true,
  noEmit: true,
  module: 'esnext',
  moduleResolution: 'bundler',
  jsx: 'react-jsx',
  isolatedModules: true,
  esModuleInterop: true,
  resolveJsonModule: true,
  skipLibCheck: true,
  plugins: [{ name: 'next' }],
};
