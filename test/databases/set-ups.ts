import type { Certificates } from './certificates.ts';
import { noPgbouncer, startPgbouncer } from './pgbouncer.ts';
import { startProxy, through } from './proxy.ts';
import type { StoryOptions } from './tell-story.ts';

/** A database that is empty, and belongs to a role without superuser which may make roles. */
export interface Ground {
  readonly url: string;
  readonly role: string;
  readonly name: string;
  /** As the server's administrator, in this database. */
  admin(sql: string): Promise<void>;
  readonly certificates: Certificates | undefined;
}

export interface SetUp {
  readonly name: string;
  /** Which server: the usual ones, or the one with encryption and IPv6. Default: both versions. */
  readonly on?: 'postgres' | 'pg15' | 'encrypted';
  readonly attributes?: string;
  readonly skip?: () => string | undefined;
  prepare(ground: Ground): Promise<StoryOptions> | StoryOptions;
}

/** Short, so that what takes a minute in life takes a second here. */
const QUICK = { connectMs: 5_000, silentMs: 400, graceMs: 200, hardMs: 4_000, widenMs: 1_000, listenMs: 500 };

const settings =
  (what: Readonly<Record<string, string>>): SetUp['prepare'] =>
  async ({ url, role, name, admin }) => {
    for (const [setting, value] of Object.entries(what)) {
      await admin(`alter role ${role} in database "${name}" set ${setting} = ${value}`);
      await admin(`alter database "${name}" set ${setting} = ${value}`);
    }
    return { url };
  };

const query = (url: string, parameters: string) => `${url}?${parameters}`;

/** Every character that means something in a URL, and some that do not fit into one. */
const PASSWORD = `a@b/c#d?e:f%g&h+i j"k'l\\m[n]o=p;q,r!s$t*u(v)w|x^y~z{ä€}`;

