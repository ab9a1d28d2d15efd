import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { intercom } from '../../connectors/intercom/index.ts';
import { stripe } from '../../connectors/stripe/index.ts';
import { readMigrations } from '../../src/runtime/node/migration-files.ts';
import { createProject, type Project, packPackage, tool } from './packed.ts';

/** Imports every entry, mirrors an emulated account into an embedded database, and serves it. */
const PROGRAM = `import { changes, defineConfig, defineConsumer, ConfigError, type Change } from 'supasaasy';
import { intercom } from 'supasaasy/connectors/intercom';
import { stripe } from 'supasaasy/connectors/stripe';
import { createEdge } from 'supasaasy/edge';
import { defineConnector, folderBeside } from 'supasaasy/kit';
import { createEngine, createPglite, createPostgres, createSupasaasy, migrate, serve } from 'supasaasy/node';
import { createStripeSandbox, serveSandbox } from 'supasaasy/sandbox';
import { connectorConformance } from 'supasaasy/testing';

const sandbox = await serveSandbox(createStripeSandbox({ seed: 1, size: { customers: 20 } }), { port: 0 });
const config = defineConfig({
  apps: [
    { app_key: 'shop', connector: stripe, config: { base_url: sandbox.url, sync_resources: ['customer'] } },
    { app_key: 'crm', connector: 'intercom' },
  ],
});
const database = await createPglite();
const engine = createEngine({ config, database, env: { SHOP_API_KEY: 'sk_test_sandbox' } });
await migrate(engine);
const run = await engine.sync('shop', 'full');
const [counted] = await database.query<{ n: string }>('select count(*) as n from supasaasy.stripe_customers');
const server = await serve(engine);
const health = await fetch(\`\${server.url}/health\`);
console.log(run.state, Number(counted?.n) > 0, health.status);
await server.stop();
await database.close();
await sandbox.close();
export const imported = [createPostgres, createSupasaasy, defineConsumer, changes, ConfigError, defineConnector];
export const more = [folderBeside, connectorConformance, createEdge, intercom];
export type Seen = Change;
`;
const EXPECTED = 'completed true 200\n';

describe('the packed package', { timeout: 600_000 }, () => {
  let packed: Awaited<ReturnType<typeof packPackage>>;
  let project: Project;
  beforeAll(async () => {
    packed = await packPackage();
    // No types of Node either: the declarations need none.
    project = await createProject(packed.tarball, ['@types']);
    project.write('main.ts', PROGRAM);
    await project.run(tool('tsc'), ['-p', '.']);
  }, 600_000);
  afterAll(() => {
    for (const folder of [packed?.folder, project?.folder])
      if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it('has no problem that publint or attw knows', async () => {
    const { messages, pkg } = await publint({ pkgDir: packed.folder });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
    await project.run(tool('attw'), [packed.tarball, '--profile', 'esm-only', '--no-color']);
  });

  it('compiles in a strict project and runs on this Node', async () => {
    expect(await project.run(process.execPath, ['out/main.js'])).toBe(EXPECTED);
  });

  it('runs on Node 22', async (context) => {
    const npx = ['--yes', '--package=node@22', '--', 'node'];
    const version = await project.run('npx', [...npx, '--version']).catch(() => '');
    if (!version.startsWith('v22.')) context.skip('Node 22 is not to be had here');
    expect(await project.run('npx', [...npx, 'out/main.js'])).toBe(EXPECTED);
  });

  it('runs under Deno as a package of npm', async () => {
    const env = { DENO_NO_UPDATE_CHECK: '1', DENO_DIR: join(project.folder, '.deno') };
    const flags = ['-A', '--node-modules-dir=manual', '--no-remote', '--no-lock'];
    expect(await project.run(tool('deno'), ['run', ...flags, 'out/main.js'], env)).toBe(EXPECTED);
  });

  it('tells a wrong connector, resource and setting by "Did you mean"', async () => {
    const app = (rest: string) => `defineConfig({ apps: [{ app_key: 'a', ${rest} }] });\n`;
    project.write(
      'wrong.ts',
      `import { defineConfig } from 'supasaasy';\nimport { stripe } from 'supasaasy/connectors/stripe';\n` +
        app(`connector: 'strype'`) +
        app(`connector: stripe, config: { acount: 'acct_1' }`) +
        app(`connector: 'stripe', config: { sync_resources: ['custmer'] }`),
    );
    const told = await project.run(tool('tsc'), ['-p', '.', '--noEmit', '--pretty', 'false']).catch(String);
    rmSync(join(project.folder, 'wrong.ts'));
    expect(told.match(/^wrong\.ts\(\d+/gm)).toEqual(['wrong.ts(3', 'wrong.ts(4', 'wrong.ts(5']);
    expect(told.match(/Did you mean [^?]+\?/g)).toEqual([
      `Did you mean '"stripe"'?`,
      `Did you mean to write 'account'?`,
      `Did you mean '"customer"'?`,
    ]);
  });

  it('holds the SQL of the repository as a module, and no SQL file', async () => {
    const file = join(project.folder, 'node_modules/supasaasy/dist/src/runtime/node/migration-files.js');
    const module = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
      readMigrations: typeof readMigrations;
    };
    const own = (await import(
      /* @vite-ignore */ pathToFileURL(join(file, '../../../../connectors/stripe/index.js')).href
    )) as {
      stripe: typeof stripe;
    };
    expect(await module.readMigrations([own.stripe])).toEqual(await readMigrations([stripe]));
    const list = await project.run('tar', ['tzf', packed.tarball]);
    expect(list).not.toMatch(/\.sql$/m);
    expect(list).not.toMatch(/\.stamps|\.test\./);
    expect((await readMigrations([intercom])).length).toBeGreaterThan(10);
  });

  it('has a JSON schema of the configuration, with the settings and resources of each connector', () => {
    const file = join(project.folder, 'node_modules/supasaasy/dist/config.schema.json');
    const schema = JSON.parse(readFileSync(file, 'utf8'));
    const { items } = schema.properties.apps;
    expect(items.properties.connector.enum).toEqual(['intercom', 'stripe']);
    const { config } = items.allOf[1].then.properties;
    expect(Object.keys(config.properties)).toEqual(
      expect.arrayContaining(['api_key_env', 'account', 'sync_resources']),
    );
    expect(config.properties.sync_resources.items.enum).toContain('customer');
    expect(schema.properties.schedules.items.required).toEqual(['app_key', 'cron']);
  });

  it('refuses a name that it does not export', async () => {
    project.write('unknown.mjs', `import 'supasaasy/engine';\n`);
    await expect(project.run(process.execPath, ['unknown.mjs'])).rejects.toThrow(
      /'.\/engine' is not defined by "exports"/,
    );
  });

  it('starts the command line, which shows the version of package.json', async () => {
    const manifest = readFileSync(join(packed.folder, 'package.json'), 'utf8');
    const { version } = JSON.parse(manifest) as { version: string };
    expect(await project.run(process.execPath, ['node_modules/supasaasy/bin/supasaasy.js', '--version'])).toBe(
      `${version}\n`,
    );
  });
});
