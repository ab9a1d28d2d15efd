import { describe, expect, it } from 'vitest';
import { createTestDatabase, describeEachDatabase, registerTemplate } from './database.ts';

registerTemplate('two fruits', async (database) => {
  await database.script(`create table fruit (name text); insert into fruit values ('apple'), ('pear');`);
});

describeEachDatabase(
  'a test database',
  (make, kind) => {
    it('starts from its template and shares nothing with its sister', async () => {
      const [one, two] = await Promise.all([make({ template: 'two fruits' }), make({ template: 'two fruits' })]);
      await one.query('insert into fruit values ($1)', ['fig']);
      expect(await one.query('select name from fruit order by name')).toHaveLength(3);
      expect(await two.query('select name from fruit order by name')).toEqual([{ name: 'apple' }, { name: 'pear' }]);
    });

    it('has the tables of the engine where asked', async () => {
      const database = await make({ template: 'engine' });
      expect(await database.query('select from supasaasy.apps')).toEqual([]);
    });

    it('is empty without a template', async () => {
      const database = await make();
      expect(await database.query(`select to_regclass('public.fruit') as fruit`)).toEqual([{ fruit: null }]);
    });

    it('is the version that its name promises', async () => {
      const database = await make();
      const [row] = await database.query<{ version: string }>('show server_version');
      expect(Number.parseInt(String(Object.values(row ?? {})[0]), 10)).toBe(kind === 'pg15' ? 15 : 18);
    });
  },
  { kinds: ['pglite', 'postgres', 'pg15'] },
);

describeEachDatabase(
  'a server',
  (make) => {
    it('takes 150 connections at a time', async () => {
      // Pages have three more of their own.
      const { database } = await make({ max: 153 });
      const pids = await Promise.all(
        Array.from({ length: 150 }, () =>
          database.query<{ pid: number }>('select pg_backend_pid() as pid, pg_sleep(0.5)'),
        ),
      );
      expect(new Set(pids.map(([row]) => row?.pid)).size).toBe(150);
    });

    it('has the roles of Supabase', async () => {
      const database = await make();
      const roles = await database.query(
        `select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role', 'authenticator')`,
      );
      expect(roles).toHaveLength(4);
    });
  },
  { kinds: ['postgres'] },
);

describeEachDatabase(
  'pg_cron',
  (make) => {
    // Debian's pg_cron 1.4 counts in minutes, too long to wait for: that its worker runs here is enough.
    it('has its worker in the test database', async () => {
      const database = await make();
      await database.query('create extension pg_cron');
      await database.query(`select cron.schedule('tick', '* * * * *', 'select 1')`);
      expect(await database.query('select jobname, database from cron.job')).toEqual([
        { jobname: 'tick', database: 'test_cron' },
      ]);
      const workers = () => database.query(`select from pg_stat_activity where backend_type = 'pg_cron launcher'`);
      await expect.poll(async () => (await workers()).length).toBe(1);
    });
  },
  { kinds: ['pg15'], cron: true },
);

describe('a template that nobody registered', () => {
  it('is named in the error', async () => {
    await expect(createTestDatabase('pglite', { template: 'nowhere' })).rejects.toThrow(/registerTemplate\("nowhere"/);
  });
});
