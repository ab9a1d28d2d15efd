import { expect, it } from 'vitest';
import type { SqlDatabase } from '../../src/engine/database.ts';
import type { Batch } from '../../src/engine/feed/change.ts';
import { createPostgres } from '../../src/runtime/node/postgres.ts';
import { describeEachDatabase, type MakeDatabase } from '../setup/database.ts';
import { write } from './writers.ts';

const ALICE = '11111111-1111-1111-1111-111111111111';
const BOB = '22222222-2222-2222-2222-222222222222';
let roles = 0;

/** A feed with one change, the consumers `mine` (granted to Alice) and `other`, and PostgREST's own login. */
async function host(make: MakeDatabase) {
  const { database, connectionString = '' } = await make({ template: 'engine' });
  await database.call('declare_consumers', {
    consumers: [
      { name: 'mine', start: 'start' },
      { name: 'other', start: 'start' },
    ],
  });
  await write(database, 'a', {});
  await database.query(`insert into supasaasy.consumer_grants (consumer, user_id) values ('mine', $1)`, [ALICE]);
  const opened: SqlDatabase[] = [];
  const login = (user: string) => {
    const url = new URL(connectionString);
    [url.username, url.password] = [user, user];
    const own = createPostgres({ connectionString: url.href, max: 2 });
    opened.push(own);
    return own;
  };
  const postgrest = login('authenticator');
  return {
    database,
    login,
    close: () => Promise.all(opened.map((own) => own.close())),
    /** One request as PostgREST makes it. */
    as: <T>(role: string, sub: string | null, sql: string, on = postgrest) =>
      on.transaction(async (tx) => {
        await tx.query(`select set_config('request.jwt.claims', $1, true)`, [JSON.stringify({ sub })]);
        await tx.query(`set local role ${role}`);
        return (await tx.query<{ r: T }>(`select ${sql} as r`))[0]!.r;
      }),
    /** A role that can log in and may do what `parent` may; it is gone when `work` ends. */
    async withRole(parent: string, work: (name: string) => Promise<void>) {
      roles += 1;
      const name = `member_${process.pid}_${roles}`;
      await database.query(`create role ${name} login inherit password '${name}' in role ${parent}`);
      try {
        await work(name);
      } finally {
        await Promise.all(opened.splice(0).map((own) => own.close()));
        await database.query(`drop role ${name}`);
      }
    },
  };
}

/** Every function of the feed that signed-in users may call, for one consumer. */
const CALLS = (name: string) => [
  `supasaasy.consumer_recv('${name}', 10)`,
  `supasaasy.consumer_ack('${name}', 1)`,
  `supasaasy.consumer_nack('${name}', 1, 1)`,
  `supasaasy.consumer_extend('${name}', 1)`,
  `supasaasy.consumer_release('${name}', 1)`,
  `supasaasy.consumer_seek('${name}', 'start')`,
  `supasaasy.consumer_lag('${name}')`,
  `supasaasy.consumer_status('${name}')`,
];

