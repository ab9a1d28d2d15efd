import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { type Cluster, findEmbedded, startCluster } from '../setup/cluster.ts';
import { createTestDatabase, type DatabaseKind, databases } from '../setup/database.ts';
import { cloneOnServer } from '../setup/templates.ts';
import { type Certificates, makeCertificates, noOpenssl } from './certificates.ts';
import { type Ground, type SetUp, setUps } from './set-ups.ts';
import { openStory, tellStory } from './tell-story.ts';

let roles = 0;

/** The role and its database; `admin` is the superuser's address of it. */
async function prepareGround(setUp: SetUp, admin: string, certificates?: Certificates): Promise<Ground> {
  const asAdmin = openStory({ url: admin, max: 1 });
  const role = `owner_${process.pid}_s${++roles}`;
  const address = new URL(admin);
  const name = address.pathname.slice(1);
  await asAdmin.query(`create role ${role} login password 'secret' ${setUp.attributes ?? 'createrole'}`);
  await asAdmin.query(`alter database "${name}" owner to ${role}`);
  address.username = role;
  address.password = 'secret';
  return { url: address.href, role, name, certificates, admin: async (sql) => void (await asAdmin.query(sql)) };
}

const kindsOf = ({ on }: SetUp): readonly DatabaseKind[] =>
  on === undefined ? ['postgres', 'pg15'] : on === 'encrypted' ? [] : [on];

for (const kind of ['postgres', 'pg15'] as const) {
  const reason = databases[kind].unavailable();
  describe.skipIf(reason !== undefined)(
    `a mirror on ${databases[kind].label} (${reason ?? 'here'})`,
    { timeout: 120_000 },
    () => {
      for (const setUp of setUps.filter((each) => kindsOf(each).includes(kind))) {
        const missing = setUp.skip?.();
        it.skipIf(missing !== undefined)(`${setUp.name}${missing === undefined ? '' : ` (${missing})`}`, async () => {
          const made = await createTestDatabase(kind, { template: 'empty', max: 1 });
          onTestFinished(() => made.close());
          const ground = await prepareGround(setUp, made.connectionString ?? '');
          await tellStory(await setUp.prepare(ground));
        });
      }
    },
  );
}

const binaries = findEmbedded();
const unwanted =
  'unavailable' in inject('servers').postgres || typeof binaries === 'string' || noOpenssl() !== undefined;

describe.skipIf(unwanted)('a mirror on PostgreSQL 18 with encryption', { timeout: 120_000 }, () => {
  let cluster: Cluster;
  let certificates: Certificates;
  beforeAll(async () => {
    if (typeof binaries === 'string') return;
    certificates = makeCertificates();
    cluster = await startCluster({
      ...binaries,
      settings: { ...certificates.settings, listen_addresses: '127.0.0.1,::1' },
    });
  }, 120_000);
  afterAll(async () => {
    await cluster?.stop();
    if (certificates !== undefined) rmSync(certificates.folder, { recursive: true, force: true });
  });

  for (const setUp of setUps.filter(({ on }) => on === 'encrypted')) {
    it(setUp.name, async () => {
      const ground = await prepareGround(setUp, await cloneOnServer(cluster.url, 'empty'), certificates);
      await tellStory(await setUp.prepare(ground));
    });
  }

  const refusal = async (parameters: string, host = 'localhost') => {
    const url = `${cluster.url.replace('127.0.0.1', host)}?${parameters}`;
    const { database } = openStory({ url, max: 1 });
    return await database.query('select 1').then(
      () => 'it was let in',
      (error: Error) => error.message,
    );
  };

  it('C39: a certificate of an authority that is not known is named, with the two ways out', async () => {
    for (const parameters of [
      'sslmode=verify-full',
      `sslmode=verify-full&sslrootcert=${certificates.stranger}`,
      'ssl=true',
    ])
      expect(await refusal(parameters)).toMatch(
        /^PostgreSQL localhost:\d+\/postgres has a certificate that is not trusted \(.+\)\. Name the certificate of its authority: sslmode=verify-full&sslrootcert=.* Or .*: sslmode=require$/,
      );
    expect(await refusal(`sslmode=verify-full&sslrootcert=${certificates.ca}`)).toBe('it was let in');
    expect(await refusal(`sslmode=verify-ca&sslrootcert=${certificates.ca}`, '127.0.0.1')).toBe('it was let in');
    expect(await refusal(`sslmode=verify-full&sslrootcert=${certificates.ca}`, '127.0.0.1')).toContain('not trusted');
  });
});
