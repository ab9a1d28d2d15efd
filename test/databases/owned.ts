import pg from 'pg';
import type { MakeDatabase, TestDatabase } from '../setup/database.ts';

export interface OwnedDatabase {
  readonly role: string;
  /** The owner's address. */
  readonly url: string;
  readonly name: string;
  /** Asks as the server's administrator, in this database. */
  readonly admin: TestDatabase;
}

let roles = 0;

/** An empty database of a role of its own, which is no superuser. */
export async function makeOwned(make: MakeDatabase, attributes = ''): Promise<OwnedDatabase> {
  const admin = await make({ template: 'empty', max: 2 });
  const role = `owner_${process.pid}_${admin.kind}_${++roles}`;
  const address = new URL(admin.connectionString ?? '');
  const name = address.pathname.slice(1);
  await admin.query(`create role ${role} login password 'secret' ${attributes}`);
  await admin.query(`alter database "${name}" owner to ${role}`);
  address.username = role;
  address.password = 'secret';
  return { role, url: address.href, name, admin };
}

/** Every statement in one call, as `supabase db push` sends a file. */
export async function runFile(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