describeEachDatabase(
  'access to consumers',
  (make) => {
    it('lets a signed-in user use the consumers that were granted, and no other', async () => {
      const { as, close } = await host(make);
      const batch = await as<Batch>('authenticated', ALICE, `supasaasy.consumer_recv('mine', 10)`);
      expect(batch.changes).toHaveLength(1);
      expect(await as('authenticated', ALICE, `supasaasy.consumer_ack('mine', ${batch.token})`)).toMatchObject({
        acked: 1,
      });
      expect(await as('authenticated', ALICE, `supasaasy.consumer_status('mine')`)).toMatchObject([{ name: 'mine' }]);
      for (const [sub, call] of [
        [ALICE, `supasaasy.consumer_seek('mine', 'start')`],
        ...CALLS('other').map((sql) => [ALICE, sql] as const),
        ...CALLS('mine').map((sql) => [BOB, sql] as const),
        ...CALLS('mine').map((sql) => [null, sql] as const),
      ] as const)
        await expect(as('authenticated', sub, call), call).rejects.toThrow(
          /the role "authenticated" may not use the consumer/,
        );
      await expect(as('authenticated', ALICE, 'supasaasy.consumer_status(null)')).rejects.toThrow('name one');
      for (const call of [
        `supasaasy.declare_consumers('[]', true)`,
        `supasaasy.publish_messages('x', '[]')`,
        `supasaasy.settle('mine', 1, null)`,
        `supasaasy.may_use('mine', false)`,
        `supasaasy.trim_feed('1 day', true)`,
        `supasaasy.pause_consumer('mine')`,
        `supasaasy.list_dead_letters('mine')`,
      ])
        await expect(as('authenticated', ALICE, call), call).rejects.toThrow('permission denied');
      await expect(as('anon', null, `supasaasy.consumer_recv('mine', 10)`)).rejects.toThrow('permission denied');
      expect(await as('authenticated', ALICE, '(select count(*)::int from supasaasy.entities)')).toBe(0);
      await close();
    });

    it('lets the service role use all', async () => {
      const { as, close } = await host(make);
      expect((await as<Batch>('service_role', null, `supasaasy.consumer_recv('other', 10)`)).changes).toHaveLength(1);
      expect(await as('service_role', null, 'supasaasy.consumer_status(null)')).toHaveLength(2);
      await close();
    });

    it('refuses a role that inherits from authenticated, however it comes and whatever id it gives itself', async () => {
      const { as, login, withRole } = await host(make);
      await withRole('authenticated', async (name) => {
        const own = login(name);
        for (const call of [...CALLS('mine'), 'supasaasy.consumer_status(null)']) {
          await expect(own.query(`select ${call}`), call).rejects.toThrow(`the role "${name}" may not`);
          await expect(as(name, ALICE, call, own), call).rejects.toThrow(`the role "${name}" may not`);
          await expect(as('authenticated', ALICE, call, own), call).rejects.toThrow(/the role "authenticated" may not/);
        }
      });
    });

    it('lets a role and its members use what was granted to the role', async () => {
      const { database, login, withRole } = await host(make);
      await withRole('authenticated', async (name) => {
        await database.query(`insert into supasaasy.consumer_grants (consumer, role_name) values ('other', $1)`, [
          name,
        ]);
        const own = login(name);
        const [row] = await own.query<{ batch: Batch }>(`select supasaasy.consumer_recv('other', 10) as batch`);
        expect(row?.batch.changes).toHaveLength(1);
        await expect(own.query(`select supasaasy.consumer_seek('other', 'now')`)).rejects.toThrow('may not use');
        await expect(own.query(`select supasaasy.consumer_recv('mine', 10)`)).rejects.toThrow('may not use');
        await database.query(`update supasaasy.consumer_grants set may_seek = true where role_name is not null`);
        await own.query(`select supasaasy.consumer_seek('other', 'now')`);
        // A role that is no more grants nothing, and is no error.
        await database.query(`update supasaasy.consumer_grants set role_name = 'Gone' where role_name is not null`);
        await expect(own.query(`select supasaasy.consumer_recv('other', 10)`)).rejects.toThrow('may not use');
      });
    });

    it('lets a login of its own run the engine when it inherits from the service role', async () => {
      const { login, withRole } = await host(make);
      await withRole('service_role', async (name) => {
        const own = login(name);
        expect((await own.call<Batch>('consumer_recv', { name: 'other', limit: 10 })).changes).toHaveLength(1);
        expect(await own.call('consumer_status', { name: null })).toHaveLength(2);
      });
    });

    it('is no way in for PostgREST before it has set a role', async () => {
      const { database, login, close } = await host(make);
      await database.query('grant usage on schema supasaasy to authenticator');
      await database.query('grant execute on function supasaasy.consumer_recv to authenticator');
      await expect(login('authenticator').query(`select supasaasy.consumer_recv('mine', 10)`)).rejects.toThrow(
        'the role "authenticator" may not use',
      );
      await database.query('revoke all on function supasaasy.consumer_recv from authenticator');
      await database.query('revoke usage on schema supasaasy from authenticator');
      await close();
    });
  },
  { kinds: ['postgres', 'pg15'] },
);
