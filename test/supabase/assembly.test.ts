import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { intercom } from '../../connectors/intercom/index.ts';
import { stripe } from '../../connectors/stripe/index.ts';
import { type Config, parseConfig } from '../../src/config.ts';
import { type AssembledFile, assembleMigrations } from '../../src/engine/assemble.ts';
import { applyMigrations, type Migration } from '../../src/engine/migrate.ts';
import { readMigrations } from '../../src/runtime/node/migration-files.ts';
import { writeMigrations } from '../../src/runtime/supabase/write-migrations.ts';
import { describeEachDatabase } from '../setup/database.ts';

const stripeApp = { app_key: 'stripe_main', connector: 'stripe' };
const intercomApp = { app_key: 'intercom_main', connector: 'intercom', name: "O'Hara's desk" };
const schedule = { app_key: 'stripe_main', cron: '*/5 * * * *', mode: 'incremental' as const };
const both = parseConfig({ apps: [stripeApp, intercomApp], schedules: [schedule] });
const onlyStripe = parseConfig({ apps: [stripeApp], schedules: [schedule] });
const nothing = parseConfig({});
const T0 = Date.UTC(2026, 4, 1, 12);

/** Assembles in memory; returns the new file, if there is one. */
async function assemble(
  config: Config,
  existing: AssembledFile[],
  change: (m: Migration) => Migration = (m) => m,
  nowMs = T0,
) {
  const migrations = (await readMigrations(config.apps.map((app) => app.connector))).map(change);
  const assembly = await assembleMigrations({ config, migrations, existing, nowMs });
  return assembly.state === 'new' ? assembly.file : undefined;
}

const contained = (file: AssembledFile | undefined) =>
  [...(file?.text ?? '').matchAll(/^-- supasaasy:contains (\S+)/gm)].map(([, part]) => part);

describe('assembly', () => {
  it('S4-36, S4-37, S4-38: is one file with the engine and the configured connectors only', async () => {
    const parts = contained(await assemble(onlyStripe, []));
    expect(new Set(parts.map((part) => part?.split('/')[0]))).toEqual(new Set(['engine', 'stripe']));
    expect(contained(await assemble(both, []))).toEqual(
      expect.arrayContaining(['intercom/001_views.sql', 'stripe/001_views.sql']),
    );
  });

  it('S4-35, S4-40: names each source above its part, in numeric order', async () => {
    const numbered = (name: string): Migration => ({ source: 'stripe', name, sql: `select '${name}';` });
    const { config, migrations } = {
      config: onlyStripe,
      migrations: ['10_c.sql', '002_b.sql', '1_a.sql'].map(numbered),
    };
    const assembly = await assembleMigrations({ config, migrations, existing: [], nowMs: T0 });
    const text = assembly.state === 'new' ? assembly.file.text : '';
    const order = ['1_a', '002_b', '10_c'].map((name) => text.indexOf(`-- ---- stripe/${name}.sql ----`));
    expect(order.every((at) => at > 0)).toBe(true);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(text).toContain('-- Sources: stripe');
  });

  it('S4-41: is a no-op without apps, once', async () => {
    const file = await assemble(nothing, []);
    expect(file?.text.replaceAll(/^--.*$/gm, '').trim()).toBe('select 1;');
    expect(await assemble(nothing, [file!])).toBeUndefined();
  });

  it('A36: writes nothing when nothing changed, and only what changed into a newer file', async () => {
    const first = await assemble(both, []);
    expect(await assemble(both, [first!])).toBeUndefined();
    const change = (m: Migration) =>
      m.name === '001_views.sql' && m.source === 'stripe' ? { ...m, sql: `${m.sql}\n-- newer` } : m;
    const second = await assemble(both, [first!], change);
    expect(contained(second)).toEqual(['stripe/001_views.sql']);
    expect(second!.name > first!.name).toBe(true);
    expect(await assemble(both, [second!, first!], change)).toBeUndefined();
  });

  it('A37: adds a connector later, and leaves the data of one that was removed', async () => {
    const first = await assemble(onlyStripe, []);
    const second = await assemble(both, [first!]);
    expect(contained(second).every((part) => part?.startsWith('intercom/'))).toBe(true);
    const third = await assemble(onlyStripe, [first!, second!]);
    expect(contained(third)).toEqual([]);
    expect(third!.text).not.toMatch(/\b(drop (table|view|schema)|truncate)\b/i);
  });

  it('A36: nothing is ever dropped with cascade', async () => {
    expect((await assemble(both, []))!.text).not.toMatch(/drop[^;]*cascade/i);
  });

  it('passes over files of others', async () => {
    const file = await assemble(both, [{ name: '20300101000000_mine.sql', text: 'select 1;' }]);
    expect(file?.name).toBe('20260501120000_supasaasy.sql');
  });

  it('numbers a file after those that are there, whatever the clock says', async () => {
    const first = await assemble(onlyStripe, [], undefined, T0 + 86_400_000);
    expect((await assemble(both, [first!]))?.name).toBe('20260502120001_supasaasy.sql');
  });

  it('A36: no function or view is defined by two files, so that applying one again undoes no other', async () => {
    const seen = new Map<string, string>();
    const twice: string[] = [];
    for (const { source, name, sql } of await readMigrations([stripe, intercom]))
      for (const [, object = ''] of sql.matchAll(/create or replace (?:function|view) ([a-z0-9_.]+)/g)) {
        const file = `${source}/${name}`;
        if (seen.has(object) && seen.get(object) !== file) twice.push(`${object}: ${seen.get(object)}, ${file}`);
        seen.set(object, file);
      }
    expect(twice).toEqual([]);
  });
});

