import { randomBytes } from 'node:crypto';
import { Socket } from 'node:net';
import pg from 'pg';
import { ConfigError } from '../../../errors.ts';
import { parseJson } from '../../../kit/json.ts';
import type { Address, Host } from './parse-address.ts';
import type { Timing } from './timing.ts';

/** What we learned of a connection when it was made. */
export interface Session {
  /** Unique, and what the server shows as `application_name`. */
  readonly name: string;
  /** Since when, monotonic milliseconds. */
  readonly openedAt: number;
  /** A pooler stands between us and the server: a session is not ours alone. */
  readonly pooled: boolean;
  /** The server knows the connection by its name, so another one can ask what it does. */
  readonly named: boolean;
}

/** Which host is tried next; shared by all connections of a database. */
export interface Route {
  current(): Host;
  /** The current one did not answer. */
  fail(failed: Host): void;
  readonly count: number;
  /** Called when the server has no connection left and somebody has none: who can spare one gives it up. */
  readonly onStarved: Set<() => void>;
  /** False once the server was found to have no encryption, and the URL lets it. */
  encrypted: boolean;
}

export function createRoute({ hosts }: Pick<Address, 'hosts'>): Route {
  let at = 0;
  return {
    current: () => hosts[at] ?? { host: '', port: undefined },
    fail(failed) {
      if (hosts[at] === failed) at = (at + 1) % hosts.length;
    },
    count: hosts.length,
    onStarved: new Set(),
    encrypted: true,
  };
}

/**
 * What a role or a database may have set, as we need it. Parameters at the start of a session would be simpler, but poolers
 * refuse those that they do not know. The server itself looks whether we live: one that we left stays no longer than a minute.
 */
const OURS = {
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  timezone: 'UTC',
  datestyle: 'ISO, MDY',
  intervalstyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  backslash_quote: 'safe_encoding',
  transform_null_equals: 'off',
  row_security: 'on',
  xmloption: 'content',
  search_path: '"$user", public',
  tcp_keepalives_idle: '30',
  tcp_keepalives_interval: '10',
  tcp_keepalives_count: '3',
} as const;

/** The answer to the first question is of one row. Behind a pooler nothing is set: it would be set for others too. */
const GREETING = {
  text: `select pg_backend_pid() = $1 as direct, current_setting('application_name') = $2 as named,
      pg_is_in_recovery() as standby, current_setting('transaction_isolation') as isolation,
      current_setting('server_encoding') as encoding,
      (select count(set_config(name, value, false)) from unnest($3::text[], $4::text[]) s(name, value) where pg_backend_pid() = $1) as ours`,
  queryMode: 'extended',
};

interface Greeting {
  readonly direct: boolean;
  readonly named: boolean;
  readonly standby: boolean;
  readonly isolation: string;
  readonly encoding: string;
}

const PROCESS = randomBytes(3).toString('hex');
let serial = 0;

const JSON_TYPES: readonly number[] = [pg.types.builtins.JSON, pg.types.builtins.JSONB];

/** As `pg` reads them, but for the numbers in JSON. */
const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: 'text' | 'binary') =>
  JSON_TYPES.includes(oid) && format !== 'binary' ? parseJson : pg.types.getTypeParser(oid, format as 'text');

/** A client that is not connected yet. */
export class SessionClient extends pg.Client {
  readonly sessionName: string;
  readonly at: Host;
  readonly #socket: Socket;

  constructor(address: Address, route: Route, timing: Timing) {
    const name = `${address.applicationName ?? 'supasaasy'}:${PROCESS}:${++serial}`.slice(-63);
    const at = route.current();
    const { encryption } = address;
    const socket = new Socket();
    const ssl = encryption.optional && !route.encrypted ? false : encryption.ssl;
    super({
      ...(at.host === '' ? {} : { host: at.host }),
      ...(at.port === undefined ? {} : { port: at.port }),
      ...(address.user === undefined ? {} : { user: address.user }),
      ...(address.password === undefined ? {} : { password: address.password }),
      ...(address.database === undefined ? {} : { database: address.database }),
      ...(address.options === undefined ? {} : { options: address.options }),
      ...(ssl === undefined ? {} : { ssl }),
      enableChannelBinding: encryption.channelBinding,
      stream: () => socket,
      application_name: name,
      connectionTimeoutMillis: address.connectTimeoutMs ?? timing.connectMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      types: { getTypeParser },
    });
    // What is under way fails by itself; an event that no one hears would end the process.
    this.on('error', () => {});
    this.sessionName = name;
    this.at = at;
    this.#socket = socket;
  }

  /** Ends it without a word: to say goodbye, one must be heard. */
  cut(): void {
    this.#socket.destroy();
  }
}

/** Learns what a new connection is, and makes its settings ours. Throws where this database cannot be worked with. */
export async function greet(client: SessionClient, hosts: number): Promise<Session> {
  const pid = 'processID' in client ? client.processID : null;
  const { rows } = await client.query<Greeting>(GREETING, [
    pid,
    client.sessionName,
    Object.keys(OURS),
    Object.values(OURS),
  ]);
  const [row] = rows;
  if (row === undefined) throw new Error('the server does not answer a question');
  if (row.encoding !== 'UTF8')
    throw new ConfigError(
      `the database has the encoding ${row.encoding} (server_encoding), in which not every text can be stored: make another one with "create database … encoding 'UTF8' template template0"`,
    );
  if (!row.direct && row.isolation !== 'read committed')
    throw new ConfigError(
      `the role's default_transaction_isolation is "${row.isolation}", and a pooler stands before the server, behind which it cannot be set for a session: run "alter role … set default_transaction_isolation = 'read committed'", or connect directly`,
    );
  if (row.standby && hosts > 1) throw new StandbyError('it is a standby, which takes no writes');
  return { name: client.sessionName, openedAt: performance.now(), pooled: !row.direct, named: row.named };
}

/** This server follows another one: where there are several addresses, the next one is tried. */
export class StandbyError extends Error {}