export const setUps: readonly SetUp[] = [
  { name: 'an owner without superuser', prepare: ({ url }) => ({ url }) },
  {
    name: 'an owner that may make no roles',
    attributes: 'nocreaterole',
    prepare: ({ url }) => ({ url, noQueries: true }),
  },
  {
    name: "an administrator's schema, in a database where the role may make nothing",
    async prepare({ url, role, name, admin }) {
      await admin(`alter database "${name}" owner to postgres`);
      await admin(`revoke create, temporary on database "${name}" from public`);
      await admin(`create schema supasaasy authorization ${role}`);
      return { url };
    },
  },
  {
    name: 'C20: a role of 4 connections',
    attributes: 'createrole connection limit 4',
    prepare: ({ url }) => ({ url, timing: QUICK }),
  },
  {
    name: 'C20: a role of 1 connection',
    attributes: 'createrole connection limit 1',
    prepare: ({ url }) => ({ url, timing: QUICK }),
  },
  {
    name: 'C20: connection_limit=1 in the URL',
    on: 'postgres',
    prepare: ({ url }) => ({ url: query(url, 'connection_limit=1') }),
  },
  {
    name: 'PgBouncer in transaction mode, with 4 connections',
    skip: noPgbouncer,
    prepare: async ({ url }) => ({
      url: query(await startPgbouncer(url, 'transaction', 4), 'pgbouncer=true'),
      timing: QUICK,
    }),
  },
  {
    name: 'PgBouncer in session mode, with 20 connections',
    skip: noPgbouncer,
    prepare: async ({ url }) => ({ url: await startPgbouncer(url, 'session', 20), timing: QUICK }),
  },
  {
    name: 'C20: PgBouncer in session mode, with 4 connections',
    on: 'postgres',
    skip: noPgbouncer,
    prepare: async ({ url }) => ({
      url: await startPgbouncer(url, 'session', 4),
      timing: { ...QUICK, connectMs: 1_000 },
    }),
  },
  { name: 'sslmode=disable', prepare: ({ url }) => ({ url: query(url, 'sslmode=disable') }) },
  {
    name: 'sslmode=prefer, and no encryption',
    on: 'postgres',
    prepare: ({ url }) => ({ url: query(url, 'sslmode=prefer') }),
  },
  { name: 'sslmode=require', on: 'encrypted', prepare: ({ url }) => ({ url: query(url, 'sslmode=require') }) },
  {
    name: 'sslmode=require with the authority, as verify-ca: by an address that is not in the certificate',
    on: 'encrypted',
    prepare: ({ url, certificates }) => ({ url: query(url, `sslmode=require&sslrootcert=${certificates?.ca}`) }),
  },
  {
    name: 'sslmode=verify-full with an authority of our own',
    on: 'encrypted',
    prepare: ({ url, certificates }) => ({
      url: query(url.replace('127.0.0.1', 'localhost'), `sslmode=verify-full&sslrootcert=${certificates?.ca}`),
    }),
  },
  {
    name: 'what hosts hand out: channel binding, a pooler’s flags, a project in the options',
    on: 'encrypted',
    prepare: ({ url }) => ({
      url: query(
        url.replace('postgres://', 'postgresql://'),
        'sslmode=require&channel_binding=require&pgbouncer=true&connect_timeout=15&pool_timeout=0&schema=public&options=-c%20geqo%3Doff&supa=base-pooler.x',
      ),
    }),
  },
  {
    name: 'IPv6',
    on: 'encrypted',
    prepare: ({ url }) => ({ url: query(url.replace('127.0.0.1', '[::1]'), 'sslmode=require') }),
  },
  {
    name: 'C37: a password with every reserved character, percent-encoded',
    async prepare({ url, role, admin }) {
      await admin(`alter role ${role} password '${PASSWORD.replaceAll("'", "''")}'`);
      return { url: url.replace(':secret@', `:${encodeURIComponent(PASSWORD)}@`) };
    },
  },
  {
    name: 'another TimeZone and DateStyle',
    prepare: settings({ timezone: `'Asia/Kathmandu'`, datestyle: `'SQL, DMY'`, intervalstyle: `'iso_8601'` }),
  },
  {
    name: 'another search_path',
    prepare: settings({ search_path: 'nowhere', extra_float_digits: '-15', bytea_output: 'escape' }),
  },
  {
    name: 'C39: default_transaction_isolation = serializable',
    prepare: settings({ default_transaction_isolation: 'serializable' }),
  },
  {
    name: 'read-only by default, deferrable, with backslashes in strings',
    prepare: settings({
      default_transaction_read_only: 'on',
      default_transaction_deferrable: 'on',
      standard_conforming_strings: 'off',
    }),
  },
  {
    name: 'statement_timeout, lock_timeout and idle_in_transaction_session_timeout of milliseconds',
    prepare: settings({ statement_timeout: '20', lock_timeout: '1', idle_in_transaction_session_timeout: '50' }),
  },
  {
    name: 'an ICU collation',
    on: 'encrypted',
    async prepare({ url, role, name, admin }) {
      await admin(
        `create database "${name}_icu" template template0 locale_provider icu icu_locale 'de-u-ks-level1' owner ${role}`,
      );
      return { url: query(url.replace(`/${name}`, `/${name}_icu`), 'sslmode=require') };
    },
  },
  {
    name: 'C21: connections that go silent, while new ones work',
    async prepare({ url }) {
      const proxy = await startProxy(Number(new URL(url).port));
      return { url: through(url, proxy.port), timing: QUICK, disturb: proxy.silence };
    },
  },
  {
    name: 'C21: connections that go silent, behind PgBouncer',
    on: 'postgres',
    skip: noPgbouncer,
    async prepare({ url }) {
      const pooler = await startPgbouncer(url, 'transaction', 10);
      const proxy = await startProxy(Number(new URL(pooler).port));
      return { url: through(url, proxy.port), timing: QUICK, disturb: proxy.silence };
    },
  },
  {
    name: 'C21: connections that go silent, of a role that has no more of them',
    on: 'postgres',
    attributes: 'createrole connection limit 3',
    async prepare({ url }) {
      const proxy = await startProxy(Number(new URL(url).port));
      return { url: through(url, proxy.port), timing: QUICK, disturb: proxy.silence };
    },
  },
  {
    name: 'C38: a server that is away for a while',
    async prepare({ url }) {
      const proxy = await startProxy(Number(new URL(url).port));
      const disturb = async () => {
        await proxy.down();
        setTimeout(() => void proxy.up(), 1_500);
      };
      return { url: through(url, proxy.port), timing: QUICK, disturb };
    },
  },
  {
    name: 'a fail-over to the second host of the URL',
    on: 'postgres',
    async prepare({ url }) {
      const { port } = new URL(url);
      const [one, two] = [await startProxy(Number(port)), await startProxy(Number(port))];
      const both = `127.0.0.1:${one.port},127.0.0.1:${two.port}`;
      return { url: url.replace(/@[^/]+\//, `@${both}/`), timing: QUICK, disturb: one.down };
    },
  },
  {
    name: 'a fail-over behind one name, while the old connections stay silent',
    on: 'postgres',
    async prepare({ url }) {
      // Until the address leads to the new server, it leads to a port where nothing answers.
      const { port } = new URL(url);
      const proxy = await startProxy(Number(port));
      const disturb = () => {
        proxy.silence();
        proxy.target(1);
        setTimeout(() => proxy.target(Number(port)), 1_500);
      };
      return { url: through(url, proxy.port), timing: QUICK, disturb };
    },
  },
  { name: 'a host whose clock is an hour ahead', prepare: ({ url }) => ({ url, skewMs: 3_600_000 }) },
  { name: 'a host whose clock is an hour behind', prepare: ({ url }) => ({ url, skewMs: -3_600_000 }) },
];
