import { beforeAll, expect, it } from 'vitest';
import '../../connectors/stripe/index.ts';
import '../../connectors/intercom/index.ts';
import { defineConfig } from '../../src/config.ts';
import { assembleMigrations } from '../../src/engine/assemble.ts';
import { readMigrations } from '../../src/runtime/node/migration-files.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';

/** pg_net and Vault are not to be had here: the same names and signatures, and a table of what was rung. */
const STUBS = `
  create schema net; create schema vault;
  create table net.rung (id bigint generated always as identity, url text, body jsonb, params jsonb, headers jsonb, timeout_milliseconds integer);
  create function net.http_post(url text, body jsonb default '{}', params jsonb default '{}',
    headers jsonb default '{"Content-Type": "application/json"}', timeout_milliseconds integer default 5000) returns bigint language sql as $$
    insert into net.rung (url, body, params, headers, timeout_milliseconds) values (url, body, params, headers, timeout_milliseconds) returning id $$;
  create table vault.decrypted_secrets (name text primary key, decrypted_secret text);`;

const apps = [{ app_key: 'stripe_main', connector: 'stripe' }];
const incremental = { app_key: 'stripe_main', cron: '*/5 * * * *', mode: 'incremental' as const };
const weekly = { app_key: 'stripe_main', cron: '17 3 * * 0', mode: 'full' as const };

describeEachDatabase(
  "the assembled file's jobs, with pg_cron",
  (make) => {
    let database: TestDatabase;
    beforeAll(async () => {
      database = await make();
      await database.database.script(STUBS);
      await database.query(`create extension pg_cron`);
    });

    async function deploy(schedules: object[]): Promise<void> {
      const config = defineConfig({ apps, schedules } as never);
      const migrations = await readMigrations(config.apps.map((app) => app.connector));
      const assembly = await assembleMigrations({ config, migrations, existing: [], nowMs: 0 });
      if (assembly.state === 'new') await database.database.script(assembly.file.text);
    }
    const jobs = async () =>
      await database.query<{ jobname: string; schedule: string; command: string }>(
        `select jobname, schedule, command from cron.job where jobname like 'supasaasy %' order by jobname`,
      );

    it('A38: there is one for each schedule and one for the worker, however often the file runs', async () => {
      await deploy([incremental, weekly]);
      const first = await jobs();
      await deploy([incremental, weekly]);
      expect(await jobs()).toEqual(first);
      expect(first.map(({ schedule }) => schedule)).toEqual(['17 3 * * 0', '*/5 * * * *', '*/5 * * * *', '* * * * *']);
    });

    it('A38: they change when the schedule changes, and go when it goes; jobs of others stay', async () => {
      await database.query(`select cron.schedule('mine', '0 0 * * *', 'select 1')`);
      await deploy([
        { ...incremental, cron: '*/10 * * * *' },
        { ...weekly, enabled: false },
      ]);
      expect((await jobs()).map(({ schedule }) => schedule)).toEqual(['*/10 * * * *', '*/5 * * * *', '* * * * *']);
      await deploy([]);
      expect((await jobs()).map(({ jobname }) => jobname)).toEqual(['supasaasy worker']);
      expect(await database.query(`select from cron.job where jobname = 'mine'`)).toHaveLength(1);
    });

    it('A38: they ring the functions with the address and the key of Vault, and nobody without', async () => {
      await deploy([incremental]);
      const [job] = await database.query<{ command: string }>(
        `select command from cron.job where jobname like 'supasaasy incremental%'`,
      );
      const command = job?.command ?? '';
      await database.query(command);
      expect(await database.query('select from net.rung')).toEqual([]);
      await database.database.script(
        `insert into vault.decrypted_secrets values ('supasaasy_project_url', 'https://ref.supabase.co/'), ('supasaasy_admin_key', 'k3y')`,
      );
      await database.query(command);
      expect(await database.query('select url, body, headers from net.rung')).toEqual([
        {
          url: 'https://ref.supabase.co/functions/v1/sync',
          body: { app_key: 'stripe_main', mode: 'incremental', scheduled: true },
          headers: { 'Content-Type': 'application/json', Authorization: 'Bearer k3y' },
        },
      ]);
      expect(JSON.stringify(await jobs())).not.toContain('k3y');
    });

    it('the worker is rung only when something waits', async () => {
      await database.query('delete from net.rung');
      await database.query('select supasaasy.ring_worker()');
      expect(await database.query('select from net.rung')).toEqual([]);
      await database.query(
        `insert into supasaasy.inbox (app_key, event_id, event_type, body) values ('stripe_main', 'evt', 'x', '{}')`,
      );
      await database.query('select supasaasy.ring_worker()');
      expect(await database.query('select url from net.rung')).toEqual([
        { url: 'https://ref.supabase.co/functions/v1/worker' },
      ]);
    });

    it('a pattern that pg_cron refuses stops nothing else', async () => {
      await deploy([{ ...incremental, cron: '0 0 L * *' }, weekly]);
      expect((await jobs()).map(({ schedule }) => schedule)).toContain('17 3 * * 0');
    });
  },
  { kinds: ['pg15'], cron: true },
);