describe('npm run migrations', () => {
  let folder: string;
  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'assembly-')), 'supabase/migrations');
  });
  afterEach(async () => await rm(join(folder, '../..'), { recursive: true }));

  it('S4-39: writes into supabase/migrations, and never touches a file that is there', async () => {
    await writeMigrations(both, folder, T0);
    const [name = ''] = await readdir(folder);
    const before = await readFile(join(folder, name), 'utf8');
    expect(await writeMigrations(both, folder, T0)).toMatchObject({ state: 'unchanged', latest: name });
    expect(await writeMigrations(onlyStripe, folder, T0)).toMatchObject({ state: 'new' });
    expect(await readFile(join(folder, name), 'utf8')).toBe(before);
    expect(await readdir(folder)).toHaveLength(2);
  });
});

describeEachDatabase(
  'the assembled file',
  (make) => {
    it('A36: runs on an empty database, twice, and leaves nothing for migrate to do', async () => {
      const { database, query } = await make();
      const file = (await assemble(both, []))!;
      await database.script(file.text);
      await database.script(file.text);
      expect(await query('select app_key, name, configured from supasaasy.apps order by 1')).toEqual([
        { app_key: 'intercom_main', name: "O'Hara's desk", configured: true },
        { app_key: 'stripe_main', name: 'stripe_main', configured: true },
      ]);
      expect(await query('select from supasaasy.stripe_customers')).toEqual([]);
      expect(await applyMigrations(database, await readMigrations([stripe, intercom]))).toEqual([]);
    });

    it('A36: runs on a database that migrate has made, with data in it', async () => {
      const { database, query } = await make({ template: 'engine' });
      await database.script(`insert into supasaasy.entities (app_key, collection_key, external_id, raw_payload, payload_hash, version, version_until, version_source, observed_at, created_at, updated_at)
        values ('stripe_main', 'stripe_customer', 'cus_1', '{"id": "cus_1"}', 1, 1, 1, 'read', now(), now(), now())`);
      await database.script((await assemble(both, []))!.text);
      expect(await query('select id from supasaasy.stripe_customers')).toEqual([{ id: 'cus_1' }]);
    });

    it('A36, A37: an upgrade reaches a database that has the older file', async () => {
      const { database, query } = await make();
      const first = (await assemble(onlyStripe, []))!;
      await database.script(first.text);
      const second = (await assemble(both, [first]))!;
      await database.script(second.text);
      expect(await query('select from supasaasy.intercom_contacts')).toEqual([]);
      const third = (await assemble(onlyStripe, [first, second]))!;
      await database.script(third.text);
      expect(await query(`select configured from supasaasy.apps where app_key = 'intercom_main'`)).toEqual([
        { configured: false },
      ]);
      expect(await query('select from supasaasy.intercom_contacts')).toEqual([]);
    });

    it('S4-41: runs on an empty database without apps', async () => {
      const { database } = await make();
      await database.script((await assemble(nothing, []))!.text);
    });

    it('A38: installs no jobs where there is no pg_cron', async () => {
      const { database, query } = await make();
      await database.script((await assemble(both, []))!.text);
      expect(await query('select supasaasy.install_jobs() as n')).toEqual([{ n: 0 }]);
      expect(await query(`select supasaasy.ring('/worker') as id`)).toEqual([{ id: null }]);
    });
  },
  { kinds: ['pglite', 'postgres', 'pg15'] },
);
